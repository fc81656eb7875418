#include "core/membership/membership.hpp"

#include <algorithm>

#include "core/membership/parts.hpp"
#include "unit/membership/node/network.hpp"

/// Whole nodes that find each other over virtual wires.
namespace anode::membership::spec {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const Bytes kOldKey(32, 'o');
const Bytes kNewKey(32, 'n');

KeyRing ring_of(std::vector<Bytes> keys) {
    KeyRing ring;
    for (const Bytes& key : keys) EXPECT_TRUE(ring.add(key));
    return ring;
}

struct MembershipSpec : testing::Test {
    void three(const KeyRing& ring = {}, const std::function<void(Config&)>& change = {}) {
        net.add("a", {}, ring, change);
        net.add("b", {"10.0.0.1"}, ring, change);
        net.add("c", {"10.0.0.1:7946"}, ring, change);
        ASSERT_TRUE(net.run_until([this] { return net.everybody_sees(3); }, 30s));
    }
    Membership& machine(const std::string& name) { return *net.node(name).machine; }
    std::uint64_t dropped(const std::string& name, Drop reason) {
        return machine(name).counters().dropped[static_cast<std::size_t>(reason)];
    }
    KeyReport wants(const std::string& name, KeyOp op, Bytes key, std::string fingerprint) {
        const std::size_t before = net.heard<KeyReport>(name).size();
        net.tells(
            name,
            KeyRequest{
                .id = 1, .op = op, .key = std::move(key), .fingerprint = std::move(fingerprint)});
        EXPECT_TRUE(net.run_until([&] { return net.heard<KeyReport>(name).size() > before; }, 30s));
        return net.heard<KeyReport>(name).back();
    }
    std::vector<std::string> notices(const std::string& name) {
        std::vector<std::string> all;
        for (const Notice& notice : net.heard<Notice>(name)) {
            all.push_back(std::string(notice.what) + ": " + notice.detail);
        }
        return all;
    }
    bool heard_message(const std::string& name, BytesView payload) {
        return std::ranges::any_of(net.heard<UserMessage>(name), [payload](const UserMessage& one) {
            return one.payload == payload;
        });
    }

    Network net;
};

// -- joining -------------------------------------------------------------------------------------

TEST_F(MembershipSpec, NodesThatShareAContactFindEachOther) {
    three();
    EXPECT_EQ(machine("a").view_hash(), machine("b").view_hash());
    EXPECT_EQ(machine("a").view_hash(), machine("c").view_hash());
    EXPECT_GE(machine("b").counters().joins, 1u);
}

TEST_F(MembershipSpec, ANodeThatIsItsOwnContactIsFoundByOthersUnderOneName) {
    net.names["seed"] = {Address::v4(10, 0, 0, 1, 7946), Address::v4(10, 0, 0, 2, 7946),
                         Address::v4(10, 0, 0, 3, 7946)};
    for (const char* name : {"a", "b", "c"}) net.add(name, {"seed"});
    EXPECT_TRUE(net.run_until([this] { return net.everybody_sees(3); }, 30s));
}

TEST_F(MembershipSpec, UserStateIsExchangedBothWaysWithTheJoinFlag) {
    net.add("a");
    net.tells("a", SetUserState{"state of a"});
    net.add("b");
    net.tells("b", SetUserState{"state of b"});
    net.tells("b", JoinContact{"10.0.0.1"});
    net.run(1s);
    const auto at_a = net.heard<RemoteState>("a");
    const auto at_b = net.heard<RemoteState>("b");
    ASSERT_THAT(at_a, SizeIs(1));
    ASSERT_THAT(at_b, SizeIs(1));
    EXPECT_EQ(at_a[0].state, "state of b");
    EXPECT_EQ(at_b[0].state, "state of a");
    EXPECT_TRUE(at_a[0].join);
    EXPECT_TRUE(at_b[0].join);
}

TEST_F(MembershipSpec, UserStateIsExchangedAgainFromTimeToTime) {
    three();
    net.tells("a", SetUserState{"news"});
    EXPECT_TRUE(net.run_until(
        [this] {
            const auto got = net.heard<RemoteState>("b");
            return !got.empty() && got.back().state == "news" && !got.back().join;
        },
        5min));
}

TEST_F(MembershipSpec, ALargeUserStateArrivesWholeAndOneTooLargeIsRefused) {
    const Bytes large(8u << 20, 'x');
    net.chunk = 65'536;
    net.add("a");
    net.tells("a", SetUserState{large});
    net.add("b", {"10.0.0.1"}, {}, [](Config& config) { config.compression = false; });
    net.run(1s);
    ASSERT_THAT(net.heard<RemoteState>("b"), SizeIs(1));
    EXPECT_EQ(net.heard<RemoteState>("b")[0].state.size(), large.size());
    net.tells("a", SetUserState{Bytes((20u << 20) + 1, 'x')});
    EXPECT_THAT(notices("a"), Contains(HasSubstr("20 MiB")));
}

TEST_F(MembershipSpec, ANodeAloneTriesItsContactForEverAndFindsItWhenItComes) {
    net.names["seed"] = {Address::v4(10, 0, 0, 2, 7946)};
    net.add("a", {"seed"});
    net.run(10min);
    EXPECT_GE(net.node("a").dials, 15u);
    EXPECT_LE(net.node("a").dials, 40u);
    EXPECT_EQ(std::ranges::count_if(notices("a"),
                                    [](const std::string& one) {
                                        return one.find("cannot be joined") != std::string::npos;
                                    }),
              1);
    net.add("b");
    EXPECT_TRUE(net.run_until([this] { return net.everybody_sees(2); }, 45s));
}

// -- other clusters ------------------------------------------------------------------------------

TEST_F(MembershipSpec, ANodeWithAnotherLabelStaysOutsideAndBothAreTold) {
    net.add("a", {}, {}, [](Config& config) { config.label = "blue"; });
    net.add("b", {"10.0.0.1"}, {}, [](Config& config) { config.label = "red"; });
    net.run(1min);
    EXPECT_EQ(machine("a").alive(), 1u);
    EXPECT_EQ(machine("b").alive(), 1u);
    EXPECT_GE(dropped("a", Drop::Label), 2u);
    EXPECT_THAT(notices("a"), ElementsAre(HasSubstr("\"red\"")));
    EXPECT_THAT(notices("b"), ElementsAre(HasSubstr("10.0.0.1")));
}

TEST_F(MembershipSpec, ANodeWithAnotherKeyStaysOutsideAndBothAreTold) {
    net.add("a", {}, ring_of({kOldKey}));
    net.add("b", {"10.0.0.1"}, ring_of({kNewKey}));
    net.run(1min);
    EXPECT_EQ(machine("a").alive(), 1u);
    EXPECT_EQ(machine("b").alive(), 1u);
    EXPECT_GE(machine("a").counters().decrypt_errors, 2u);
    EXPECT_THAT(notices("a"), ElementsAre(HasSubstr("no key")));
    EXPECT_THAT(notices("b"), Contains(HasSubstr("cannot be joined")));
}

TEST_F(MembershipSpec, AnEncryptedClusterWithALabelWorksAsAClearOne) {
    three(ring_of({kOldKey}), [](Config& config) { config.label = "blue"; });
    net.run(1min);
    EXPECT_TRUE(net.everybody_sees(3));
    EXPECT_EQ(machine("a").counters().decrypt_errors, 0u);
    EXPECT_EQ(machine("a").member("b")->key, 0u);
}

TEST_F(MembershipSpec, VersionsThatDoNotFitAreRefused) {
    net.add("a");
    net.add("b", {"10.0.0.1"}, {}, [](Config& config) { config.delegate_versions = {2, 5, 4}; });
    net.run(1min);
    EXPECT_EQ(machine("a").alive(), 1u);
    EXPECT_EQ(machine("b").alive(), 1u);
    EXPECT_GE(dropped("a", Drop::Versions), 1u);
}

TEST_F(MembershipSpec, APacketOfAForeignClusterIsToldOncePerSource) {
    net.add("a", {}, ring_of({kOldKey}));
    for (int i = 0; i < 1000; ++i)
        net.tells("a", Datagram{kCarol, "\x08hello there, this is clear text"});
    EXPECT_THAT(notices("a"), SizeIs(1));
    EXPECT_EQ(dropped("a", Drop::Clear) + dropped("a", Drop::Sealed) + dropped("a", Drop::Key),
              1000u);
}

// -- user messages -------------------------------------------------------------------------------

TEST_F(MembershipSpec, UserMessagesGoByPacketByStreamAndByGossip) {
    three(ring_of({kOldKey}));
    net.tells("a", SendUser{.to = "b", .payload = "by packet", .reliable = false});
    net.tells("a", SendUser{.to = "b", .payload = "by stream", .reliable = true});
    net.tells("a", SendUser{.to = "b", .payload = Bytes(300'000, 'l'), .reliable = true});
    net.tells("a", SendUser{.to = "b", .payload = Bytes(60'000, 'p'), .reliable = false});
    net.tells("a", Broadcast{"by gossip"});
    net.run(5s);
    EXPECT_TRUE(heard_message("b", "by packet"));
    EXPECT_TRUE(heard_message("b", "by stream"));
    EXPECT_TRUE(heard_message("b", Bytes(300'000, 'l')));
    EXPECT_TRUE(heard_message("b", Bytes(60'000, 'p')));
    EXPECT_TRUE(heard_message("b", "by gossip"));
    EXPECT_TRUE(heard_message("c", "by gossip"));
    EXPECT_FALSE(heard_message("c", "by stream"));
}

TEST_F(MembershipSpec, WhatCannotBeSentIsTold) {
    three();
    net.tells("a", SendUser{.to = "nobody", .payload = "hello", .reliable = true});
    net.tells("a", SendUser{.to = "b", .payload = Bytes(70'000, 'x'), .reliable = false});
    net.tells("a", SendUser{.to = "b", .payload = Bytes((20u << 20) + 1, 'x'), .reliable = true});
    net.tells("a", Broadcast{Bytes(machine("a").broadcast_bytes_max() + 1, 'x')});
    net.tells("a", SetMeta{Bytes(513, 'x')});
    net.tells("a", Forget{"b"});
    net.tells("a", JoinContact{"[::1"});
    net.tells("a", SendUser{.to = "b", .payload = encode(PeerForget{"c"}), .reliable = true});
    EXPECT_THAT(notices("a"), SizeIs(8));
}

TEST_F(MembershipSpec, AnAliveMemberIsNotForgottenWhoeverAsksForIt) {
    three();
    Bytes content, framed;
    wire::encode_stream_user(encode(PeerForget{"c"}), content);
    ASSERT_TRUE(wire::frame_stream({}, wire::StreamReader::End::Dialler, content,
                                   std::array<std::uint8_t, KeyRing::kNonceBytes>{}, framed));
    net.tells("b", StreamOpened{StreamId{999'999}, kCarol});
    net.tells("b", StreamBytes{StreamId{999'999}, framed});
    EXPECT_TRUE(machine("b").member("c"));
    EXPECT_THAT(net.heard<UserMessage>("b"), IsEmpty());
}

TEST_F(MembershipSpec, TheLargestBroadcastFitsIntoOnePacketOfTheBudget) {
    three(ring_of({kOldKey}), [](Config& config) {
        config.label = "blue";
        config.compression = false;
    });
    const std::size_t most = machine("a").broadcast_bytes_max();
    EXPECT_EQ(most, 1400u - 6 - 29 - 6);
    net.tells("a", Broadcast{Bytes(most, 'b')});
    net.run(5s);
    EXPECT_TRUE(heard_message("b", Bytes(most, 'b')));
}

// -- keys ----------------------------------------------------------------------------------------

TEST_F(MembershipSpec, AKeyIsRotatedOverAllNodesWithoutLosingAPacket) {
    three(ring_of({kOldKey}));
    const std::string old_print = KeyRing::fingerprint(kOldKey),
                      new_print = KeyRing::fingerprint(kNewKey);
    EXPECT_TRUE(wants("b", KeyOp::Install, kNewKey, {}).done);
    net.run(5s);
    EXPECT_TRUE(wants("c", KeyOp::Use, {}, new_print).done);
    net.run(5s);
    EXPECT_TRUE(wants("a", KeyOp::Remove, {}, old_print).done);
    net.run(30s);
    for (const char* name : {"a", "b", "c"}) {
        EXPECT_THAT(machine(name).keys().fingerprints(), ElementsAre(new_print)) << name;
        EXPECT_THAT(net.heard<KeysChanged>(name), SizeIs(3)) << name;
        EXPECT_EQ(machine(name).counters().decrypt_errors, 0u) << name;
        EXPECT_THAT(net.heard<UserMessage>(name), IsEmpty()) << "key messages are no application's";
    }
    EXPECT_TRUE(net.everybody_sees(3));
    EXPECT_EQ(machine("a").member("b")->key, 0u);
}

TEST_F(MembershipSpec, AListHasARowForEachAliveMember) {
    three(ring_of({kOldKey}));
    const KeyReport report = wants("a", KeyOp::List, {}, {});
    EXPECT_TRUE(report.done);
    ASSERT_THAT(report.rows, SizeIs(3));
    EXPECT_EQ(report.rows[0].name, "a");
    for (const KeyReport::Row& row : report.rows) {
        EXPECT_TRUE(row.answered);
        EXPECT_THAT(row.fingerprints, ElementsAre(KeyRing::fingerprint(kOldKey)));
    }
}

TEST_F(MembershipSpec, AKeyIsNotRemovedWhileANodeLacksTheNewOne) {
    three(ring_of({kOldKey}));
    net.cut_off({"c"});
    net.tells("a", KeyRequest{.id = 1, .op = KeyOp::Install, .key = kNewKey, .fingerprint = {}});
    net.run(6s);
    const auto installed = net.heard<KeyReport>("a");
    ASSERT_THAT(installed, SizeIs(1));
    net.heal();
    ASSERT_TRUE(net.run_until([this] { return net.everybody_sees(3); }, 3min));
    const KeyReport used = wants("a", KeyOp::Use, {}, KeyRing::fingerprint(kNewKey));
    ASSERT_FALSE(used.done);
    EXPECT_EQ(used.done.error().code, Errc::Refused);
    EXPECT_THAT(used.done.error().what, HasSubstr("c"));
    const KeyReport removed = wants("a", KeyOp::Remove, {}, KeyRing::fingerprint(kNewKey));
    ASSERT_TRUE(removed.done) << removed.done.error().what;
    EXPECT_THAT(machine("b").keys().fingerprints(), ElementsAre(KeyRing::fingerprint(kOldKey)));
}

TEST_F(MembershipSpec, AForeignMemberThatSealsWithTheOldKeyStopsItsRemoval) {
    three(ring_of({kOldKey, kNewKey}));
    net.add("go", {"10.0.0.1"}, ring_of({kOldKey, kNewKey}),
            [](Config& config) { config.meta = "no node of ours"; });
    ASSERT_TRUE(net.run_until([this] { return net.everybody_sees(4); }, 1min));
    net.run(20s);
    const std::string old_print = KeyRing::fingerprint(kOldKey),
                      new_print = KeyRing::fingerprint(kNewKey);
    EXPECT_TRUE(wants("a", KeyOp::Use, {}, new_print).done);
    EXPECT_THAT(machine("go").keys().fingerprints(), ElementsAre(old_print, new_print));
    EXPECT_EQ(machine("a").member("go")->key, 1u)
        << "the ring was turned round, the key is the same";
    const KeyReport refused = wants("a", KeyOp::Remove, {}, old_print);
    ASSERT_FALSE(refused.done);
    EXPECT_EQ(refused.done.error().code, Errc::Refused);
    EXPECT_THAT(refused.done.error().what, HasSubstr("go"));
}

// -- going and coming back -----------------------------------------------------------------------

TEST_F(MembershipSpec, AfterLeavingANodeSaysSoAndStillAnswers) {
    three();
    net.tells("b", Leave{});
    ASSERT_TRUE(net.run_until([this] { return !net.heard<HasLeft>("b").empty(); }, 1min));
    net.run(5s);
    EXPECT_EQ(machine("a").member("b")->state, MemberState::Left);
    net.add("d", {"10.0.0.2"});
    EXPECT_TRUE(net.run_until([this] { return machine("d").alive() == 3; }, 30s))
        << "it still does push/pulls";
}

TEST_F(MembershipSpec, ADeadMemberIsForgottenHereAndAtPeersOfOurs) {
    three();
    net.kill("c");
    ASSERT_TRUE(net.run_until(
        [this] {
            return machine("a").member("c")->state == MemberState::Dead &&
                   machine("b").member("c")->state == MemberState::Dead;
        },
        3min));
    net.tells("a", Forget{"c"});
    net.run(1s);
    EXPECT_FALSE(machine("a").member("c"));
    EXPECT_FALSE(machine("b").member("c"));
}

TEST_F(MembershipSpec, HalvesThatHeldEachOtherForDeadFindEachOtherAgain) {
    three();
    net.add("d", {"10.0.0.1"});
    ASSERT_TRUE(net.run_until([this] { return net.everybody_sees(4); }, 1min));
    net.cut_off({"c", "d"});
    ASSERT_TRUE(net.run_until([this] { return net.everybody_sees(2); }, 5min));
    net.run(10min);
    EXPECT_TRUE(net.everybody_sees(2));
    net.heal();
    EXPECT_TRUE(net.run_until([this] { return net.everybody_sees(4); }, 2min));
}

TEST_F(MembershipSpec, WithoutContactsHalvesFindEachOtherThroughTheMembersTheyLost) {
    net.add("a");
    net.add("b");
    net.tells("b", JoinContact{"10.0.0.1"});
    ASSERT_TRUE(net.run_until([this] { return net.everybody_sees(2); }, 30s));
    net.cut_off({"a"});
    net.run(1h);
    ASSERT_TRUE(net.everybody_sees(1));
    net.heal();
    EXPECT_TRUE(net.run_until([this] { return net.everybody_sees(2); }, 2min));
}

TEST_F(MembershipSpec, AMemberWhosePacketsAreLostIsReachedByStreamsAndStaysAlive) {
    three();
    net.run(10s);
    const std::uint64_t deaths = machine("a").counters().deaths;
    net.mute("c");
    net.run(2min);
    EXPECT_EQ(machine("a").counters().deaths, deaths);
    EXPECT_TRUE(net.everybody_sees(3));
    EXPECT_GT(machine("a").counters().stream_probes, 0u);
}

TEST_F(MembershipSpec, StreamsThatSayNothingKeepAJoinerOutForTheirDeadlineOnly) {
    net.add("a");
    for (std::uint64_t n = 0; n < 127; ++n) {
        net.tells("a", StreamOpened{StreamId{1'000'001 + 2 * n}, kCarol});
    }
    net.add("b", {"10.0.0.1"});
    net.run(5s);
    EXPECT_EQ(machine("b").alive(), 1u);
    EXPECT_GE(dropped("a", Drop::Full), 1u);
    EXPECT_TRUE(net.run_until([this] { return net.everybody_sees(2); }, 20s));
    EXPECT_LE(machine("a").counters().streams_open, 1u);
}

// -- being a machine -----------------------------------------------------------------------------

TEST_F(MembershipSpec, BeforeTheStartNothingOfTheNetworkIsBelieved) {
    Membership machine(config_named("us"), {}, Rng(1), seeded_nonces(2));
    Outbox out;
    machine.handle(Datagram{kBob, "\x08hello"}, Instant{1s}, out);
    machine.handle(StreamOpened{StreamId{1}, kBob}, Instant{1s}, out);
    ASSERT_THAT(out.outputs(), SizeIs(1));
    EXPECT_TRUE(std::holds_alternative<CloseStream>(out.outputs()[0]));
    EXPECT_EQ(machine.due(), Instant::max());
}

TEST_F(MembershipSpec, TheSameSeedAndInputsGiveTheSameOutputs) {
    const auto trace = [] {
        Network net;
        net.add("a", {}, ring_of({kOldKey}));
        net.add("b", {"10.0.0.1"}, ring_of({kOldKey}));
        net.add("c", {"10.0.0.2"}, ring_of({kOldKey}));
        net.run(2min);
        const Counters& counters = net.node("c").machine->counters();
        return std::vector<std::uint64_t>{counters.packets_in, counters.bytes_in,
                                          counters.bytes_out, counters.stream_bytes_in,
                                          counters.push_pulls};
    };
    EXPECT_EQ(trace(), trace());
}

TEST_F(MembershipSpec, RandomPacketsDoNoHarm) {
    three();
    Rng rng(5);
    for (int i = 0; i < 20'000; ++i) {
        Bytes bytes;
        for (std::uint64_t left = rng.below(80); left > 0; --left)
            bytes.push_back(static_cast<char>(rng.below(rng.chance(0.5) ? 16 : 256)));
        net.tells("a", Datagram{kCarol, bytes});
    }
    EXPECT_LE(net.heard<Notice>("a").size(), 80u);
    net.run(30s);
    EXPECT_TRUE(net.everybody_sees(3));
}

TEST(PushPullScale, LargeClustersExchangeTheirStateLessOften) {
    EXPECT_EQ(push_pull_scale(1), 1u);
    EXPECT_EQ(push_pull_scale(32), 1u);
    EXPECT_EQ(push_pull_scale(33), 2u);
    EXPECT_EQ(push_pull_scale(64), 2u);
    EXPECT_EQ(push_pull_scale(65), 3u);
    EXPECT_EQ(push_pull_scale(128), 3u);
    EXPECT_EQ(push_pull_scale(129), 4u);
    EXPECT_EQ(push_pull_scale(256), 4u);
    EXPECT_EQ(push_pull_scale(1000), 6u);
}

}  // namespace
}  // namespace anode::membership::spec
