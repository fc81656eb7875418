#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/membership/key_ring.hpp"
#include "rest_node.hpp"

namespace anode::api::rest_spec {
namespace {

using membership::KeyOp;
using membership::KeyReport;
using membership::MemberState;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::string_view kPrint = "0123456789abcdef";

MemberInfo peer(std::string id, MemberState state = MemberState::Alive) {
    MemberInfo info;
    info.name = id.substr(2);
    info.id = std::move(id);
    info.state = state;
    info.zone = "fra";
    info.version = "1.2.4";
    info.address = "10.0.0.2:7946";
    info.url = "http://10.0.0.2:7945";
    info.incarnation = 12;
    info.rtt = 1500us;
    return info;
}

MemberInfo foreigner(std::string name) {
    MemberInfo info;
    info.id = info.name = std::move(name);
    info.foreign = true;
    return info;
}

class RestCluster : public ::testing::Test {
protected:
    void sees(MemberInfo info) { node.cluster.shown.members.push_back(std::move(info)); }
    [[nodiscard]] std::string audited() { return node.get("/v1/audit").body; }
    RestNode node;
    const std::string self = node.node.facts().id_text;
};

// -- nodes -----------------------------------------------------------------------------------------------

TEST_F(RestCluster, EveryMemberIsShownAndOnlyThisNodeWithItsLoad) {
    sees(peer("n-b"));
    sees(foreigner("serf-1"));
    const Answer nodes = node.get("/v1/nodes");
    EXPECT_THAT(nodes.items("id"), ElementsAre('"' + self + '"', R"("n-b")", R"("serf-1")"));
    EXPECT_THAT(nodes.items("kind"), ElementsAre(R"("node")", R"("node")", R"("foreign")"));
    EXPECT_THAT(nodes.items("self"), ElementsAre("true", "false", "false"));
    EXPECT_THAT(nodes.items("rtt_ms"), ElementsAre("null", "1.5", "null"));
    EXPECT_THAT(node.get("/v1/nodes/" + self).member("load"), HasSubstr("in_per_second"));
    const Answer other = node.get("/v1/nodes/n-b");
    EXPECT_EQ(other.text("zone"), "fra");
    EXPECT_EQ(other.text("url"), "http://10.0.0.2:7945");
    EXPECT_EQ(other.member("incarnation"), "12");
    EXPECT_THAT(other.body, Not(HasSubstr("\"load\""))) << "it has told nothing yet";
    EXPECT_EQ(node.get("/v1/nodes/b").text("id"), "n-b") << "by name too, if one goes by it";
    sees(foreigner("b"));
    EXPECT_EQ(node.get("/v1/nodes/b").text("id"), "b") << "an id before a name";
}

TEST_F(RestCluster, ASuspectIsAliveUntilItIsJudged) {
    sees(peer("n-b", MemberState::Suspect));
    sees(peer("n-c", MemberState::Dead));
    sees(peer("n-d", MemberState::Left));
    const Answer nodes = node.get("/v1/nodes");
    EXPECT_THAT(nodes.items("state"),
                ElementsAre(R"("alive")", R"("alive")", R"("dead")", R"("left")"));
    EXPECT_THAT(nodes.items("suspect"), ElementsAre("false", "true", "false", "false"));
    EXPECT_EQ(node.get("/v1/cluster").member("nodes"),
              R"({"alive":2,"suspect":1,"dead":1,"left":1,"foreign":0})");
}

TEST_F(RestCluster, NodesComeInPages) {
    for (const char* id : {"n-b", "n-c", "n-d"}) sees(peer(id));
    node.cluster.shown.members.front().id = "n-a";
    const Answer first = node.get("/v1/nodes?limit=2");
    EXPECT_THAT(first.items("id"), ElementsAre(R"("n-a")", R"("n-b")"));
    EXPECT_EQ(first.text("next"), "n-b");
    const Answer rest = node.get("/v1/nodes?limit=2&after=n-b");
    EXPECT_THAT(rest.items("id"), ElementsAre(R"("n-c")", R"("n-d")"));
    EXPECT_EQ(rest.member("next"), "null");
}

TEST_F(RestCluster, AVerbForANodeThatCannotBeReachedNamesIt) {
    sees(peer("n-b"));
    const Answer answer = node.post("/v1/nodes/n-b:drain");
    EXPECT_EQ(answer.code(), "peer-failed");
    EXPECT_THAT(answer.text("detail"), HasSubstr("n-b"));
    EXPECT_FALSE(node.node.is_draining);
}

TEST_F(RestCluster, AViewThatDoesNotComeIsNotReady) {
    node.cluster.is_ending = true;
    for (const char* path : {"/v1/nodes", "/v1/cluster", "/v1/gossip"})
        EXPECT_EQ(node.get(path).code(), "not-ready") << path;
}

// -- the cluster -----------------------------------------------------------------------------------------

TEST_F(RestCluster, TheClusterTellsVersionsInUseAndWhetherItIsSealed) {
    sees(peer("n-b"));
    MemberInfo old = peer("n-c", MemberState::Dead);
    old.version = "0.9";
    sees(std::move(old));
    node.cluster.shown.encrypted = true;
    node.cluster.shown.belonging = Belonging::Joined;
    const Answer answer = node.get("/v1/cluster");
    EXPECT_EQ(answer.member("versions"), R"(["1.2.3","1.2.4"])");
    EXPECT_EQ(answer.member("encrypted"), "true");
    EXPECT_EQ(answer.text("state"), "joined");
}

TEST_F(RestCluster, ContactsAreAddedAndTheWishIsAudited) {
    const Answer answer =
        node.post("/v1/cluster:join", R"({"addresses":["10.0.0.7","b.example.org:7946"]})");
    EXPECT_EQ(answer.status, 202);
    EXPECT_THAT(node.cluster.joined, ElementsAre("10.0.0.7", "b.example.org:7946"));
    EXPECT_THAT(audited(), AllOf(HasSubstr("cluster.join"), HasSubstr("b.example.org:7946")));
}

TEST_F(RestCluster, AWishThatIsNoneIsRefusedWithItsPlace) {
    for (const auto& [body, pointer] : {std::pair{R"({"addresses":[]})", "/addresses"},
                                        std::pair{R"({"addresses":["a b"]})", "/addresses/0"},
                                        std::pair{R"({"addresses":["a",7]})", "/addresses/1"},
                                        std::pair{R"({"adresses":["a"]})", "/adresses"}}) {
        const Answer answer = node.post("/v1/cluster:join", body);
        EXPECT_EQ(answer.status, 422) << body;
        EXPECT_THAT(answer.member("errors"), HasSubstr('"' + std::string(pointer) + '"')) << body;
    }
    EXPECT_EQ(node.post("/v1/cluster:join", "{").code(), "bad-json");
    EXPECT_THAT(node.cluster.joined, IsEmpty());
}

TEST_F(RestCluster, ANodeLeavesOnceAndAMemberIsForgottenById) {
    EXPECT_EQ(node.post("/v1/cluster:leave").text("state"), "left");
    EXPECT_TRUE(node.cluster.has_left);
    EXPECT_EQ(node.post("/v1/cluster:forget", R"({"id":"n-b"})").status, 200);
    EXPECT_EQ(node.cluster.forgotten, "n-b");
    EXPECT_THAT(audited(), AllOf(HasSubstr("cluster.leave"), HasSubstr("cluster.forget")));
    node.cluster.refusal = fail(Errc::Conflict, "n-b is alive");
    EXPECT_EQ(node.post("/v1/cluster:forget", R"({"id":"n-b"})").code(), "conflict");
    node.cluster.refusal = fail(Errc::NotFound, "no member of this id");
    EXPECT_EQ(node.post("/v1/cluster:forget", R"({"id":"n-z"})").status, 404);
    EXPECT_EQ(node.post("/v1/cluster:forget", "{}").status, 422);
}

// -- gossip ----------------------------------------------------------------------------------------------

TEST_F(RestCluster, GossipTellsWhatItCounted) {
    ClusterView& view = node.cluster.shown;
    view.counters.probe_failures = 3;
    view.counters.health_score = 2;
    view.counters.dropped[static_cast<std::size_t>(membership::Drop::Crc)] = 5;
    view.keys = {std::string(kPrint)};
    view.members.front().state = MemberState::Alive;
    const Answer answer = node.get("/v1/gossip");
    EXPECT_EQ(answer.member("health_score"), "2");
    EXPECT_THAT(answer.member("counters"),
                AllOf(HasSubstr(R"("probe_failures":3)"), HasSubstr(R"("dropped":{"crc":5})")));
    EXPECT_THAT(answer.member("members"), HasSubstr(self));
    EXPECT_EQ(answer.member("keys"), R"(["0123456789abcdef"])");
}

// -- keys ------------------------------------------------------------------------------------------------

TEST_F(RestCluster, AKeyIsTakenInOrMadeAndNeverShown) {
    const std::string key = text::base64(std::string(32, 'k'));
    const Answer given = node.post("/v1/gossip/keys:install", "{\"key\":\"" + key + "\"}");
    EXPECT_EQ(given.status, 200);
    EXPECT_EQ(node.cluster.asked.op, KeyOp::Install);
    EXPECT_EQ(node.cluster.asked.key, std::string(32, 'k'));
    EXPECT_EQ(given.text("fingerprint"), membership::KeyRing::fingerprint(std::string(32, 'k')));
    const Answer made = node.post("/v1/gossip/keys:install");
    EXPECT_EQ(node.cluster.asked.key.size(), 32u);
    EXPECT_NE(node.cluster.asked.key, std::string(32, 'k'));
    EXPECT_THAT(made.body, Not(HasSubstr(text::base64(node.cluster.asked.key))));
    EXPECT_THAT(audited(), AllOf(HasSubstr("keys.install"), Not(HasSubstr(key)),
                                 HasSubstr(given.text("fingerprint"))));
}

TEST_F(RestCluster, AKeyIsUsedAndRemovedByItsFingerprint) {
    const std::string body = "{\"fingerprint\":\"" + std::string(kPrint) + "\"}";
    EXPECT_EQ(node.post("/v1/gossip/keys:use", body).status, 200);
    EXPECT_EQ(node.cluster.asked.op, KeyOp::Use);
    EXPECT_EQ(node.post("/v1/gossip/keys:remove", body).status, 200);
    EXPECT_EQ(node.cluster.asked.op, KeyOp::Remove);
    EXPECT_EQ(node.cluster.asked.fingerprint, kPrint);
    EXPECT_EQ(node.post("/v1/gossip/keys:use", R"({"fingerprint":"abc"})").status, 422);
    EXPECT_EQ(node.post("/v1/gossip/keys:install", R"({"key":"c2hvcnQ="})").status, 422);
}

TEST_F(RestCluster, ARefusalNamesTheMembersThatStandAgainstIt) {
    KeyReport& report = node.cluster.report;
    report.done = fail(Errc::Refused, "n-b lacks the key");
    report.rows = {{self, true, false, {std::string(kPrint)}, {}},
                   {"n-b", true, false, {}, "lacks the key"},
                   {"n-c", false, false, {}, {}}};
    const Answer answer =
        node.post("/v1/gossip/keys:remove", "{\"fingerprint\":\"" + std::string(kPrint) + "\"}");
    EXPECT_EQ(answer.status, 409);
    EXPECT_EQ(answer.code(), "conflict");
    EXPECT_THAT(
        answer.member("errors"),
        AllOf(HasSubstr(R"("pointer":"/items/n-b","code":"refused")"),
              HasSubstr(R"("pointer":"/items/n-c","code":"no-answer")"), Not(HasSubstr(self))));
    EXPECT_THAT(audited(), HasSubstr("keys.remove.failed"));
    report.done = fail(Errc::Timeout, "n-c did not answer");
    EXPECT_EQ(
        node.post("/v1/gossip/keys:remove", "{\"fingerprint\":\"" + std::string(kPrint) + "\"}")
            .code(),
        "peer-timeout");
}

TEST_F(RestCluster, AListShowsWhoDidNotAnswer) {
    KeyReport& report = node.cluster.report;
    report.done = fail(Errc::Timeout, "n-c did not answer");
    report.rows = {{self, true, false, {std::string(kPrint), "ffff"}, {}},
                   {"n-c", false, false, {}, {}}};
    const Answer answer = node.get("/v1/gossip/keys");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.member("complete"), "false");
    EXPECT_THAT(answer.items("primary"), ElementsAre(R"("0123456789abcdef")", "null"));
    EXPECT_THAT(answer.items("answered"), ElementsAre("true", "false"));
}

}  // namespace
}  // namespace anode::api::rest_spec
