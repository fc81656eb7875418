#include "core/source/egress.hpp"

#include <gtest/gtest.h>

#include <string>

namespace anode {
namespace {

Result<void> judged(const EgressPolicy& policy, std::string_view text) {
    const auto url = Url::parse(text);
    return url ? policy.check(*url) : std::unexpected(url.error());
}
EgressPolicy closed() { return EgressPolicy(EgressOptions{}); }
EgressPolicy open_loopback() {
    EgressOptions options;
    options.allow_private = {*IpNetwork::parse("127.0.0.0/8")};
    options.ports = {80, 443, 5000, 7945};
    options.own_ports = {7945};
    options.own_addresses = {*IpAddress::parse("8.8.4.4")};
    return EgressPolicy(options);
}

// Spellings of addresses that are not public; hosts go into http and ws URLs alike.
constexpr const char* kBlocked[] = {
    // this machine
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0x7f.0x0.0x0.0x1",
    "0177.0.0.1",
    "0177.00.00.01",
    "017700000001",
    "127.0.0.1.",
    "127.255.255.254",
    "127.0.0.0",
    "localhost",
    "LOCALHOST",
    "LocalHost",
    "localhost.",
    "a.localhost",
    "x.y.localhost.",
    "localhost.localdomain",
    "ip6-localhost",
    "ip6-loopback",
    "0.0.0.0",
    "0",
    "0x0",
    "00",
    "0.0",
    "0.1.2.3",
    "0.255.255.255",
    "%31%32%37.0.0.1",
    "%6cocalhost",
    "local%68ost",
    "127%2e0.0.1",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[0000::0001]",
    "[0::1]",
    "[::0:1]",
    "[::0.0.0.1]",
    "[0:0:0:0:0:0:0:0]",
    // IPv4 in IPv6 clothes
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::FFFF:7F00:0001]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::127.0.0.1]",
    "[::7f00:1]",
    "[::ffff:10.0.0.1]",
    "[::ffff:8.8.8.8]",
    "[::ffff:169.254.169.254]",
    "[::8.8.8.8]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::8.8.8.8]",
    "[64:ff9b:1::1]",
    "[2002:7f00:1::]",
    "[2002:0a00:1::1]",
    "[2002::1]",
    "[2001::1]",
    "[2001:0:7f00:1::]",
    // private
    "10.0.0.1",
    "10.255.255.255",
    "10.1",
    "167772161",
    "0xa000001",
    "012.0.0.1",
    "012.1",
    "172.16.0.1",
    "172.31.255.254",
    "172.16.1",
    "0xac100001",
    "192.168.0.1",
    "192.168.1.1",
    "192.168.257",
    "0xc0a80101",
    "3232235777",
    "0300.0250.1.1",
    "[fc00::1]",
    "[fd00::1]",
    "[fd12:3456::1]",
    "[fdff::1]",
    "[FC00::1]",
    "[fec0::1]",
    // link-local and metadata
    "169.254.0.1",
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "169.16689662",
    "0xa9.0xfe.0xa9.0xfe",
    "[fe80::1]",
    "[febf::1]",
    "[fe80::a9fe:a9fe]",
    // carrier NAT, protocol, documentation, benchmarks
    "100.64.0.1",
    "100.127.255.254",
    "0x64400001",
    "192.0.0.1",
    "192.0.0.170",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.19.255.254",
    "198.51.100.7",
    "203.0.113.9",
    "[2001:db8::1]",
    "[2001:2::1]",
    "[3fff::1]",
    "[100::1]",
    // multicast, broadcast, reserved, unassigned
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "4294967295",
    "0xffffffff",
    "037777777777",
    "[ff02::1]",
    "[ff05::2]",
    "[ff0e::1]",
    "[4000::1]",
    "[1::1]",
    "[e000::1]",
    "[200::1]",
};
static_assert(std::size(kBlocked) >= 120);

TEST(EgressSpec, RefusesEverySpellingOfAnAddressThatIsNotPublic) {
    const EgressPolicy policy = closed();
    for (const std::string host : kBlocked)
        for (const std::string scheme : {"http", "https", "ws", "wss"}) {
            const Result<void> verdict = judged(policy, scheme + "://" + host + "/x");
            ASSERT_FALSE(verdict) << scheme << ' ' << host;
            EXPECT_EQ(verdict.error().code, Errc::Refused) << host;
        }
}

TEST(EgressSpec, LetsPublicAddressesAndNamesPass) {
    const EgressPolicy policy = closed();
    for (const std::string host :
         {"1.1.1.1",           "8.8.8.8",           "9.255.255.255",   "11.0.0.1",
          "100.63.255.255",    "100.128.0.1",       "126.255.255.255", "128.0.0.1",
          "169.253.1.1",       "169.255.1.1",       "172.15.255.255",  "172.32.0.1",
          "191.255.255.255",   "192.0.1.1",         "192.167.1.1",     "192.169.1.1",
          "198.17.255.255",    "198.20.0.1",        "223.255.255.255", "[2600::1]",
          "[2a00::1]",         "[2606:4700::1111]", "example.com",     "xn--bcher-kva.example",
          "localhost.example", "notlocalhost"})
        EXPECT_TRUE(judged(policy, "wss://" + host + "/")) << host;
}

TEST(EgressSpec, RefusesPortsThatAreNotListed) {
    const EgressPolicy policy = closed();
    for (const std::string port : {"22", "25", "6379", "7945", "65535"}) {
        EXPECT_FALSE(judged(policy, "http://8.8.8.8:" + port + "/"));
        EXPECT_FALSE(judged(policy, "http://example.com:" + port + "/"));
    }
    for (const std::string port : {"80", "443", "8080", "8443", "9443"})
        EXPECT_TRUE(judged(policy, "http://example.com:" + port + "/"));
}

TEST(EgressSpec, AllowsThePrivateNetworksThatAreNamedAndNoOthers) {
    const EgressPolicy policy = open_loopback();
    EXPECT_TRUE(judged(policy, "ws://127.0.0.1:5000/"));
    EXPECT_TRUE(judged(policy, "ws://localhost:5000/"));
    EXPECT_TRUE(judged(policy, "ws://0x7f.1:5000/"));
    for (const std::string host :
         {"[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "0.0.0.0", "169.254.169.254"})
        EXPECT_FALSE(judged(policy, "ws://" + host + ":5000/")) << host;
}

TEST(EgressSpec, BoundsThePortsOfLoopbackToo) {
    const Result<void> verdict = judged(open_loopback(), "http://127.0.0.1:22/");
    ASSERT_FALSE(verdict);
    EXPECT_NE(verdict.error().what.find("22"), std::string::npos);
}

TEST(EgressSpec, NeverReachesTheNodeItself) {
    const EgressPolicy policy = open_loopback();
    EXPECT_FALSE(judged(policy, "http://127.0.0.1:7945/"));
    EXPECT_FALSE(judged(policy, "http://127.9.9.9:7945/"));
    EXPECT_FALSE(judged(policy, "http://localhost:7945/"));
    EXPECT_FALSE(judged(policy, "http://8.8.4.4:7945/"));
    EXPECT_TRUE(judged(policy, "http://8.8.8.8:7945/"));
}

TEST(EgressSpec, SeesTheNodeItselfBehindAMappedAddressThatIsAllowed) {
    EgressOptions options;
    options.allow_private = {*IpNetwork::parse("::ffff:0:0/96")};
    options.ports = {7945};
    options.own_ports = {7945};
    const EgressPolicy policy(options);
    EXPECT_FALSE(judged(policy, "http://[::ffff:127.0.0.1]:7945/"));
    EXPECT_TRUE(judged(policy, "http://[::ffff:10.0.0.1]:7945/"));
}

TEST(EgressSpec, ReadsNetworksStrictly) {
    EXPECT_TRUE(IpNetwork::parse("10.3.0.0/16")->contains(*IpAddress::parse("10.3.255.1")));
    EXPECT_FALSE(IpNetwork::parse("10.3.0.0/16")->contains(*IpAddress::parse("10.4.0.1")));
    EXPECT_TRUE(IpNetwork::parse("172.16.0.0/12")->contains(*IpAddress::parse("172.31.0.1")));
    EXPECT_FALSE(IpNetwork::parse("172.16.0.0/12")->contains(*IpAddress::parse("172.32.0.1")));
    EXPECT_TRUE(IpNetwork::parse("0.0.0.0/0")->contains(*IpAddress::parse("255.1.1.1")));
    EXPECT_TRUE(IpNetwork::parse("10.1.2.3")->contains(*IpAddress::parse("10.1.2.3")));
    for (const char* const text :
         {"10.3.0.0/99", "10.3.0.0/", "10.3.0.0/-1", "10.3.0/16", "::/129", "10.3.0.0/1 ", "x", ""})
        EXPECT_FALSE(IpNetwork::parse(text)) << text;
}

}  // namespace
}  // namespace anode
