#include "core/source/url.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace anode {
namespace {

std::string host_of(std::string_view text) {
    const auto url = Url::parse(text);
    return url ? url->host : "(" + url.error().what + ")";
}
Errc refusal_of(std::string_view text) {
    const auto url = Url::parse(text);
    return url ? Errc::Internal : url.error().code;
}

TEST(UrlSpec, TakesAUrlApart) {
    const auto url = Url::parse("WSS://Stream.Example.COM:9443/ws/btc?x=1&y=a%20b#part");
    ASSERT_TRUE(url);
    EXPECT_EQ(url->scheme, Url::Scheme::Wss);
    EXPECT_EQ(url->host, "stream.example.com");
    EXPECT_EQ(url->port, 9443);
    EXPECT_EQ(url->target, "/ws/btc?x=1&y=a%20b");
    EXPECT_FALSE(url->ip);
    EXPECT_TRUE(url->secure());
    EXPECT_TRUE(url->websocket());
    EXPECT_EQ(url->text(), "wss://stream.example.com:9443/ws/btc?x=1&y=a%20b");
}

TEST(UrlSpec, KnowsThePortOfEachScheme) {
    EXPECT_EQ(Url::parse("ws://a")->port, 80);
    EXPECT_EQ(Url::parse("http://a")->port, 80);
    EXPECT_EQ(Url::parse("wss://a")->port, 443);
    EXPECT_EQ(Url::parse("https://a")->port, 443);
    EXPECT_EQ(Url::parse("https://a:443/")->authority(), "a");
    EXPECT_EQ(Url::parse("https://a:80/")->authority(), "a:80");
}

TEST(UrlSpec, SeesTheSameAddressBehindEverySpelling) {
    for (const char* const host :
         {"127.0.0.1",  "127.0.0.1.",      "127.1",         "127.0.1",           "2130706433",
          "0x7f000001", "0X7F000001",      "0x7f.1",        "0x7f.0.0.1",        "0x7f.0x0.0x0.0x1",
          "0177.0.0.1", "0177.1",          "017700000001",  "00000000177.0.0.1", "127.0x1",
          "127.0.0x1",  "%31%32%37.0.0.1", "127%2e0%2E0.1", "127.0.0.%31",       "0x7F.0.0.01"}) {
        EXPECT_EQ(host_of("http://" + std::string(host) + "/"), "127.0.0.1") << host;
        EXPECT_EQ(host_of("wss://" + std::string(host) + ":8443"), "127.0.0.1") << host;
    }
    EXPECT_EQ(host_of("http://0/"), "0.0.0.0");
    EXPECT_EQ(host_of("http://0x/"), "0.0.0.0");
    EXPECT_EQ(host_of("http://4294967295/"), "255.255.255.255");
}

TEST(UrlSpec, WritesIpv6InItsNormalForm) {
    EXPECT_EQ(host_of("http://[0:0:0:0:0:0:0:1]/"), "::1");
    EXPECT_EQ(host_of("http://[::FFFF:127.0.0.1]/"), "::ffff:7f00:1");
    EXPECT_EQ(host_of("http://[2001:0DB8::0001:0:0]/"), "2001:db8::1:0:0");
    EXPECT_EQ(host_of("http://[1:0:0:2:0:0:0:3]/"), "1:0:0:2::3");
    EXPECT_EQ(Url::parse("http://[::1]:8080/a")->authority(), "[::1]:8080");
    EXPECT_EQ(Url::parse("http://[::1]:8080/a")->text(), "http://[::1]:8080/a");
}

TEST(UrlSpec, RefusesWhatOnlyLooksLikeAnAddress) {
    for (const char* const text : {"http://256.0.0.1/",
                                   "http://1.2.3.4.5/",
                                   "http://127.0.0.1.1/",
                                   "http://08.0.0.1/",
                                   "http://0x100000000/",
                                   "http://4294967296/",
                                   "http://1.2.65536/",
                                   "http://127..0.1/",
                                   "http://.127.0.0.1/",
                                   "http://127.0.0.1../",
                                   "http://0xg.1/",
                                   "http://a.b.1/",
                                   "http://1e3.0/",
                                   "http://99999999999999999999999/",
                                   "http://[::1/",
                                   "http://[::1]x/",
                                   "http://[::1%25lo]/",
                                   "http://[1:2:3]/",
                                   "http://[1::2::3]/",
                                   "http://[12345::]/",
                                   "http://[::1.2.3]/",
                                   "http://[127.0.0.1]/",
                                   "http://[]/",
                                   "http://::1/",
                                   "http://[1:2:3:4:5:6:7:8:9]/",
                                   "http://[:1]/",
                                   "http://[1:2:3:4:5:6:7:]/",
                                   "http://[::ffff:0177.0.0.1]/"})
        EXPECT_EQ(refusal_of(text), Errc::Malformed) << text;
}

TEST(UrlSpec, RefusesHostsThatAreNoNames) {
    for (const char* const text :
         {"http:///x", "http://", "http://./", "http://a..b/", "http://①②⑦.0.0.1/",
          "http://ⓛocalhost/", "http://xn--a b/", "http://a%00b/", "http://a%2fb/", "http://a%zz/",
          "http://a%", "http://a,b/", "http://exa mple/", "http://a\tb/", "http://a\\b/",
          "http://a/\r\nX: y", "http://\xff/", "http://a;b/"})
        EXPECT_EQ(refusal_of(text), Errc::Malformed) << text;
    EXPECT_EQ(refusal_of("http://" + std::string(64, 'a') + "/"), Errc::Malformed);
}

TEST(UrlSpec, RefusesUserInformation) {
    for (const char* const text :
         {"http://user:pw@127.0.0.1/", "http://user@host/", "http://@host/", "ws://a:b@c@d/"})
        EXPECT_EQ(refusal_of(text), Errc::Refused) << text;
}

TEST(UrlSpec, RefusesOtherSchemes) {
    for (const char* const text :
         {"ftp://a/", "file:///etc/passwd", "gopher://a/", "javascript:alert(1)", "data:,x",
          "unix:///run/x.sock", "httpss://a/"})
        EXPECT_EQ(refusal_of(text), Errc::Unsupported) << text;
    for (const char* const text : {"//127.0.0.1/", "", "a", "http:a", "http:/a", "://a", "http//a"})
        EXPECT_EQ(refusal_of(text), Errc::Malformed) << text;
}

TEST(UrlSpec, RefusesPortsOutOfRange) {
    for (const char* const port :
         {"0", "65536", "99999", "-1", "+80", "8 0", "80a", "", "0x50", "000080"})
        EXPECT_EQ(refusal_of("http://a:" + std::string(port) + "/"), Errc::Malformed) << port;
    EXPECT_EQ(Url::parse("http://a:65535/")->port, 65535);
}

TEST(UrlSpec, RefusesMoreThanEightKibibytes) {
    EXPECT_EQ(refusal_of("http://a/" + std::string(9000, 'x')), Errc::TooLarge);
}

TEST(UrlSpec, EscapesWhatMayNotStandInARequestLine) {
    EXPECT_EQ(Url::parse("http://a/é?q=[\"x\"]")->target, "/%C3%A9?q=[%22x%22]");
    EXPECT_EQ(Url::parse("http://a?q=1")->target, "/?q=1");
    EXPECT_EQ(Url::parse("http://a#x")->target, "/");
}

TEST(UrlSpec, ResolvesReferencesAsRfc3986Says) {
    const Url base = *Url::parse("http://a/b/c/d;p?q");
    const std::vector<std::pair<const char*, const char*>> cases = {
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g/"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
        {"https://h:8443/x", "https://h:8443/x"}};
    for (const auto& [reference, expected] : cases) {
        const auto url = base.resolve(reference);
        ASSERT_TRUE(url) << reference;
        EXPECT_EQ(url->text(), expected) << reference;
    }
    EXPECT_FALSE(base.resolve("//user@h/"));
    EXPECT_FALSE(base.resolve("javascript:x"));
    EXPECT_FALSE(base.resolve("\\\\evil/x"));
}

TEST(UrlSpec, ReadsBackWhatItWrites) {
    for (const char* const text : {"ws://a/", "https://xn--bcher-kva.example:8443/x?y=1",
                                   "http://[2600::1]/", "http://1.1.1.1/a"}) {
        const auto url = Url::parse(text);
        ASSERT_TRUE(url) << text;
        EXPECT_EQ(url->text(), text);
        EXPECT_EQ(Url::parse(url->text())->text(), text);
    }
}

TEST(UrlSpec, TellsOriginsApart) {
    const Url a = *Url::parse("https://a/x");
    EXPECT_TRUE(a.same_origin(*Url::parse("https://A:443/y")));
    EXPECT_FALSE(a.same_origin(*Url::parse("http://a:443/x")));
    EXPECT_FALSE(a.same_origin(*Url::parse("https://a:8443/x")));
    EXPECT_FALSE(a.same_origin(*Url::parse("https://b/x")));
}

}  // namespace
}  // namespace anode
