#include "core/mesh/frames.hpp"

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "core/message/block.hpp"

namespace anode::mesh::frames {
namespace {

LogKey some_log() {
    LogKey log;
    log.node.bytes[3] = 7;
    log.epoch.value = 99;
    return log;
}

std::vector<Frame> one_of_each() {
    static const Bytes text = "some bytes of a block";
    NodeId node;
    node.bytes.fill(9);
    std::vector<Frame> all;
    all.emplace_back(
        Hello{1, 1, "prod", node, {5}, "a", "zone", 3, 17, {18}, 60, 70, 80, 90, Purpose::Bulk});
    all.emplace_back(Ping{1, 2, {3}, 4, 5});
    Pong pong;
    pong.nonce = 8;
    all.emplace_back(pong);
    all.emplace_back(Credit{2, 1000});
    all.emplace_back(Bye{1, "going"});
    all.emplace_back(ErrorFrame{5, "checksum"});
    all.emplace_back(LogDef{300, some_log()});
    all.emplace_back(Announce{300, 7, 2, 1234});
    all.emplace_back(Digest{{{17, 3}, {18, 1}, {40, 260}}, {{17, 2, 0}}});
    all.emplace_back(Graft{1, 511, 3, Why::Lag});
    all.emplace_back(GraftOk{1, 530, 2, 100});
    all.emplace_back(GraftNo{1, 1, {node}});
    all.emplace_back(Prune{1, 1});
    all.emplace_back(Shed{1, node});
    all.emplace_back(Query{{1, 2, 300}});
    all.emplace_back(QueryReply{{{1, 5, 1, true}, {2, 0, 0, false}}});
    all.emplace_back(Data{1, 3, text});
    all.emplace_back(SkipFrame{1, {5, 9}, Skip::Evicted});
    all.emplace_back(Ack{{{1, 41, 40}}});
    all.emplace_back(Race{1, 77});
    all.emplace_back(VectorRoot{std::vector<std::uint64_t>(256, 42)});
    all.emplace_back(Vector{0xFFFF, true, {{some_log(), 1, 5, 20, {33}, {{6, 9}, {12, 12}}}}});
    all.emplace_back(Pull{4, some_log(), {{6, 9}}, 1 << 20});
    all.emplace_back(Chunk{4, some_log(), text});
    all.emplace_back(PullEnd{4, 1, 250});
    all.emplace_back(Pass{40, text});
    return all;
}

Bytes encoded(const Frame& frame) {
    Bytes out;
    encode(frame, out);
    return out;
}

TEST(MeshFrames, EachComesBackAsItWentByteForByte) {
    for (const Frame& frame : one_of_each()) {
        const Bytes wire = encoded(frame);
        FrameReader reader(1 << 20);
        reader.add(wire);
        const auto back = reader.next();
        ASSERT_TRUE(back) << back.error().what;
        ASSERT_TRUE(*back);
        EXPECT_EQ((*back)->index(), frame.index());
        EXPECT_EQ(encoded(**back), wire) << "frame " << frame.index();
        EXPECT_EQ(reader.held(), 0u);
    }
}

TEST(MeshFrames, ADigestOfThreeHeadsIsNineBytes) {
    const Bytes wire = encoded(Digest{{{17, 3}, {18, 1}, {40, 260}}, {}});
    EXPECT_EQ(BytesView(wire).substr(kHeadBytes),
              BytesView("\x03\x11\x03\x01\x01\x16\x84\x02\x00", 9));
}

TEST(MeshFrames, ComeOutWholeHoweverTheBytesArrive) {
    Bytes wire;
    for (const Frame& frame : one_of_each()) encode(frame, wire);
    FrameReader reader(1 << 20);
    std::size_t frames = 0;
    for (const char byte : wire) {
        reader.add(BytesView(&byte, 1));
        for (;;) {
            const auto next = reader.next();
            ASSERT_TRUE(next);
            if (!*next) break;
            ++frames;
        }
    }
    EXPECT_EQ(frames, one_of_each().size());
}

TEST(MeshFrames, TheHeadAloneCountsTheTailThatFollows) {
    const Bytes block(1000, 'b');
    Bytes head;
    encode(Data{5, 1, block}, head, true);
    EXPECT_EQ(head + block, encoded(Data{5, 1, block}));
}

TEST(MeshFrames, CutShortWithinItsLengthIsRefusedWithThePlace) {
    for (const Frame& frame : one_of_each()) {
        if (std::holds_alternative<Data>(frame) || std::holds_alternative<Chunk>(frame) ||
            std::holds_alternative<Pass>(frame))
            continue;
        const Bytes wire = encoded(frame);
        for (std::size_t body = 0; body + kHeadBytes < wire.size(); ++body) {
            Bytes cut = wire.substr(0, kHeadBytes + body);
            for (unsigned i = 0; i < 4; ++i) cut[i] = static_cast<char>(body >> (8 * i));
            FrameReader reader(1 << 20);
            reader.add(cut);
            const auto next = reader.next();
            if (std::holds_alternative<Hello>(frame) && next) continue;
            ASSERT_FALSE(next) << "frame " << frame.index() << " cut to " << body;
            EXPECT_FALSE(next.error().what.empty());
        }
    }
}

TEST(MeshFrames, TooLargeOrUnknownEndsTheLinkAndOptionalOnesArePassedOver) {
    FrameReader small(100);
    small.add(encoded(Pass{40, Bytes(200, 'x')}));
    EXPECT_EQ(small.next().error().code, Errc::TooLarge);

    Bytes strange = encoded(Race{1, 2});
    strange[4] = 99;
    FrameReader strict(1000);
    strict.add(strange);
    EXPECT_EQ(strict.next().error().code, Errc::Unsupported);

    strange[5] = static_cast<char>(kOptional);
    FrameReader lenient(1000);
    lenient.add(strange);
    lenient.add(encoded(Race{1, 3}));
    const auto next = lenient.next();
    ASSERT_TRUE(next && *next);
    EXPECT_EQ(std::get<Race>(**next).seq, 3u);
}

TEST(MeshFrames, AWrongCountNeverMakesMemory) {
    Bytes body("\xff\xff\xff\xff\x0f", 5);
    for (const Type type : {Type::Digest, Type::Query, Type::QueryReply, Type::Ack}) {
        Bytes wire(kHeadBytes, '\0');
        wire[0] = static_cast<char>(body.size());
        wire[4] = static_cast<char>(type);
        FrameReader reader(1000);
        reader.add(wire + body);
        EXPECT_FALSE(reader.next()) << static_cast<int>(type);
    }
}

TEST(MeshFrames, AnyByteMayBeAnyOtherWithoutHarm) {
    Bytes wire;
    for (const Frame& frame : one_of_each()) encode(frame, wire);
    Rng rng(3);
    for (int round = 0; round < 20'000; ++round) {
        Bytes bad = wire;
        for (int hits = 0; hits < 3; ++hits)
            bad[rng.below(bad.size())] = static_cast<char>(rng.next());
        FrameReader reader(1 << 20);
        reader.add(bad);
        for (;;) {
            const auto next = reader.next();
            if (!next || !*next) break;
        }
    }
}

TEST(MeshFrames, ABlockIsJudgedByItsHeaderAndChecksumAlone) {
    BlockBuilder builder;
    Draft draft;
    draft.topic = "a.b";
    draft.payload = "{\"n\":1}";
    builder.add(Hlc{1000}, draft);
    builder.add(Hlc{1001}, draft);
    const Bytes wire = encode_block(*builder.seal(some_log(), 41, Arrival{1}));
    const auto seen = frames::peek_block(some_log(), wire);
    ASSERT_TRUE(seen) << seen.error().what;
    EXPECT_EQ(seen->first, 41u);
    EXPECT_EQ(seen->last(), 42u);
    EXPECT_EQ(seen->first_hlc, Hlc{1000});
    LogKey other = some_log();
    other.lane = 5;
    EXPECT_EQ(frames::peek_block(other, wire).error().code, Errc::Corrupt)
        << "the checksum is bound to the log";
    Bytes bad = wire;
    bad.back() ^= 1;
    EXPECT_EQ(frames::peek_block(some_log(), bad).error().code, Errc::Corrupt);
}

}  // namespace
}  // namespace anode::mesh::frames
