#include "runtime/gossip_address.hpp"

#include <netinet/in.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/gossip_sockets.hpp"

namespace anode::gossip {
namespace {

using membership::Address;

Address address(std::string_view text) { return *Address::parse(text); }
std::vector<IpAddress> machine(std::initializer_list<std::string_view> texts) {
    std::vector<IpAddress> out;
    for (const std::string_view text : texts) out.push_back(*IpAddress::parse(text));
    return out;
}
std::string told(std::string_view wish, std::string_view bound,
                 std::initializer_list<std::string_view> own) {
    const auto result = advertised_address(wish, address(bound), machine(own));
    return result ? result->text() : result.error().what;
}

TEST(AdvertisedAddressSpec, IsWhatTheOperatorSays) {
    EXPECT_EQ(told("192.0.2.1:7000", "0.0.0.0:7946", {"10.0.0.1"}), "192.0.2.1:7000");
    EXPECT_EQ(told("192.0.2.1", "0.0.0.0:7946", {}), "192.0.2.1:7946");
    EXPECT_EQ(told("2001:db8::1", "[::]:7946", {}), "[2001:db8::1]:7946");
    EXPECT_EQ(told("[2001:db8::1]", "[::]:7946", {}), "[2001:db8::1]:7946");
}

TEST(AdvertisedAddressSpec, TellsAMappedAddressInFourBytes) {
    EXPECT_EQ(advertised_address("[::ffff:192.0.2.1]:7000", address("0.0.0.0:1"), {})->size, 4);
}

TEST(AdvertisedAddressSpec, IsTheBoundOneWhereThatIsOne) {
    EXPECT_EQ(told("", "127.0.0.1:7946", {"10.0.0.1"}), "127.0.0.1:7946");
    EXPECT_EQ(told("", "[::1]:7946", {"10.0.0.1"}), "[::1]:7946");
}

TEST(AdvertisedAddressSpec, IsTheFirstPrivateIpv4OfAnUnboundMachine) {
    EXPECT_EQ(told("", "0.0.0.0:7946", {"fd00::1", "192.0.2.1", "10.0.0.1", "10.0.0.2"}),
              "10.0.0.1:7946");
    EXPECT_EQ(told("", "0.0.0.0:7946", {"2001:db8::1", "192.0.2.1"}), "192.0.2.1:7946");
    EXPECT_EQ(told("", "[::]:7946", {"fd00::1"}), "[fd00::1]:7946");
}

TEST(AdvertisedAddressSpec, IsLoopbackWhereTheMachineHasNoOther) {
    EXPECT_EQ(told("", "0.0.0.0:7946", {}), "127.0.0.1:7946");
    EXPECT_EQ(told("", "0.0.0.0:7946", {"fd00::1"}), "127.0.0.1:7946");
}

TEST(AdvertisedAddressSpec, RefusesWhatNobodyCanReach) {
    for (const auto* const wish : {"nonsense", "0.0.0.0", "224.0.0.1:7946", "1.2.3:7", ":7946"}) {
        const auto result = advertised_address(wish, address("0.0.0.0:7946"), {});
        ASSERT_FALSE(result) << wish;
        EXPECT_EQ(result.error().code, Errc::Malformed);
    }
}

TEST(SocketAddressSpec, CarriesIpv4ThroughASocketOfIpv6AndBack) {
    SocketAddress kernel;
    ASSERT_TRUE(to_kernel(address("192.0.2.1:99"), AF_INET6, kernel));
    EXPECT_EQ(kernel.family(), AF_INET6);
    EXPECT_EQ(from_kernel(kernel.storage), address("192.0.2.1:99"));
    EXPECT_FALSE(to_kernel(address("[2001:db8::1]:99"), AF_INET, kernel));
}

TEST(GossipSocketsSpec, TakeOnePortForBothWhenTheKernelChooses) {
    for (const auto* const listen : {"127.0.0.1:0", "[::1]:0", "[::]:0"}) {
        const auto sockets = open_sockets(address(listen));
        ASSERT_TRUE(sockets) << sockets.error().what;
        SocketAddress streams, datagrams;
        streams.size = datagrams.size = sizeof streams.storage;
        ::getsockname(sockets->streams.get(), streams.pointer(), &streams.size);
        ::getsockname(sockets->datagrams.get(), datagrams.pointer(), &datagrams.size);
        EXPECT_EQ(from_kernel(streams.storage).port, sockets->bound.port);
        EXPECT_EQ(from_kernel(datagrams.storage).port, sockets->bound.port);
        EXPECT_NE(sockets->bound.port, 0);
    }
}

TEST(GossipSocketsSpec, SayWhenAPortIsTaken) {
    const auto first = open_sockets(address("127.0.0.1:0"));
    ASSERT_TRUE(first);
    const auto second = open_sockets(first->bound);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::Exists);
    EXPECT_THAT(second.error().what, testing::HasSubstr(first->bound.text()));
}

}  // namespace
}  // namespace anode::gossip
