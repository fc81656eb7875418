#include "sim/world.hpp"

#include "sim/event_queue.hpp"

namespace anode::sim {
namespace {

using ::testing::ElementsAre;

Address address(unsigned host) {
    return Address::v4(10, 0, 0, static_cast<std::uint8_t>(host), 7946);
}

/// Notes what happens to it, and answers a stream's bytes with the same bytes.
class Recorder final : public Machine {
public:
    explicit Recorder(std::vector<std::string>& log) : log_(log) {}
    void handle(const Happening& happening, Instant /*now*/, Kernel& kernel) override {
        if (const auto* got = std::get_if<GotDatagram>(&happening)) log_.emplace_back(got->bytes);
        if (std::holds_alternative<GotRefusal>(happening)) log_.emplace_back("refused");
        if (const auto* got = std::get_if<GotStream>(&happening)) {
            log_.emplace_back("open");
            if ((got->stream & 1) == 0) kernel.write(got->stream, "hello");
        }
        if (const auto* got = std::get_if<GotBytes>(&happening)) {
            text_ += got->bytes;
            if (text_ != "hello") return;
            log_.push_back(text_);
            if ((got->stream & 1) != 0) kernel.write(got->stream, text_);
            if ((got->stream & 1) == 0) kernel.close(got->stream);
        }
        if (const auto* lost = std::get_if<LostStream>(&happening))
            log_.emplace_back(lost->refused ? "nobody" : "closed");
    }
    [[nodiscard]] Instant due() const noexcept override { return Instant::max(); }

private:
    std::vector<std::string>& log_;
    std::string text_;
};

class WorldSpec : public ::testing::Test {
protected:
    WorldSpec() : world(7, {}) {
        for (const unsigned host : {0u, 1u}) {
            world.add_host(address(host));
            world.boot(HostId{host}, std::make_unique<Recorder>(logs[host]), Instant{});
        }
    }
    void sends(unsigned from, unsigned to, std::string_view text) {
        world.with(HostId{from},
                   [&](Machine&, Instant, Kernel& kernel) { kernel.send(address(to), text); });
    }
    void dials(unsigned from, unsigned to) {
        world.with(HostId{from},
                   [&](Machine&, Instant, Kernel& kernel) { kernel.dial(2, address(to), 10s); });
    }
    World world;
    std::vector<std::string> logs[2];
};

TEST(EventQueueSpec, EventsOfOneMomentComeInTheOrderTheyWerePutIn) {
    EventQueue<int> queue;
    for (const int number : {1, 2, 3}) queue.push(Instant{5s}, number);
    queue.push(Instant{1s}, 0);
    std::vector<int> order;
    while (!queue.empty()) order.push_back(queue.pop());
    EXPECT_THAT(order, ElementsAre(0, 1, 2, 3));
}

TEST_F(WorldSpec, ADatagramArrivesLater) {
    sends(0, 1, "ping");
    EXPECT_TRUE(logs[1].empty());
    world.run_for(1s);
    EXPECT_THAT(logs[1], ElementsAre("ping"));
}

TEST_F(WorldSpec, ACutLosesOneDirectionOnly) {
    world.network().cut({{true, false}, {false, true}});
    sends(0, 1, "there");
    sends(1, 0, "back");
    world.run_for(1s);
    EXPECT_TRUE(logs[1].empty());
    EXPECT_THAT(logs[0], ElementsAre("back"));
}

TEST_F(WorldSpec, APausedProcessFindsItsDatagramsWhenItGoesOn) {
    world.pause(HostId{1});
    sends(0, 1, "a");
    world.run_for(5s);
    EXPECT_TRUE(logs[1].empty());
    world.resume(HostId{1});
    EXPECT_THAT(logs[1], ElementsAre("a"));
}

TEST_F(WorldSpec, APausedProcessesSocketIsBounded) {
    world.pause(HostId{1});
    for (int packet = 0; packet < 3000; ++packet) sends(0, 1, std::string(1400, 'x'));
    world.run_for(1s);
    EXPECT_GT(world.traffic().overflowed, 1000u);
}

TEST_F(WorldSpec, ADeadPortRefusesIfTheWeatherSaysSo) {
    world.network().weather().refusals = 1;
    world.kill(HostId{1});
    sends(0, 1, "x");
    world.run_for(1s);
    EXPECT_THAT(logs[0], ElementsAre("refused"));
}

TEST_F(WorldSpec, AStreamOpensCarriesBytesBothWaysAndCloses) {
    dials(0, 1);
    world.run_for(1s);
    EXPECT_THAT(logs[0], ElementsAre("open", "hello"));
    EXPECT_THAT(logs[1], ElementsAre("open", "hello", "closed"));
}

TEST_F(WorldSpec, ADialToADeadProcessIsRefusedAndToADeadHostTimesOut) {
    world.kill(HostId{1});
    dials(0, 1);
    world.run_for(1s);
    EXPECT_THAT(logs[0], ElementsAre("nobody"));
    world.power_off(HostId{1});
    dials(0, 1);
    world.run_for(9s);
    EXPECT_THAT(logs[0], ElementsAre("nobody"));
    world.run_for(2s);
    EXPECT_THAT(logs[0], ElementsAre("nobody", "closed"));
}

TEST_F(WorldSpec, AKilledProcessResetsItsStreams) {
    dials(0, 1);
    world.pause(HostId{1});
    world.run_for(1s);
    world.kill(HostId{1});
    world.run_for(1s);
    EXPECT_THAT(logs[0], ElementsAre("open", "closed"));
}

TEST_F(WorldSpec, AStreamOverACutIsResetAtLast) {
    dials(0, 1);
    world.pause(HostId{1});
    world.run_for(500ms);
    world.network().cut({{true, false}, {false, true}});
    world.network().cut({{false, true}, {true, false}});
    world.resume(HostId{1});
    world.run_for(20s);
    EXPECT_THAT(logs[0], ElementsAre("open"));
    world.run_for(60s);
    EXPECT_THAT(logs[0], ElementsAre("open", "closed"));
}

}  // namespace
}  // namespace anode::sim
