#include "runtime/gossip_streams.hpp"

#include <sys/socket.h>

#include <map>
#include <optional>

#include "support/loop_fixture.hpp"

namespace anode::gossip {
namespace {

using membership::Address;
using membership::StreamBytes;
using membership::StreamClosed;
using membership::StreamId;
using membership::StreamOpened;
using support::Facts;

/// Streams that do what a test says, and tell what they saw.
struct End final : Streams::Sink {
    End(Loop& loop, Facts& news)
        : facts(news),
          sockets(*open_sockets(Address::v4(127, 0, 0, 1, 0))),
          bound(sockets.bound),
          streams(loop, std::move(sockets.streams), *this, traffic, 5s) {
        EXPECT_TRUE(streams.watch());
        streams.start();
    }

    void stream_input(const membership::Input& input) override {
        facts.change([&] {
            if (const auto* const opened = std::get_if<StreamOpened>(&input)) {
                last = opened->id;
                opened_count++;
                peer = opened->from;
            } else if (const auto* const bytes = std::get_if<StreamBytes>(&input)) {
                seen[bytes->id] += bytes->bytes;
            } else if (const auto* const closed = std::get_if<StreamClosed>(&input)) {
                ended[closed->id] = closed->refused;
            }
        });
        if (react) react(input);
    }
    bool stream_passes(GossipPassage::Way way, const Address&) override { return way != refuses; }
    void round_begins() override { ++rounds; }
    void round_ends() override { --rounds; }

    Facts& facts;
    GossipTraffic traffic;
    Sockets sockets;
    Address bound;
    Streams streams;
    std::function<void(const membership::Input&)> react;
    std::optional<GossipPassage::Way> refuses;
    StreamId last{};
    int opened_count = 0;
    int rounds = 0;
    Address peer;
    std::map<StreamId, Bytes> seen;
    std::map<StreamId, bool> ended;  ///< and whether refused
};

constexpr StreamId kDialled{2};

class StreamsSpec : public support::LoopSpec {
protected:
    StreamsSpec() {
        on_loop([this] {
            here = std::make_unique<End>(loop, facts);
            there = std::make_unique<End>(loop, facts);
        });
    }
    ~StreamsSpec() override {
        on_loop([this] { here.reset(), there.reset(); });
    }
    void dial(const Address& to, Duration timeout = 5s) {
        on_loop([&] { here->streams.dial({.id = kDialled, .to = to, .timeout = timeout}); });
    }
    void dial_there() {
        dial(there->bound);
        ASSERT_TRUE(
            facts.wait([&] { return there->opened_count == 1 && here->opened_count == 1; }));
    }
    void send(End& from, StreamId id, BytesView bytes) {
        on_loop([&] { from.streams.send(id, bytes); });
    }
    void finish(End& from, StreamId id) {
        on_loop([&] { from.streams.finish(id); });
    }
    std::size_t open(End& end) {
        std::size_t count = 0;
        on_loop([&] { count = end.streams.size(); });
        return count;
    }

    Facts facts;
    std::unique_ptr<End> here, there;
};

TEST_F(StreamsSpec, CarryBytesBothWays) {
    dial_there();
    EXPECT_TRUE(accepted(there->last));
    EXPECT_EQ(here->last, kDialled);
    const Bytes much(3 << 20, 'x');
    send(*here, kDialled, much);
    ASSERT_TRUE(facts.wait([&] { return there->seen[there->last].size() == much.size(); }));
    send(*there, there->last, "answer");
    ASSERT_TRUE(facts.wait([&] { return here->seen[kDialled] == "answer"; }));
}

TEST_F(StreamsSpec, CloseAfterWhatWasSentHasGoneOutAndTellTheOtherSideOnly) {
    dial_there();
    const Bytes much(8 << 20, 'x');
    on_loop([&] {
        here->streams.send(kDialled, much);
        here->streams.finish(kDialled);
    });
    ASSERT_TRUE(facts.wait([&] { return there->ended.contains(there->last); }));
    EXPECT_EQ(there->seen[there->last].size(), much.size());
    EXPECT_TRUE(here->ended.empty());
    EXPECT_EQ(open(*there), 0u);
    finish(*there, there->last);  // harmless: it is gone
}

TEST_F(StreamsSpec, AnswerReachesADiallerThatHasNotSentAllYet) {
    there->react = [this](const membership::Input& input) {
        const auto* const bytes = std::get_if<StreamBytes>(&input);
        if (bytes == nullptr) return;
        there->streams.send(bytes->id, "stop that");
        there->streams.finish(bytes->id);
    };
    dial_there();
    send(*here, kDialled, Bytes(16 << 20, 'x'));
    ASSERT_TRUE(facts.wait([&] { return here->ended.contains(kDialled); }));
    EXPECT_EQ(here->seen[kDialled], "stop that");
}

TEST_F(StreamsSpec, TellADialThatNobodyAnswersForRefused) {
    Address nobody;
    on_loop([&] { nobody = End(loop, facts).bound; });
    dial(nobody);
    ASSERT_TRUE(facts.wait([&] { return here->ended.contains(kDialled); }));
    EXPECT_TRUE(here->ended[kDialled]);
    EXPECT_EQ(open(*here), 0u);
}

TEST_F(StreamsSpec, TellADialThatTakesTooLongClosedButNotRefused) {
    // A listener whose queue is full lets further dials wait.
    const auto busy = *open_sockets(Address::v4(127, 0, 0, 1, 0));
    ASSERT_EQ(::listen(busy.streams.get(), 0), 0);
    on_loop([&] {
        for (std::uint64_t id = 2; id <= 20; id += 2)
            here->streams.dial({.id = StreamId{id}, .to = busy.bound, .timeout = 50ms});
    });
    ASSERT_TRUE(facts.wait([&] { return here->ended.size() >= 5; }));
    for (const auto& [id, refused] : here->ended) EXPECT_FALSE(refused);
}

TEST_F(StreamsSpec, TellWhenTheOtherSideIsGone) {
    dial_there();
    on_loop([&] { there->streams.close(); });
    ASSERT_TRUE(facts.wait([&] { return here->ended.contains(kDialled); }));
    EXPECT_FALSE(here->ended[kDialled]);
}

TEST_F(StreamsSpec, EndOnBothSidesWhenTheAcceptorFinishes) {
    dial_there();
    finish(*there, there->last);
    ASSERT_TRUE(facts.wait([&] { return here->ended.contains(kDialled); }));
    EXPECT_EQ(open(*here), 0u);
    EXPECT_TRUE(there->ended.empty());
}

TEST_F(StreamsSpec, MayBeRefusedByAFilter) {
    here->refuses = GossipPassage::Way::Dial;
    dial(there->bound);
    ASSERT_TRUE(facts.wait([&] { return here->ended.contains(kDialled); }));
    EXPECT_EQ(there->opened_count, 0);
}

TEST_F(StreamsSpec, CloseWhatIsMoreThanTheLimit) {
    on_loop([&] {
        for (std::uint64_t i = 1; i <= Streams::kStreamsMax + 4; ++i)
            here->streams.dial({.id = StreamId{2 * i}, .to = there->bound, .timeout = 5s});
    });
    ASSERT_TRUE(facts.wait([&] { return here->ended.size() == 4; }));
    EXPECT_LE(open(*here), Streams::kStreamsMax);
}

TEST_F(StreamsSpec, ReadWhatHasComeBeforeTheLoopTells) {
    dial_there();
    Bytes seen;
    on_loop([&] {
        here->streams.send(kDialled, "in time");
        there->streams.read_all();  // what went over loopback is there at once
        seen = there->seen[there->last];
    });
    EXPECT_EQ(seen, "in time");
}

}  // namespace
}  // namespace anode::gossip
