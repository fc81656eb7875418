#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/http/origin.hpp"
#include "api/http/proxies.hpp"
#include "api/rest/attempts.hpp"
#include "api/rest/grants.hpp"
#include "api/rest/password.hpp"
#include "api/rest/sessions.hpp"

/// The parts that access is made of, each by itself.
namespace anode::api::rest {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr WallTime kNow = 1'767'225'600'000'000, kMinute = 60'000'000;
const Instant kStart{1000s};

// -- tries ---------------------------------------------------------------------------------------

TEST(Attempts, FiveAMinuteForANameWhereverTheyComeFrom) {
    Attempts attempts;
    for (int i = 0; i < 5; ++i)
        EXPECT_FALSE(attempts.refuse("ann", "10.0." + std::to_string(i) + ".1", kStart));
    const auto wait = attempts.refuse("ann", "10.9.9.9", kStart + 20s);
    ASSERT_TRUE(wait);
    EXPECT_EQ(*wait, Duration(40s));
    EXPECT_FALSE(attempts.refuse("ann", "10.9.9.9", kStart + 60s));
}

TEST(Attempts, FiveAMinuteForANetworkWhateverTheNames) {
    Attempts attempts;
    for (int i = 0; i < 5; ++i)
        EXPECT_FALSE(
            attempts.refuse("n" + std::to_string(i), "192.0.2." + std::to_string(i), kStart));
    EXPECT_TRUE(attempts.refuse("other", "192.0.2.200", kStart));
    EXPECT_FALSE(attempts.refuse("other", "192.0.3.1", kStart));
}

TEST(Attempts, OneThatSucceedsIsNoGuess) {
    Attempts attempts;
    for (int i = 0; i < 50; ++i) {
        EXPECT_FALSE(attempts.refuse("ann", "10.0.0.1", kStart));
        attempts.succeeded("ann", "10.0.0.1");
    }
}

TEST(Attempts, ManyNamesDoNotGrowItsMemoryWithoutEnd) {
    Attempts attempts;
    int let_through = 0;
    for (int i = 0; i < 30'000; ++i)
        let_through += !attempts.refuse(
            "n" + std::to_string(i),
            "10." + std::to_string(i / 256) + "." + std::to_string(i % 256) + ".1", kStart);
    EXPECT_LE(let_through, static_cast<int>(Attempts::kKnownMax / 2));
    EXPECT_FALSE(attempts.refuse("later", "11.0.0.1", kStart + 61s));
}

TEST(Attempts, NetworksAreWhatOneHolderHas) {
    EXPECT_EQ(network_of("192.0.2.7"), "192.0.2.0/24");
    EXPECT_EQ(network_of("2001:db8:1:2ff:3::4"), "2001:db8:1:200::/56");
    EXPECT_EQ(network_of("unix"), "unix");
}

// -- sessions ------------------------------------------------------------------------------------

Caller somebody() {
    Caller caller = Caller::administrator("ann");
    caller.credential = {"user:ann", "f", 0};
    return caller;
}

TEST(SessionsSpec, EndsWhenItIsNotUsedForLong) {
    Sessions sessions;
    sessions.set_ends(10min, 1h);
    const std::string secret = sessions.open(somebody(), kNow);
    EXPECT_TRUE(sessions.find(secret, kNow + 9 * kMinute));
    EXPECT_TRUE(sessions.find(secret, kNow + 18 * kMinute));
    EXPECT_FALSE(sessions.find(secret, kNow + 29 * kMinute));
    EXPECT_FALSE(sessions.find(secret, kNow + 29 * kMinute)) << "an end is an end";
}

TEST(SessionsSpec, EndsInAnyCaseAfterItsTime) {
    Sessions sessions;
    sessions.set_ends(10min, 1h);
    const std::string secret = sessions.open(somebody(), kNow);
    for (int minute = 0; minute <= 60; minute += 5)
        EXPECT_TRUE(sessions.find(secret, kNow + minute * kMinute)) << minute;
    EXPECT_FALSE(sessions.find(secret, kNow + 61 * kMinute));
}

TEST(SessionsSpec, AnOpenConnectionKeepsItInUse) {
    Sessions sessions;
    sessions.set_ends(10min, 1h);
    const std::string secret = sessions.open(somebody(), kNow);
    const auto caller = sessions.find(secret, kNow);
    ASSERT_TRUE(caller);
    for (int minute = 5; minute <= 40; minute += 5)
        EXPECT_TRUE(sessions.basis_of(caller->credential.id, kNow + minute * kMinute));
    EXPECT_EQ(sessions.basis_of(caller->credential.id, kNow + 40 * kMinute)->id, "user:ann");
}

TEST(SessionsSpec, ItsSecretIsNotInWhatItHandsOn) {
    Sessions sessions;
    const std::string secret = sessions.open(somebody(), kNow);
    const auto caller = sessions.find(secret, kNow);
    ASSERT_TRUE(caller);
    EXPECT_THAT(caller->credential.id, Not(HasSubstr(secret)));
    EXPECT_TRUE(caller->by_cookie);
}

TEST(SessionsSpec, SigningOutEndsItAtOnce) {
    Sessions sessions;
    const std::string secret = sessions.open(somebody(), kNow);
    EXPECT_TRUE(sessions.close(secret));
    EXPECT_FALSE(sessions.find(secret, kNow));
    EXPECT_FALSE(sessions.close(secret));
}

TEST(SessionsSpec, TheLeastUsedMakesRoom) {
    Sessions sessions;
    const std::string oldest = sessions.open(somebody(), kNow);
    const std::string second = sessions.open(somebody(), kNow + 1);
    for (std::size_t i = 2; i < Sessions::kMax + 1; ++i) sessions.open(somebody(), kNow + 2);
    EXPECT_EQ(sessions.size(), Sessions::kMax);
    EXPECT_FALSE(sessions.find(oldest, kNow + 3));
    EXPECT_TRUE(sessions.find(second, kNow + 3));
}

TEST(SessionsSpec, TheCookieIsFoundAmongOthersByItsExactName) {
    Request request;
    request.headers = {{"cookie", "a=1; __Host-anodex=no; __Host-anode=yes; b=2"}};
    EXPECT_EQ(session_cookie(request), "yes");
    request.headers = {{"cookie", "x__Host-anode=no"}};
    EXPECT_FALSE(session_cookie(request));
    EXPECT_THAT(set_cookie("s"),
                ::testing::AllOf(HasSubstr("__Host-anode=s;"), HasSubstr("Path=/"),
                                 HasSubstr("Secure"), HasSubstr("HttpOnly"),
                                 HasSubstr("SameSite=Strict"), Not(HasSubstr("Domain"))));
}

// -- passwords -----------------------------------------------------------------------------------

TEST(PasswordSpec, IsKeptAsArgon2idOfThePromisedCost) {
    const auto digest = password::digest("correct horse battery");
    ASSERT_TRUE(digest);
    EXPECT_THAT(*digest, ::testing::StartsWith("$argon2id$v=19$m=47104,t=1,p=1$"));
    EXPECT_TRUE(*password::matches(*digest, "correct horse battery"));
    EXPECT_FALSE(*password::matches(*digest, "correct horse batterz"));
    EXPECT_NE(*digest, *password::digest("correct horse battery")) << "each has its own salt";
    EXPECT_FALSE(*password::matches(password::of_nobody(), ""));
}

// -- grants --------------------------------------------------------------------------------------

TEST(GrantsSpec, ACertificateRowNamesAHolderAndAGrant) {
    const auto row = CertificateGrant::parse("spiffe://a/b=c=S:public.>");
    ASSERT_TRUE(row);
    EXPECT_EQ(row->name, "spiffe://a/b=c");
    EXPECT_EQ(row->grant, "S:public.>");
    for (const char* wrong : {"", "ops", "=A", "ops=", "ops=Z", "ops=S", "ops=S:a..b"})
        EXPECT_FALSE(CertificateGrant::parse(wrong)) << wrong;
}

TEST(GrantsSpec, AnOperatorSeesAllTopicsAReaderItsOwn) {
    Grants reader, operators;
    reader.add("S:a.>");
    operators.add("O");
    EXPECT_TRUE(reader.caller().covers("a.b"));
    EXPECT_FALSE(reader.caller().covers("b.b"));
    EXPECT_TRUE(operators.caller().covers("b.b"));
    EXPECT_TRUE(operators.caller().may(Role::Viewer));
    EXPECT_FALSE(operators.caller().may(Role::Admin));
}

// -- proxies -------------------------------------------------------------------------------------

Request from(std::string peer, std::vector<std::pair<std::string, std::string>> headers) {
    Request request;
    request.peer = std::move(peer);
    request.headers = std::move(headers);
    return request;
}

TEST(ProxyRulesSpec, OnlyAListedProxyIsBelieved) {
    const ProxyRules rules({"10.0.0.0/8"});
    Request stranger =
        from("192.0.2.1", {{"x-forwarded-for", "8.8.8.8"}, {"x-forwarded-proto", "https"}});
    rules.apply(stranger);
    EXPECT_EQ(stranger.peer, "192.0.2.1");
    EXPECT_FALSE(stranger.secure);
    Request proxied =
        from("10.1.1.1", {{"x-forwarded-for", "8.8.8.8"}, {"x-forwarded-proto", "https"}});
    rules.apply(proxied);
    EXPECT_EQ(proxied.peer, "8.8.8.8");
    EXPECT_TRUE(proxied.secure);
    Request local = from("unix", {{"x-forwarded-for", "8.8.8.8"}});
    rules.apply(local);
    EXPECT_EQ(local.peer, "unix");
}

TEST(ProxyRulesSpec, TheClientIsTheLastAddressThatIsNoProxyOfOurs) {
    const ProxyRules rules({"10.0.0.0/8", "2001:db8::/32"});
    const std::vector<std::pair<std::string, std::string>> cases{
        {"6.6.6.6, 8.8.8.8, 10.2.2.2", "8.8.8.8"},
        {"8.8.8.8:4711", "8.8.8.8"},
        {"[2600::1]:4711", "2600::1"},
        {"2600::1", "2600::1"},
        {"10.2.2.2", "10.2.2.2"},
        {"8.8.8.8, unknown", "10.1.1.1"},
        {"unknown, 8.8.8.8", "8.8.8.8"},
        {"8.8.8.8, 999.1.1.1", "10.1.1.1"},
        {"", "10.1.1.1"},
        {"evil<script>, 10.2.2.2", "10.2.2.2"}};
    for (const auto& [header, client] : cases) {
        Request request = from("10.1.1.1", {{"x-forwarded-for", header}});
        rules.apply(request);
        EXPECT_EQ(request.peer, client) << header;
    }
}

TEST(ProxyRulesSpec, ForwardedCountsWhereTheOlderHeaderIsMissing) {
    const ProxyRules rules({"10.0.0.0/8"});
    Request request = from(
        "10.1.1.1", {{"forwarded", "for=6.6.6.6, For=\"[2600::1]:80\";proto=https;by=10.1.1.1"}});
    rules.apply(request);
    EXPECT_EQ(request.peer, "2600::1");
    EXPECT_TRUE(request.secure);
    Request both = from("10.1.1.1", {{"forwarded", "for=6.6.6.6"}, {"x-forwarded-for", "8.8.8.8"}});
    rules.apply(both);
    EXPECT_EQ(both.peer, "8.8.8.8");
}

TEST(OriginRulesSpec, OwnIsWhatTheClientReachedUsByInItsScheme) {
    const OriginRules rules({}, "https://hub.example.org", {"https://friend.example"});
    EXPECT_TRUE(rules.own("https://hub.example.org", "internal:7945", false));
    EXPECT_TRUE(rules.own("http://localhost:7945", "localhost:7945", false));
    EXPECT_FALSE(rules.own("http://localhost:7945", "localhost:7945", true));
    EXPECT_TRUE(rules.own("https://localhost:7945", "localhost:7945", true));
    EXPECT_TRUE(rules.own("https://localhost", "localhost:443", true));
    EXPECT_FALSE(rules.own("https://friend.example", "localhost:7945", true));
    EXPECT_TRUE(rules.admits("https://friend.example", "localhost:7945", true));
    EXPECT_FALSE(rules.admits("https://friend.example.evil.example", "localhost:7945", true));
}

}  // namespace
}  // namespace anode::api::rest
