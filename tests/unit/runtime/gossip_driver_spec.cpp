#include "runtime/gossip_driver.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>

#include <set>

#include "runtime/gossip_address.hpp"
#include "runtime/gossip_sockets.hpp"
#include "support/loop_fixture.hpp"

namespace anode {
namespace {

using membership::Address;
using membership::Change;
using support::Facts;
using testing::HasSubstr;

/// One member: its driver, and what it told.
struct Node {
    std::unique_ptr<GossipDriver> driver;
    std::set<std::pair<std::string, Change>> changes;
    std::vector<Bytes> messages;
    std::uint64_t filtered = 0;
};

class GossipDriverSpec : public support::LoopSpec {
protected:
    ~GossipDriverSpec() override {
        on_loop([this] { nodes.clear(); });
    }

    GossipOptions named(const std::string& name) {
        GossipOptions options;
        options.config.name = name;
        options.config.timing = membership::Timing::local();
        options.config.timing.probe_interval = 100ms;
        options.config.timing.gossip_interval = 20ms;
        options.listen = "127.0.0.1:0";
        return options;
    }
    Node& start(GossipOptions options) {
        nodes.push_back(std::make_unique<Node>());
        Node& node = *nodes.back();
        on_loop([&] {
            auto driver = GossipDriver::open(
                loop, std::move(options),
                [this, &node](const membership::Output& output, const membership::Outbox&) {
                    facts.change([&] { note(node, output); });
                });
            ASSERT_TRUE(driver) << driver.error().what;
            node.driver = std::move(*driver);
            node.driver->start();
        });
        return node;
    }
    static void note(Node& node, const membership::Output& output) {
        if (const auto* const changed = std::get_if<membership::MemberChanged>(&output))
            node.changes.emplace(changed->member.name, changed->change);
        if (const auto* const message = std::get_if<membership::UserMessage>(&output))
            node.messages.push_back(message->payload);
    }
    void join(Node& node, const std::string& contact) {
        node.driver->post(membership::JoinContact{contact});
    }
    bool sees(Node& node, const std::string& name, Change change, Duration patience = 10s) {
        return facts.wait([&] { return node.changes.contains({name, change}); }, patience);
    }

    Facts facts;
    std::vector<std::unique_ptr<Node>> nodes;
};

TEST_F(GossipDriverSpec, TwoNodesJoinAndSeeEachOther) {
    Node& a = start(named("a"));
    Node& b = start(named("b"));
    join(b, a.driver->advertised().text());
    EXPECT_TRUE(sees(a, "b", Change::Joined));
    EXPECT_TRUE(sees(b, "a", Change::Joined));
}

TEST_F(GossipDriverSpec, JoinOverIpv6) {
    GossipOptions options = named("a");
    options.listen = "[::1]:0";
    Node& a = start(std::move(options));
    options = named("b");
    options.listen = "[::1]:0";
    Node& b = start(std::move(options));
    join(b, a.driver->advertised().text());
    EXPECT_TRUE(sees(a, "b", Change::Joined));
    EXPECT_EQ(a.driver->advertised().size, 16);
}

TEST_F(GossipDriverSpec, ADualStackNodeJoinsOneOfIpv4) {
    GossipOptions options = named("both");
    options.listen = "[::]:0";
    options.advertise = "127.0.0.1";
    Node& both = start(std::move(options));
    Node& old = start(named("old"));
    join(both, old.driver->advertised().text());
    EXPECT_TRUE(sees(old, "both", Change::Joined));
    EXPECT_TRUE(sees(both, "old", Change::Joined));
}

TEST_F(GossipDriverSpec, AContactsNameMayMeanAPrivateAddress) {
    Node& a = start(named("a"));
    GossipOptions options = named("b");
    std::atomic<int> asked{0};
    options.lookup = [&asked](const std::string& host) -> Result<std::vector<IpAddress>> {
        ++asked;
        if (host != "cluster.internal") return fail(Errc::NotFound, "no such name");
        return std::vector{*IpAddress::parse("127.0.0.1")};
    };
    Node& b = start(std::move(options));
    join(b, "cluster.internal:" + std::to_string(a.driver->bound().port));
    EXPECT_TRUE(sees(b, "a", Change::Joined));
    EXPECT_GE(asked, 1);
}

TEST_F(GossipDriverSpec, MessagesGoByDatagramAndByStream) {
    Node& a = start(named("a"));
    Node& b = start(named("b"));
    join(b, a.driver->advertised().text());
    ASSERT_TRUE(sees(b, "a", Change::Joined) && sees(a, "b", Change::Joined));
    b.driver->post(membership::SendUser{.to = "a", .payload = "small", .reliable = false});
    const Bytes large(2 << 20, 'x');
    b.driver->post(membership::SendUser{.to = "a", .payload = large, .reliable = true});
    EXPECT_TRUE(facts.wait([&] { return a.messages.size() == 2; }));
    EXPECT_THAT(a.messages, testing::UnorderedElementsAre("small", large));
}

TEST_F(GossipDriverSpec, ALostNodeIsToldDead) {
    Node& a = start(named("a"));
    Node& b = start(named("b"));
    join(b, a.driver->advertised().text());
    ASSERT_TRUE(sees(a, "b", Change::Joined));
    on_loop([&] { b.driver->close(); });
    EXPECT_TRUE(sees(a, "b", Change::Died, 30s));
}

TEST_F(GossipDriverSpec, AFilterMakesAMemberMute) {
    Node& a = start(named("a"));
    GossipOptions options = named("b");
    auto mute = std::make_shared<std::atomic<bool>>(false);
    options.filter = [mute](const GossipPassage&) { return !*mute; };
    Node& b = start(std::move(options));
    join(b, a.driver->advertised().text());
    ASSERT_TRUE(sees(a, "b", Change::Joined));
    *mute = true;
    EXPECT_TRUE(sees(a, "b", Change::Suspected));
}

TEST_F(GossipDriverSpec, GarbageIsCountedAndHurtsNobody) {
    Node& a = start(named("a"));
    const auto sockets = *gossip::open_sockets(Address::v4(127, 0, 0, 1, 0));
    gossip::SocketAddress to;
    ASSERT_TRUE(gossip::to_kernel(a.driver->bound(), AF_INET, to));
    Rng rng(1);
    for (int i = 0; i < 200; ++i) {
        std::array<std::uint8_t, 300> bytes{};
        rng.fill(bytes);
        ::sendto(sockets.datagrams.get(), bytes.data(), rng.below(bytes.size()), 0, to.pointer(),
                 to.size);
    }
    Node& b = start(named("b"));
    join(b, a.driver->advertised().text());
    EXPECT_TRUE(sees(a, "b", Change::Joined));
    std::uint64_t dropped = 0;
    on_loop([&] {
        for (const std::uint64_t count : a.driver->machine().counters().dropped) dropped += count;
    });
    EXPECT_GT(dropped, 0u);
}

TEST_F(GossipDriverSpec, ASlowSenderIsClosedAtItsDeadline) {
    GossipOptions options = named("a");
    options.config.timing.stream_timeout = 200ms;
    Node& a = start(std::move(options));
    gossip::SocketAddress to;
    ASSERT_TRUE(gossip::to_kernel(a.driver->bound(), AF_INET, to));
    const gossip::Descriptor slow(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(slow.get(), to.pointer(), to.size), 0);
    ASSERT_EQ(::send(slow.get(), "\x06\x83", 2, MSG_NOSIGNAL), 2);
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(slow.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    char byte = 0;
    EXPECT_EQ(::recv(slow.get(), &byte, 1, 0), 0);  // closed, not timed out
}

TEST_F(GossipDriverSpec, InputsAfterTheEndAreDropped) {
    Node& a = start(named("a"));
    on_loop([&] { a.driver->close(); });
    a.driver->post(membership::Broadcast{"late"});
    on_loop([&] { a.driver->handle(membership::Leave{}); });
    on_loop([&] { EXPECT_EQ(a.driver->machine().config().name, "a"); });
}

TEST_F(GossipDriverSpec, OpenTellsWhatIsWrong) {
    const auto error = [&](GossipOptions options) {
        Error out;
        on_loop([&] {
            const auto driver = GossipDriver::open(loop, std::move(options), {});
            ASSERT_FALSE(driver);
            out = driver.error();
        });
        return out;
    };
    GossipOptions options = named("a");
    options.listen = "somewhere";
    EXPECT_EQ(error(options).code, Errc::Malformed);
    options.listen = "127.0.0.1:0";
    options.advertise = "0.0.0.0";
    EXPECT_EQ(error(options).code, Errc::Malformed);
    options.advertise.clear();
    options.listen = start(named("first")).driver->bound().text();
    EXPECT_EQ(error(options).code, Errc::Exists);
    EXPECT_THAT(error(options).what, HasSubstr(options.listen));
}

}  // namespace
}  // namespace anode
