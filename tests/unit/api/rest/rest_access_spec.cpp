#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/rest/access.hpp"
#include "rest_node.hpp"

namespace anode::api::rest_spec {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// SHA-256 of "boot".
constexpr const char* kBootDigest =
    "4509beb0ab401d71fa4a5cd94a55c9a74f13332776ae4019c5bfc4c2005157ff";

class RestAccess : public ::testing::Test {
public:
    static EdgeOptions guarded();

protected:
    static Headers as(const std::string& token) { return {{"Authorization", "Bearer " + token}}; }
    Answer make(std::string_view body, const std::string& by) {
        return node.post("/v1/tokens", body, as(by));
    }
    std::string admin() { return make(R"({"name":"root","roles":["A"]})", "boot").text("token"); }
    std::string token(const std::string& by, const std::string& members) {
        const Answer made = make("{\"name\":\"t\"," + members + "}", by);
        EXPECT_EQ(made.status, 201) << made.body;
        return made.text("token");
    }
    RestNode node{guarded()};
};

EdgeOptions RestAccess::guarded() {
    EdgeOptions options;
    options.require_token = true;
    options.bootstrap_token_sha256 = kBootDigest;
    return options;
}

TEST_F(RestAccess, WithoutATokenOnlyHealthAndVersionAnswer) {
    for (const char* path : {"/livez", "/readyz", "/healthz", "/v1/version"})
        EXPECT_EQ(node.get(path).status, 200) << path;
    for (const char* path :
         {"/v1/nodes", "/v1/whoami", "/metrics", "/v1/config", "/v1/messages?topics=a.%3E"}) {
        const Answer answer = node.get(path);
        EXPECT_EQ(answer.status, 401) << path;
        EXPECT_EQ(answer.code(), "unauthenticated") << path;
        EXPECT_EQ(answer.header("www-authenticate"), "Bearer") << path;
    }
}

TEST_F(RestAccess, AWrongTokenIs401) {
    for (const char* wrong :
         {"nonsense", "", "an_", "an_0123456789_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"})
        EXPECT_EQ(node.get("/v1/whoami", as(wrong)).code(), "unauthenticated") << wrong;
}

TEST_F(RestAccess, TheBootstrapTokenEndsWithTheFirstAdminToken) {
    EXPECT_EQ(node.get("/v1/whoami", as("boot")).status, 200);
    const std::string root = admin();
    EXPECT_EQ(node.get("/v1/whoami", as(root)).status, 200);
    EXPECT_EQ(node.get("/v1/whoami", as("boot")).status, 401);
}

TEST_F(RestAccess, ATokenHasItsFormAndItsSecretIsShownOnce) {
    const Answer made = make(R"({"name":"once","roles":["V"]})", "boot");
    const std::string text = made.text("token");
    EXPECT_EQ(text.size(), 3U + 10 + 1 + 43);
    EXPECT_EQ(text.substr(0, 3), "an_");
    const Answer listed = node.get("/v1/tokens", as("boot"));
    EXPECT_THAT(listed.body, HasSubstr(made.text("id")));
    EXPECT_THAT(listed.body, Not(HasSubstr(text.substr(14))));
    EXPECT_THAT(listed.body, Not(HasSubstr("sha256")));
}

TEST_F(RestAccess, EachRoleDoesItsPartAndNoMore) {
    const std::string root = admin();
    const auto allowed = [&](const std::string& who) {
        std::string done;
        const auto tries = [&](char letter, const Answer& answer) {
            if (answer.status < 300) done += letter;
        };
        Headers json = as(who);
        tries('n', node.get("/v1/nodes", as(who)));
        tries('r', node.get(messages_of("a.b"), as(who)));
        tries('w', node.post(messages_of("a.b"), "1", json));
        tries('s', node.post("/v1/sources?dry_run=1", R"({"name":"t"})", json));
        tries('t', node.get("/v1/tokens", as(who)));
        return done;
    };
    EXPECT_EQ(allowed(token(root, R"("roles":["V"])")), "n");
    EXPECT_EQ(allowed(token(root, R"("roles":["S"],"topics":["a.>"])")), "r");
    EXPECT_EQ(allowed(token(root, R"("roles":["P"],"topics":["a.>"])")), "w");
    EXPECT_EQ(allowed(token(root, R"("roles":["O"])")), "nrs");
    EXPECT_EQ(allowed(root), "nrwst");
}

TEST_F(RestAccess, TopicsBoundWhatIsReadWrittenAndListed) {
    const std::string root = admin();
    node.has("mine.a", {"1"});
    node.has("theirs.a", {"2"});
    const std::string reader = token(root, R"("roles":["S"],"topics":["mine.>"])");
    EXPECT_EQ(node.get(messages_of("mine.a"), as(reader)).status, 200);
    for (const char* topic : {"theirs.a", "absent.a"}) {
        EXPECT_EQ(node.get(messages_of(topic), as(reader)).code(), "forbidden") << topic;
        EXPECT_EQ(node.get("/v1/topics/" + std::string(topic), as(reader)).code(), "forbidden")
            << topic;
        EXPECT_EQ(node.get("/v1/topics/" + std::string(topic) + "/last", as(reader)).code(),
                  "forbidden")
            << topic;
    }
    EXPECT_THAT(node.get("/v1/topics", as(reader)).items("topic"), ElementsAre(R"("mine.a")"));
    EXPECT_EQ(node.get("/v1/messages?topics=%3E", as(reader)).status, 403);
    const std::string writer = token(root, R"("roles":["P"],"topics":["mine.>"])");
    EXPECT_EQ(node.post(messages_of("theirs.a"), "3", as(writer)).status, 403);
    Headers lines = as(writer);
    lines.emplace_back("Content-Type", "application/x-ndjson");
    EXPECT_THAT(
        node.post(messages_of("mine.a") + "?envelopes=1", R"({"topic":"theirs.a","data":1})", lines)
            .body,
        HasSubstr(R"("code":"forbidden")"));
}

TEST_F(RestAccess, WhoamiShowsRolesAndPatterns) {
    const Answer me =
        node.get("/v1/whoami", as(token("boot", R"("roles":["S","P"],"topics":["a.>"])")));
    EXPECT_EQ(me.member("roles"), R"(["S","P"])");
    EXPECT_EQ(me.member("topics"), R"(["a.>"])");
}

TEST_F(RestAccess, ARevokedTokenIsGoneAndARotatedOneHasANewSecret) {
    const Answer made = make(R"({"name":"x","roles":["V"]})", "boot");
    const Answer rotated = node.post("/v1/tokens/" + made.text("id") + ":rotate", "", as("boot"));
    EXPECT_EQ(node.get("/v1/whoami", as(made.text("token"))).status, 401);
    EXPECT_EQ(node.get("/v1/whoami", as(rotated.text("token"))).status, 200);
    EXPECT_EQ(node.send("DELETE", "/v1/tokens/" + made.text("id"), "", as("boot")).status, 204);
    EXPECT_EQ(node.get("/v1/whoami", as(rotated.text("token"))).status, 401);
    EXPECT_EQ(node.send("DELETE", "/v1/tokens/" + made.text("id"), "", as("boot")).status, 404);
}

/// What a request with this token would leave at an open connection.
Credential credential_of(RestNode& node, const std::string& token) {
    const auto caller = node.auth->identify_token(token, "127.0.0.1");
    EXPECT_TRUE(caller.has_value());
    return caller ? caller->credential : Credential{};
}

TEST_F(RestAccess, WhatLetAConnectionInEndsWhenItsTokenDoes) {
    const std::string root = admin();
    const Answer revoked = make(R"({"name":"x","roles":["V"]})", root);
    const Answer rotated = make(R"({"name":"x","roles":["V"]})", root);
    const Answer kept = make(R"({"name":"x","roles":["V"]})", root);
    const Credential by_revoked = credential_of(node, revoked.text("token"));
    const Credential by_rotated = credential_of(node, rotated.text("token"));
    const Credential by_kept = credential_of(node, kept.text("token"));
    for (const Credential& one : {by_revoked, by_rotated, by_kept})
        EXPECT_TRUE(node.auth->stands(one));
    const auto before = node.auth->changes();
    node.send("DELETE", "/v1/tokens/" + revoked.text("id"), "", as(root));
    node.post("/v1/tokens/" + rotated.text("id") + ":rotate", "", as(root));
    EXPECT_GT(node.auth->changes(), before);
    EXPECT_FALSE(node.auth->stands(by_revoked));
    EXPECT_FALSE(node.auth->stands(by_rotated));
    EXPECT_TRUE(node.auth->stands(by_kept)) << "whatever else has its name";
}

TEST_F(RestAccess, WhatLetAConnectionInEndsWithTheTokensTime) {
    const Answer made = make(R"({"name":"x","roles":["V"],"expires":"1h"})", "boot");
    const Credential credential = credential_of(node, made.text("token"));
    EXPECT_GT(credential.expires, 0);
    const auto access = rest::Access::of(node.doors);
    EXPECT_TRUE(access->stands(credential, credential.expires - 1));
    EXPECT_FALSE(access->stands(credential, credential.expires));
}

TEST_F(RestAccess, TheBootstrapTokensConnectionsEndWithTheFirstAdminToken) {
    const Credential bootstrap = credential_of(node, "boot");
    EXPECT_TRUE(node.auth->stands(bootstrap));
    admin();
    EXPECT_FALSE(node.auth->stands(bootstrap));
}

TEST_F(RestAccess, ATokenOfAnotherNodeIsGoodHereAndIsRefusedOnceItEndsThere) {
    const Answer made = make(R"({"name":"x","roles":["V"]})", "boot");
    RestNode other{guarded()};
    EXPECT_EQ(other.get("/v1/whoami", as(made.text("token"))).status, 401);
    other.state.put_token(made.text("id"), node.state.tokens.at(made.text("id")),
                          [](const Result<void>&) {});
    EXPECT_EQ(other.get("/v1/whoami", as(made.text("token"))).status, 200);
    other.state.revoke_token(made.text("id"), [](const Result<void>&) {});
    EXPECT_EQ(other.get("/v1/whoami", as(made.text("token"))).status, 401);
}

TEST_F(RestAccess, WhatNodesTellEachOtherOfATokenHoldsNoSecret) {
    const Answer made = make(R"({"name":"x","roles":["V"]})", "boot");
    const std::string told = node.state.tokens.at(made.text("id"));
    EXPECT_THAT(told, Not(HasSubstr(made.text("token").substr(14))));
    EXPECT_THAT(told, HasSubstr("sha256"));
}

TEST_F(RestAccess, ATokenThatCannotBeKeptIsNotMade) {
    node.state.refusal = fail(Errc::Overloaded, "state: too many writes a second");
    EXPECT_EQ(make(R"({"name":"x","roles":["V"]})", "boot").status, 503);
    EXPECT_TRUE(node.state.tokens.empty());
}

TEST_F(RestAccess, ARevocationMayWaitForTheCluster) {
    const Answer made = make(R"({"name":"x","roles":["V"]})", "boot");
    node.state.lacking = {"n-2"};
    const Answer gone =
        node.send("DELETE", "/v1/tokens/" + made.text("id") + "?wait=cluster", "", as("boot"));
    EXPECT_EQ(gone.status, 200);
    EXPECT_EQ(gone.member("pending"), R"(["n-2"])");
}

TEST(RestAnonymous, HasWhatTheConfigurationGrants) {
    RestNode node{RestAccess::guarded()};
    node.node.settings = R"({"items":[{"key":"auth.anonymous","value":["S:public.>"]}]})";
    node.has("public.a", {"1"});
    EXPECT_EQ(node.get(messages_of("public.a")).status, 200);
    EXPECT_EQ(node.get(messages_of("other.a")).status, 403);
    EXPECT_EQ(node.post(messages_of("public.a"), "2").status, 401);
    EXPECT_EQ(node.get("/v1/nodes").status, 401);
    EXPECT_EQ(node.get("/v1/whoami", {{"Authorization", "Bearer nonsense"}}).status, 401);
}

TEST_F(RestAccess, AnExpiredTokenIsToldSo) {
    const std::string late = token("boot", R"("roles":["V"],"expires":"2020-01-01T00:00:00Z")");
    EXPECT_EQ(node.get("/v1/whoami", as(late)).code(), "token-expired");
}

TEST_F(RestAccess, ATokenInTheUrlWorksOnlyIfItWasMadeForThat) {
    const std::string plain = token("boot", R"("roles":["S"],"topics":["a.>"])");
    const std::string special = token("boot", R"("roles":["S"],"topics":["a.>"],"url_ok":true)");
    EXPECT_EQ(node.get(messages_of("a.b") + "?token=" + plain).status, 401);
    EXPECT_EQ(node.get(messages_of("a.b") + "?token=" + special).status, 200);
    EXPECT_EQ(make(R"({"name":"x","roles":["P"],"topics":["a.>"],"url_ok":true})", "boot").status,
              422);
}

TEST_F(RestAccess, ATokenWorksOnlyFromItsNetworks) {
    EXPECT_EQ(
        node.get("/v1/whoami", as(token("boot", R"("roles":["V"],"networks":["127.0.0.0/8"])")))
            .status,
        200);
    EXPECT_EQ(
        node.get("/v1/whoami", as(token("boot", R"("roles":["V"],"networks":["10.0.0.0/8"])")))
            .status,
        401);
}

TEST_F(RestAccess, ATicketIsGoodForOneUse) {
    const std::string ticket = node.post("/v1/tickets", "{}", as("boot")).text("ticket");
    EXPECT_EQ(node.get("/v1/whoami?ticket=" + ticket).status, 200);
    EXPECT_EQ(node.get("/v1/whoami?ticket=" + ticket).status, 401);
    EXPECT_EQ(node.post("/v1/tickets").status, 401);
}

TEST_F(RestAccess, WrongWordsInATokenAreNamed) {
    for (const char* body :
         {R"({"roles":["V"]})", R"({"name":"x"})", R"({"name":"x","roles":["Z"]})",
          R"({"name":"x","roles":["S"]})", R"({"name":"x","roles":["V"],"topics":["a..b"]})",
          R"({"name":"x","roles":["V"],"colour":1})",
          R"({"name":"x","roles":["V"],"networks":["here"]})"}) {
        const Answer answer = make(body, "boot");
        EXPECT_EQ(answer.status, 422) << body;
        EXPECT_THAT(answer.items("pointer"), IsEmpty());
        EXPECT_THAT(answer.member("errors"), HasSubstr("pointer")) << body;
    }
}

TEST_F(RestAccess, AHookWithoutATokenNeedsASourceThatChecksSignatures) {
    node.sources.objects["hook"] = {R"({"name":"hook","type":"webhook"})", "e"};
    EXPECT_EQ(node.post("/v1/in/hook", "{}").status, 401);
    node.sources.objects["hook"] = {R"({"name":"hook","type":"webhook","verify":{"type":"hmac"}})",
                                    "e"};
    EXPECT_EQ(node.post("/v1/in/hook", "{}").status, 200);
}

TEST_F(RestAccess, VerboseHealthNeedsARole) {
    EXPECT_EQ(node.get("/healthz?verbose").status, 401);
    EXPECT_EQ(node.get("/healthz?verbose", as("boot")).status, 200);
}

}  // namespace
}  // namespace anode::api::rest_spec
