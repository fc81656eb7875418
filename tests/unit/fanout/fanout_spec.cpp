#include "core/fanout/fanout.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>

#include "base/rng.hpp"
#include "core/fanout/picker.hpp"
#include "core/fanout/tail.hpp"

namespace anode::fanout {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Lines final : public Framing {
public:
    explicit Lines(bool joins) : joins_(joins) {}
    void append(Bytes& out, const Line& line) const override { (out += line.text) += ';'; }
    [[nodiscard]] bool joins_lines() const noexcept override { return joins_; }

private:
    bool joins_;
};
const Lines kLines(false), kJoined(true);

SelectorPtr select(std::string_view topics, std::string_view filter = {}, Mode mode = Mode::All,
                   std::uint32_t n = 1, Duration every = 1s) {
    auto selector = std::make_shared<Selector>();
    selector->topics = *PatternSet::parse(topics);
    if (!filter.empty()) selector->filter = *expr::Program::compile(filter);
    selector->mode = mode;
    selector->n = n;
    selector->every = every;
    return selector;
}

/// A small world: blocks of one message each, and listeners that read with whatever appetite.
class FanOutSpec : public ::testing::Test {
protected:
    struct Reader : Member {
        std::string seen;
    };

    void join(Reader& reader, std::vector<SelectorPtr> selectors, Duration batch = 0s,
              const Framing& framing = kLines) {
        fanout.join(reader, {std::move(selectors), {{Format::Data, false}, &framing}, batch}, now);
    }
    BlockPtr make(const std::string& topic, const std::string& payload,
                  const std::string& key = {}) {
        BlockBuilder builder;
        Draft draft;
        draft.topic = topic;
        draft.payload = payload;
        draft.key = key;
        builder.add({(++arrival) << 16}, draft);
        return builder.seal({}, arrival, {arrival});
    }
    void publish(const std::string& topic, const std::string& payload,
                 const std::string& key = {}) {
        fanout.publish(*make(topic, payload, key), now);
    }
    std::string read(Reader& reader, std::uint64_t bytes = UINT64_MAX) {
        std::array<BytesView, 64> slices;
        const std::size_t count = reader.group->ring().slices(reader.offset, slices);
        std::string out;
        for (std::size_t i = 0; i < count; ++i) out += slices[i];
        out.resize(std::min<std::uint64_t>(bytes, out.size()));
        reader.offset += out.size();
        reader.seen += out;
        reader.group->trim();
        return out;
    }
    void passes(Duration time) {
        now.mono += time;
        fanout.tick(now);
    }

    FanOut fanout{7, NodeId{}};
    Now now;
    std::uint64_t arrival = 0;
};

TEST_F(FanOutSpec, AMessageReachesEveryGroupWhosePatternsMatch) {
    Reader one, rest, other;
    join(one, {select("a.*")});
    join(rest, {select("a.>")});
    join(other, {select("b")});
    publish("a.b", "1");
    publish("a.b.c", "2");
    publish("$sys.x", "3");
    EXPECT_EQ(read(one), "1;");
    EXPECT_EQ(read(rest), "1;2;");
    EXPECT_EQ(read(other), "");
}

TEST_F(FanOutSpec, EqualListenersShareAGroupAndAMessageIsEncodedOncePerForm) {
    std::vector<Reader> readers(100);
    for (Reader& reader : readers) join(reader, {select("a.>")});
    Reader filtered;
    join(filtered, {select("a.>", ".data > 0")});
    EXPECT_EQ(fanout.groups(), 2U);
    publish("a.b", "1");
    EXPECT_EQ(fanout.encodings(), 1U);
    for (Reader& reader : readers) EXPECT_EQ(read(reader), "1;");
    EXPECT_EQ(read(filtered), "1;");
}

TEST_F(FanOutSpec, SelectorsThatOverlapDeliverOnce) {
    Reader reader;
    join(reader, {select("a.>"), select("a.b"), select("*.b", "", Mode::Latest)});
    publish("a.b", "1");
    passes(2s);
    EXPECT_EQ(read(reader), "1;");
}

TEST_F(FanOutSpec, AListenerSeesOnlyWhatComesAfterItJoined) {
    Reader early, late;
    join(early, {select("a")});
    publish("a", "1");
    join(late, {select("a")});
    publish("a", "2");
    EXPECT_EQ(read(early), "1;2;");
    EXPECT_EQ(read(late), "2;");
}

TEST_F(FanOutSpec, LatestSendsTheNewestOfEachKeyOncePerPeriodInOrder) {
    Reader reader;
    join(reader, {select("a", "", Mode::Latest, 1, 1s)});
    publish("a", "1", "x");
    passes(0s);
    EXPECT_EQ(read(reader), "1;");
    publish("a", "2", "x");
    publish("a", "3", "y");
    publish("a", "4", "x");
    passes(500ms);
    EXPECT_EQ(read(reader), "");
    passes(600ms);
    EXPECT_EQ(read(reader), "3;4;");
    EXPECT_EQ(reader.group->conflated(), 1U);
    EXPECT_EQ(reader.group->matched(), 4U);
}

TEST_F(FanOutSpec, SamplePassesEveryNth) {
    Reader reader;
    join(reader, {select("a", "", Mode::Sample, 3)});
    for (int n = 0; n < 10; ++n) publish("a", std::to_string(n));
    EXPECT_EQ(read(reader), "0;3;6;9;");
}

TEST_F(FanOutSpec, ABatchIsGatheredIntoOneFrameAndAJoinerSeesNothingOfIt) {
    Reader reader, late;
    join(reader, {select("a")}, 100ms, kJoined);
    publish("a", "1");
    publish("a", "2");
    join(late, {select("a")}, 100ms, kJoined);
    publish("a", "3");
    passes(200ms);
    EXPECT_EQ(read(late), "3;");
    EXPECT_EQ(read(reader), "1\n2;3;");
}

TEST_F(FanOutSpec, AGroupWithoutMembersIsGone) {
    Reader reader;
    join(reader, {select("a")});
    fanout.leave(reader);
    EXPECT_EQ(fanout.groups(), 0U);
    publish("a", "1");
    std::vector<Group*> dirty;
    fanout.take_dirty(dirty);
    EXPECT_THAT(dirty, IsEmpty());
}

/// Leaves the ring at a random place, reads on from "the store" and the tail, and joins again at the
/// head: whatever the schedule, every matching message is seen once and in order.
TEST_F(FanOutSpec, LeavingReadingAndRejoiningMakesNoHoleAndNoRepeat) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        Rng rng(seed);
        Tail tail({arrival});
        const auto selector = select("a.*", ".data % 3 != 0");
        Reader reader;
        join(reader, {selector});
        Arrival joined{arrival}, position;
        std::vector<BlockPtr> store;
        std::string expected;
        Judge judge;
        Picker picker({{{selector, {}}}, {}, {}, {}, {{Format::Data, false}, &kLines}, false, 0},
                      7);
        const int messages = 300;
        for (int n = 0, reading = 0; n < messages || reading != 0 || !reader.group;) {
            if (n < messages && rng.chance(0.6)) {
                const BlockPtr block = make(rng.chance(0.8) ? "a.b" : "b.a", std::to_string(n));
                if (block->topics()[0] == "a.b" && n % 3 != 0) expected += std::to_string(n) + ';';
                fanout.publish(*block, now);
                tail.push(block);
                store.push_back(block);
                ++n;
                tail.trim({rng.chance(0.3) ? arrival : 0}, rng.below(200), 1 << 20);
            } else if (reader.group && rng.chance(0.2)) {
                // Too slow: finish the frame that is half written, then leave.
                read(reader, rng.below(8));
                Ring& ring = reader.group->ring();
                read(reader, ring.frame_end(reader.offset) - reader.offset);
                position = std::max(ring.mark_at(reader.offset).arrival, joined);
                fanout.leave(reader);
                reading = 1;
            } else if (reader.group) {
                read(reader, rng.below(20));
            } else {
                Piece piece;
                std::size_t budget = rng.below(10) + 1;
                const auto take = [&](const Block& block, std::uint32_t index) {
                    if (budget-- == 0) return false;
                    picker.take(block, index, judge, piece);
                    position = block.first_arrival().plus(index);
                    return true;
                };
                if (position >= tail.after()) {
                    tail.walk(position, take);
                } else {
                    for (const BlockPtr& block : store)
                        if (block->first_arrival() > position && !take(*block, 0)) break;
                }
                picker.finish(piece);
                reader.seen += piece.bytes;
                if (position < tail.head()) continue;
                join(reader, {selector});
                joined = tail.head();
                reading = 0;
            }
        }
        while (!read(reader).empty()) {
        }
        ASSERT_EQ(reader.seen, expected) << "seed " << seed;
        fanout.leave(reader);
    }
}

}  // namespace
}  // namespace anode::fanout
