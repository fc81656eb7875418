#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/rest/access.hpp"
#include "rest_node.hpp"

namespace anode::api::rest_spec {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kBootstrapDigest =
    "4509beb0ab401d71fa4a5cd94a55c9a74f13332776ae4019c5bfc4c2005157ff";

EdgeOptions guarded() {
    EdgeOptions options;
    options.require_token = true;
    options.bootstrap_token_sha256 = kBootstrapDigest;
    return options;
}

/// A node with two people: `ann` administers, `rob` reads `mine.>`.
class RestSession : public ::testing::Test {
protected:
    RestSession() {
        put("ann", R"({"password":"correct horse","roles":["A"]})");
        put("rob", R"({"password":"battery staple","roles":["S"],"topics":["mine.>"]})");
    }
    Answer put(const std::string& name, const std::string& body) {
        return node.send("PUT", "/v1/users/" + name, body, boot());
    }
    static Headers boot() {
        return {{"Authorization", "Bearer boot"}, {"Content-Type", "application/json"}};
    }
    Answer sign_in(const std::string& name, const std::string& password, Headers headers = {}) {
        return node.post("/v1/session",
                         R"({"name":")" + name + R"(","password":")" + password + "\"}",
                         std::move(headers));
    }
    /// The cookie of somebody who has signed in.
    std::string cookie_of(const std::string& name, const std::string& password) {
        const std::string set = sign_in(name, password).header("set-cookie");
        return set.substr(0, set.find(';'));
    }
    static Headers with(const std::string& cookie, Headers more = {}) {
        more.emplace_back("Cookie", cookie);
        return more;
    }
    RestNode node{guarded()};
};

TEST_F(RestSession, ANameWithItsPasswordOpensOneAndTheCookieIsTheCredential) {
    const Answer answer = sign_in("rob", "battery staple");
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.text("name"), "rob");
    EXPECT_EQ(answer.member("roles"), R"(["S"])");
    const std::string set = answer.header("set-cookie");
    EXPECT_THAT(set, ::testing::AllOf(HasSubstr("__Host-anode="), HasSubstr("; Secure"),
                                      HasSubstr("; HttpOnly"), HasSubstr("; SameSite=Strict")));
    const std::string cookie = set.substr(0, set.find(';'));
    EXPECT_EQ(node.get("/v1/whoami", with(cookie)).text("name"), "rob");
    EXPECT_EQ(node.get(messages_of("mine.a"), with(cookie)).status, 200);
    EXPECT_EQ(node.get(messages_of("theirs.a"), with(cookie)).status, 403);
    EXPECT_EQ(node.get("/v1/tokens", with(cookie)).status, 403);
}

TEST_F(RestSession, AWrongNameAndAWrongPasswordAreAnsweredAlike) {
    const Answer name = sign_in("nobody", "battery staple");
    const Answer password = sign_in("rob", "wrong password");
    EXPECT_EQ(name.status, 401);
    EXPECT_EQ(password.status, 401);
    EXPECT_EQ(name.text("detail"), password.text("detail"));
    EXPECT_EQ(name.header("set-cookie"), "");
    EXPECT_EQ(password.header("set-cookie"), "");
}

TEST_F(RestSession, TheSixthGuessInAMinuteIsTurnedAway) {
    for (int i = 0; i < 5; ++i) EXPECT_EQ(sign_in("ann", "wrong password").status, 401);
    const Answer turned_away = sign_in("ann", "correct horse");
    EXPECT_EQ(turned_away.status, 429);
    EXPECT_EQ(turned_away.code(), "rate-limited");
    EXPECT_NE(turned_away.header("retry-after"), "");
}

TEST_F(RestSession, SigningOutEndsTheSessionAndTakesTheCookieAway) {
    const std::string cookie = cookie_of("ann", "correct horse");
    const Answer out =
        node.send("DELETE", "/v1/session", "", with(cookie, {{"Origin", "http://127.0.0.1"}}));
    EXPECT_EQ(out.status, 204);
    EXPECT_THAT(out.header("set-cookie"), HasSubstr("Max-Age=0"));
    EXPECT_EQ(node.get("/v1/whoami", with(cookie)).status, 401);
}

TEST_F(RestSession, AStateChangeWithACookieNeedsOurOwnOrigin) {
    const std::string cookie = cookie_of("ann", "correct horse");
    const auto change = [&](Headers headers) {
        return node.post("/v1/tokens", R"({"name":"t","roles":["V"]})",
                         with(cookie, std::move(headers)));
    };
    EXPECT_EQ(change({}).code(), "origin-refused");
    EXPECT_EQ(change({{"Origin", "https://evil.example"}}).code(), "origin-refused");
    EXPECT_EQ(change({{"Origin", "null"}}).code(), "origin-refused");
    EXPECT_EQ(change({{"Origin", "http://127.0.0.1"}}).status, 201);
    EXPECT_EQ(change({{"Origin", "http://127.0.0.1"}, {"Sec-Fetch-Site", "same-origin"}}).status,
              201);
    for (const char* site : {"cross-site", "same-site", "none"})
        EXPECT_EQ(change({{"Origin", "http://127.0.0.1"}, {"Sec-Fetch-Site", site}}).code(),
                  "origin-refused")
            << site;
}

TEST_F(RestSession, AReadWithACookieIsRefusedWhereABrowserSaysItComesFromElsewhere) {
    const std::string cookie = cookie_of("ann", "correct horse");
    EXPECT_EQ(node.get("/v1/tokens", with(cookie, {{"Sec-Fetch-Site", "cross-site"}})).code(),
              "origin-refused");
    EXPECT_EQ(node.get("/v1/tokens", with(cookie, {{"Sec-Fetch-Site", "same-origin"}})).status,
              200);
    EXPECT_EQ(node.get("/v1/tokens", with(cookie, {{"Sec-Fetch-Site", "none"}})).status, 200)
        << "an address that somebody typed";
}

TEST_F(RestSession, ATokenBesideACookieIsWhatCounts) {
    const std::string cookie = cookie_of("rob", "battery staple");
    Headers headers = with(cookie);
    headers.emplace_back("Authorization", "Bearer boot");
    EXPECT_EQ(node.get("/v1/whoami", headers).text("name"), "bootstrap");
}

TEST_F(RestSession, ANewPasswordEndsTheSessionsOfTheOldOne) {
    const std::string cookie = cookie_of("rob", "battery staple");
    EXPECT_EQ(node.send("PATCH", "/v1/users/rob", R"({"password":"another one!"})", boot()).status,
              200);
    EXPECT_EQ(node.get("/v1/whoami", with(cookie)).status, 401);
    EXPECT_EQ(sign_in("rob", "battery staple").status, 401);
    EXPECT_EQ(sign_in("rob", "another one!").status, 200);
}

TEST_F(RestSession, SomebodyRemovedIsOutAtOnceAndOpenConnectionsEnd) {
    const Answer opened = sign_in("rob", "battery staple");
    const std::string set = opened.header("set-cookie");
    Request request;
    request.headers = {{"cookie", set.substr(0, set.find(';'))}};
    const auto caller = node.auth->identify(request);
    ASSERT_TRUE(caller.has_value());
    EXPECT_TRUE(node.auth->stands(caller->credential));
    EXPECT_EQ(node.send("DELETE", "/v1/users/rob", "", boot()).status, 204);
    EXPECT_FALSE(node.auth->stands(caller->credential));
    EXPECT_EQ(node.get("/v1/whoami", with(set.substr(0, set.find(';')))).status, 401);
}

TEST_F(RestSession, ATokenOpensASessionThatEndsWithIt) {
    const Answer made = node.post("/v1/tokens", R"({"name":"t","roles":["V"]})", boot());
    const Answer opened = node.post("/v1/session", "{\"token\":\"" + made.text("token") + "\"}");
    ASSERT_EQ(opened.status, 200) << opened.body;
    const std::string set = opened.header("set-cookie");
    const std::string cookie = set.substr(0, set.find(';'));
    EXPECT_EQ(node.get("/v1/nodes", with(cookie)).status, 200);
    node.send("DELETE", "/v1/tokens/" + made.text("id"), "", boot());
    EXPECT_EQ(node.get("/v1/nodes", with(cookie)).status, 401);
}

TEST_F(RestSession, APasswordIsNowhereInWhatNodesKeepOrTell) {
    EXPECT_THAT(node.state.users.at("ann"), HasSubstr("$argon2id$"));
    EXPECT_THAT(node.state.users.at("ann"), Not(HasSubstr("correct horse")));
    const Answer list = node.get("/v1/users", boot());
    EXPECT_THAT(list.body, ::testing::AllOf(HasSubstr("ann"), Not(HasSubstr("argon2")),
                                            Not(HasSubstr("correct horse"))));
    const Answer audit = node.get("/v1/audit", boot());
    EXPECT_THAT(audit.body,
                ::testing::AllOf(HasSubstr("user.create"), HasSubstr("\"after\""),
                                 Not(HasSubstr("correct horse")), Not(HasSubstr("argon2"))));
}

TEST_F(RestSession, SigningInIsInTheAuditWithItsOutcomeAndWhereItCameFrom) {
    sign_in("ann", "wrong password");
    sign_in("ann", "correct horse");
    const Answer audit = node.get("/v1/audit?action=session.open", boot());
    EXPECT_THAT(audit.body, ::testing::AllOf(HasSubstr(R"("outcome":"refused")"),
                                             HasSubstr(R"("outcome":"ok")"),
                                             HasSubstr(R"("from":"127.0.0.1")")));
}

TEST_F(RestSession, WrongWordsAreNamed) {
    for (const char* body :
         {R"({"password":"short","roles":["A"]})", R"({"password":"long enough"})",
          R"({"roles":["A"]})", R"({"password":"long enough","roles":["S"]})",
          R"({"password":"long enough","roles":["A"],"colour":1})", "[]"})
        EXPECT_EQ(put("eve", body).status, 422) << body;
    EXPECT_EQ(put("Eve!", R"({"password":"long enough","roles":["A"]})").status, 422);
    for (const char* body : {R"({"name":"ann"})", R"({"token":"x","name":"ann","password":"y"})",
                             R"({"name":"ann","password":"x","more":1})", R"({"name":1})"})
        EXPECT_EQ(node.post("/v1/session", body).status, 422) << body;
    EXPECT_EQ(node.post("/v1/session", "{").status, 400);
}

TEST(RestOpenSession, NobodySignsInWhereNobodyNeedsTo) {
    RestNode node;
    EXPECT_EQ(node.post("/v1/session", R"({"name":"a","password":"b"})").status, 409);
}

}  // namespace
}  // namespace anode::api::rest_spec
