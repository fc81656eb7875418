#include "runtime/gossip_datagrams.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/gossip_address.hpp"

namespace anode::gossip {
namespace {

using membership::Address;
using testing::ElementsAre;
using testing::SizeIs;

/// One end: a socket and what it heard.
struct End final : Datagrams::Sink {
    explicit End(std::string_view listen = "127.0.0.1:0")
        : sockets(*open_sockets(*Address::parse(listen))),
          bound(sockets.bound),
          datagrams(std::move(sockets.datagrams), sockets.family, *this, traffic) {}

    void received(const Address& from, BytesView bytes) override {
        seen.emplace_back(bytes);
        last_from = from;
    }
    void refused(const Address& to) override { refusals.push_back(to); }

    void say(const Address& to, std::initializer_list<BytesView> all) {
        for (const BytesView one : all) datagrams.queue(to, one);
        datagrams.flush();
    }
    /// Reads until so many have come in all, or none comes for ten seconds.
    void hear(std::size_t count) {
        while (seen.size() < count && readable()) datagrams.receive(1);
    }
    bool readable() {
        pollfd state{.fd = datagrams.fd(), .events = POLLIN, .revents = 0};
        return ::poll(&state, 1, 10'000) > 0;
    }

    GossipTraffic traffic;
    Sockets sockets;
    Address bound;
    Datagrams datagrams;
    std::vector<Bytes> seen;
    Address last_from;
    std::vector<Address> refusals;
};

TEST(DatagramsSpec, ArriveWholeAndInOrderWithTheirSendersAddress) {
    End here, there;
    const Bytes large(60'000, 'x');
    here.say(there.bound, {"one", "two", large});
    there.hear(3);
    EXPECT_THAT(there.seen, ElementsAre("one", "two", large));
    EXPECT_EQ(there.last_from, here.bound);
}

TEST(DatagramsSpec, GoOutTogether) {
    End here, there;
    here.say(there.bound, {"one", "two", "three"});
    EXPECT_EQ(here.traffic.send_calls, 1u);
    EXPECT_EQ(here.traffic.datagrams_out, 3u);
    EXPECT_EQ(here.traffic.datagram_bytes_out, 11u);
}

TEST(DatagramsSpec, ComeInTogether) {
    End here, there;
    here.say(there.bound, {"one", "two", "three"});
    ASSERT_TRUE(there.readable());
    there.datagrams.receive(256);
    EXPECT_THAT(there.seen, SizeIs(3));
    EXPECT_EQ(there.traffic.receive_calls, 1u);
}

TEST(DatagramsSpec, WithoutBytesAreDropped) {
    End here, there;
    here.say(there.bound, {"", "after it"});
    there.hear(1);
    EXPECT_THAT(there.seen, ElementsAre("after it"));
    EXPECT_EQ(there.traffic.datagrams_in, 2u);
}

TEST(DatagramsSpec, CrossBetweenTheFamilies) {
    End both("[::]:0"), old("127.0.0.1:0");
    Address to = old.bound;
    both.say(to, {"from both"});
    old.hear(1);
    EXPECT_THAT(old.seen, ElementsAre("from both"));
    EXPECT_EQ(old.last_from, Address::v4(127, 0, 0, 1, both.bound.port));
    old.say(old.last_from, {"back"});
    both.hear(1);
    EXPECT_THAT(both.seen, ElementsAre("back"));
    EXPECT_EQ(both.last_from, old.bound);
}

TEST(DatagramsSpec, ToNobodyAreToldRefusedAndStopNoOthers) {
    End here, there;
    Address nobody;
    {
        const End gone;
        nobody = gone.bound;
    }
    here.say(nobody, {"anybody?"});
    ASSERT_TRUE(here.readable());
    here.datagrams.receive(1);
    EXPECT_THAT(here.refusals, ElementsAre(nobody));
    here.say(nobody, {"anybody?"});
    ASSERT_TRUE(here.readable());
    here.say(there.bound,
             {"still there"});  // the refusal waits in the socket and must not cost this one
    there.hear(1);
    EXPECT_THAT(there.seen, ElementsAre("still there"));
    EXPECT_THAT(here.refusals, ElementsAre(nobody, nobody));
}

TEST(DatagramsSpec, ToAFamilyThatTheSocketDoesNotReachAreRefused) {
    End here;
    const Address far = *Address::parse("[::1]:9");
    here.say(far, {"hello"});
    EXPECT_THAT(here.refusals, ElementsAre(far));
    EXPECT_EQ(here.traffic.datagrams_lost_out, 1u);
}

TEST(DatagramsSpec, TooLargeForTheKernelAreCountedAndStopNoOthers) {
    End here, there;
    const Bytes huge(70'000, 'x');
    here.say(there.bound, {"before", huge, "after"});
    there.hear(2);
    EXPECT_THAT(there.seen, ElementsAre("before", "after"));
    EXPECT_EQ(here.traffic.datagrams_lost_out, 1u);
}

TEST(DatagramsSpec, LostInTheKernelAreCounted) {
    End here, there;
    const Bytes large(60'000, 'x');
    for (int i = 0; i < 200; ++i) here.say(there.bound, {large});
    there.datagrams.receive(256);
    here.say(there.bound, {"the count comes with the next one"});
    while (there.seen.back().size() == large.size() && there.readable()) there.datagrams.receive(1);
    EXPECT_EQ(there.traffic.datagrams_in + there.traffic.datagrams_lost_in +
                  here.traffic.datagrams_lost_out,
              201u);
    EXPECT_GT(there.traffic.datagrams_lost_in, 0u);
}

}  // namespace
}  // namespace anode::gossip
