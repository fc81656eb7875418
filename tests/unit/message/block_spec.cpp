#include "core/message/block.hpp"

#include "base/hash.hpp"
#include "base/varint.hpp"
#include "unit/message/support.hpp"

namespace anode {
namespace {

using test::log_of;
using test::random_bytes;
using test::random_topic;
using testing::ElementsAre;

constexpr WallTime kTs = 1'767'225'600'123'456;

/// A message that owns what a Draft only points to.
struct Sample {
    std::string topic, source, payload, type, key, position, trace;
    Kind kind = Kind::Set;
    std::uint8_t flags = 0;
    std::optional<WallTime> source_time;
    std::optional<Hash128> cid;
    Hlc hlc;

    [[nodiscard]] Draft draft() const {
        return {topic, source, payload, type, key, kind, flags, source_time, cid, position, trace};
    }
};

Sample random_sample(Rng& rng, Hlc& last) {
    Sample s;
    s.topic = random_topic(rng);
    s.source = rng.chance(0.5) ? "api" : "s" + std::to_string(rng.below(5));
    s.payload = random_bytes(rng, 300);
    if (rng.chance(0.3)) s.type = "text/plain";
    if (rng.chance(0.3)) s.key = random_bytes(rng, 20);
    if (rng.chance(0.3)) s.position = random_bytes(rng, 200);
    if (rng.chance(0.3)) s.trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    if (rng.chance(0.3)) s.source_time = static_cast<WallTime>(rng.next());
    if (rng.chance(0.3)) s.cid = Hash128{rng.next(), rng.next()};
    s.kind = static_cast<Kind>(rng.below(4));
    s.flags = static_cast<std::uint8_t>(rng.below(32));
    s.hlc = last = {last.value + 1 + (rng.chance(0.5) ? 0 : rng.below(1 << 20))};
    return s;
}

void expect_same(const Entry& entry, const Sample& s, Seq seq, Arrival arrival) {
    EXPECT_EQ(entry.seq, seq);
    EXPECT_EQ(entry.arrival, arrival);
    EXPECT_EQ(entry.hlc, s.hlc);
    EXPECT_EQ(entry.topic, s.topic);
    EXPECT_EQ(entry.source, s.source);
    EXPECT_EQ(entry.payload, s.payload);
    EXPECT_EQ(entry.content_type, s.type);
    EXPECT_EQ(entry.key, s.key);
    EXPECT_EQ(entry.kind, s.kind);
    EXPECT_EQ(entry.flags, s.flags);
    EXPECT_EQ(entry.source_time, s.source_time);
    EXPECT_EQ(entry.cid, s.cid);
    EXPECT_EQ(entry.source_position, s.position);
    EXPECT_EQ(entry.trace, s.trace);
}

void expect_holds(const Block& block, const std::vector<Sample>& samples, Seq first_seq,
                  Arrival first) {
    ASSERT_EQ(block.count(), samples.size());
    EXPECT_EQ(block.first_seq(), first_seq);
    EXPECT_EQ(block.first_hlc(), samples.front().hlc);
    EXPECT_EQ(block.last_hlc(), samples.back().hlc);
    EXPECT_EQ(block.last_arrival(), first.plus(samples.size() - 1));
    for (std::uint32_t i = 0; i < block.count(); ++i) {
        const Entry entry = block.entry(i);
        expect_same(entry, samples[i], first_seq + i, first.plus(i));
        EXPECT_EQ(block.topics()[entry.topic_index], samples[i].topic);
    }
}

Draft message(std::string_view topic, std::string_view payload) {
    Draft draft;
    draft.topic = topic;
    draft.payload = payload;
    return draft;
}

BlockPtr block_of(std::initializer_list<Draft> drafts) {
    BlockBuilder builder;
    Hlc hlc = Hlc::at(kTs);
    for (const Draft& draft : drafts) {
        builder.add(hlc, draft);
        ++hlc.value;
    }
    return builder.seal(log_of(1), 1, {1});
}

TEST(BlockSpec, KeepsEveryPartOfEveryMessageThroughBuildingAndEveryCodec) {
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        SCOPED_TRACE(seed);
        Rng rng(seed);
        BlockBuilder builder;
        for (int round = 0; round < 2; ++round) {  // a builder is used again after seal()
            std::vector<Sample> samples;
            Hlc hlc = Hlc::at(kTs);
            for (std::uint64_t i = 0, n = 1 + rng.below(round == 0 ? 5 : 200); i < n; ++i) {
                samples.push_back(random_sample(rng, hlc));
                builder.add(hlc, samples.back().draft());
            }
            const Seq first_seq = 1 + rng.below(1ull << 40);
            const BlockPtr block = builder.seal(log_of(3), first_seq, {77}, block_flag::kRace);
            EXPECT_TRUE(builder.empty());
            expect_holds(*block, samples, first_seq, {77});
            for (const BlockCodec codec : {BlockCodec::None, BlockCodec::Lz4, BlockCodec::Zstd}) {
                const auto again = decode_block(log_of(3), encode_block(*block, codec), {900});
                ASSERT_TRUE(again) << again.error().what;
                expect_holds(**again, samples, first_seq, {900});
                EXPECT_EQ((*again)->block_flags(), block->block_flags());
                EXPECT_EQ(encode_block(**again, codec), encode_block(*block, codec));
            }
        }
    }
}

TEST(BlockSpec, ListsItsTopicsOnceInOrderOfAppearance) {
    const auto block =
        block_of({message("b", "1"), message("a", "2"), message("b", "3"), message("api", "4")});
    EXPECT_THAT(block->topics(), ElementsAre("b", "a", "api"));
    EXPECT_EQ(block->entry(2).topic_index, 0u);
    EXPECT_EQ(block->entry(3).source, "api") << "a name may be a topic and a source";
}

TEST(BlockSpec, AnAbsentKeyAndATimeOfZeroAreToldApartFromThoseGiven) {
    Draft draft = message("a", "1");
    draft.source_time = 0;
    const auto block = block_of({message("a", "1"), draft});
    EXPECT_FALSE(block->entry(0).source_time);
    EXPECT_EQ(block->entry(1).source_time, 0);
}

TEST(BlockSpec, SaysThatItHoldsContentIds) {
    Draft draft = message("a", "1");
    draft.cid = Hash128{1, 2};
    EXPECT_EQ(block_of({draft})->block_flags() & block_flag::kHasCid, block_flag::kHasCid);
    EXPECT_EQ(block_of({message("a", "1")})->block_flags(), 0);
}

TEST(BlockSpec, IsFullByBytesAndByEntriesButTakesOneLargeMessage) {
    BlockBuilder builder;
    const std::string large(kPayloadBytesMax, 'x');
    EXPECT_FALSE(builder.full(large.size())) << "an empty block takes anything";
    builder.add(Hlc::at(kTs), message("a", large));
    EXPECT_TRUE(builder.full(1));
    const auto block = builder.seal(log_of(1), 1, {1});
    const auto again = decode_block(log_of(1), encode_block(*block, BlockCodec::None), {1});
    ASSERT_TRUE(again);
    EXPECT_EQ((*again)->entry(0).payload, large);

    Hlc hlc = Hlc::at(kTs);
    for (std::uint32_t i = 0; i < kBlockEntriesMax; ++i, ++hlc.value) {
        EXPECT_FALSE(builder.full(1));
        builder.add(hlc, message("a", "1"));
    }
    EXPECT_TRUE(builder.full(0));
    EXPECT_TRUE(decode_block(log_of(1), encode_block(*builder.seal(log_of(1), 1, {1})), {1}));
}

TEST(BlockSpec, CompressesWhatPaysAndLeavesTheRest) {
    const std::string text(4000, 'a');
    Rng rng(1);
    std::string noise(4000, '\0');
    for (char& c : noise) c = static_cast<char>(rng.next());
    for (const BlockCodec codec : {BlockCodec::Lz4, BlockCodec::Zstd}) {
        EXPECT_LT(encode_block(*block_of({message("a", text)}), codec).size(), 200u);
        EXPECT_GT(encode_block(*block_of({message("a", noise)}), codec).size(), 4000u);
        EXPECT_GT(encode_block(*block_of({message("a", text.substr(0, 400))}), codec).size(), 400u)
            << "too small";
    }
}

TEST(BlockSpec, IsBoundToItsLog) {
    const Bytes wire = encode_block(*block_of({message("a", "1")}));
    const auto moved = decode_block(log_of(2), wire, {1});
    ASSERT_FALSE(moved);
    EXPECT_EQ(moved.error().code, Errc::Corrupt);
    EXPECT_FALSE(decode_block(log_of(1, 9), wire, {1}));
}

TEST(BlockSpec, EveryPrefixIsTruncatedAndEveryFlippedBitIsNoticed) {
    for (const std::string& payload : {std::string("{\"a\":1}"), std::string(600, 'z')}) {
        const Bytes wire =
            encode_block(*block_of({message("a.b", payload), message("c", payload)}));
        for (std::size_t n = 0; n < wire.size(); ++n) {
            const auto cut = decode_block(log_of(1), BytesView(wire).substr(0, n), {1});
            ASSERT_FALSE(cut);
            EXPECT_EQ(cut.error().code, Errc::Truncated) << n;
        }
        for (std::size_t bit = 0; bit < wire.size() * 8; ++bit) {
            Bytes changed = wire;
            changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
            EXPECT_FALSE(decode_block(log_of(1), changed, {1})) << bit;
        }
        EXPECT_EQ(decode_block(log_of(1), wire + "x", {1}).error().code, Errc::Malformed);
    }
}

/// A block as a hostile peer would make it: any header and body, with a checksum that fits.
struct Forged {
    std::uint64_t seq = 1, count = 1, base = 1u << 16;
    std::uint8_t codec = 0, flags = 0;
    std::optional<std::uint64_t> raw_bytes;
    Bytes body;

    [[nodiscard]] Result<BlockPtr> decoded() const {
        Bytes wire;
        put_le(wire, seq);
        put_varint(wire, count);
        put_le(wire, base);
        wire.push_back(static_cast<char>(codec));
        wire.push_back(static_cast<char>(flags));
        put_varint(wire, raw_bytes.value_or(body.size()));
        put_varint(wire, body.size());
        Bytes key;
        log_of(1).append_to(key);
        put_le(wire, crc32c(body, crc32c(wire, crc32c(key))));
        return decode_block(log_of(1), wire + body, {1});
    }
    [[nodiscard]] Errc refusal() const {
        const auto got = decoded();
        EXPECT_FALSE(got);
        return got ? Errc::Internal : got.error().code;
    }
};

const Bytes kGoodBody(
    "\x02\x01"
    "a\x03"
    "api"
    "\x00\x00\x01\x00\x01"
    "1",
    13);

TEST(BlockSpec, TheForgeryOfTheseSpecsIsOtherwiseGood) {
    const auto block = Forged{.body = kGoodBody}.decoded();
    ASSERT_TRUE(block) << block.error().what;
    EXPECT_EQ((*block)->entry(0).topic, "a");
    EXPECT_EQ((*block)->entry(0).payload, "1");
}

TEST(BlockSpec, RefusesHeadersThatPromiseTooMuchOrNothing) {
    EXPECT_EQ((Forged{.count = 0, .body = kGoodBody}.refusal()), Errc::Malformed);
    EXPECT_EQ((Forged{.count = 2, .body = kGoodBody}.refusal()), Errc::Malformed);
    EXPECT_EQ((Forged{.count = kBlockEntriesMax + 1, .body = kGoodBody}.refusal()),
              Errc::Malformed);
    EXPECT_EQ((Forged{.seq = 0, .body = kGoodBody}.refusal()), Errc::Malformed);
    EXPECT_EQ((Forged{.seq = ~0ull, .body = kGoodBody}.refusal()), Errc::Malformed);
    EXPECT_EQ((Forged{.codec = 3, .body = kGoodBody}.refusal()), Errc::Unsupported);
    EXPECT_EQ((Forged{.codec = 0x82, .body = kGoodBody}.refusal()), Errc::Unsupported);
    EXPECT_EQ((Forged{.flags = block_flag::kSigned, .body = kGoodBody}.refusal()),
              Errc::Unsupported);
    EXPECT_EQ(
        (Forged{.codec = 2, .raw_bytes = kBlockRawBytesHard + 1, .body = kGoodBody}.refusal()),
        Errc::TooLarge);
    EXPECT_EQ((Forged{.raw_bytes = 99, .body = kGoodBody}.refusal()), Errc::Malformed);
    for (const std::uint8_t codec : {std::uint8_t{1}, std::uint8_t{2}})
        EXPECT_EQ((Forged{.codec = codec, .raw_bytes = 1 << 20, .body = kGoodBody}.refusal()),
                  Errc::Malformed);
}

TEST(BlockSpec, RefusesATopicThatIsNone) {
    EXPECT_EQ((Forged{.body = Bytes("\x02\x01"
                                    "\"\x03"
                                    "api"
                                    "\x00\x00\x01\x00\x01"
                                    "1",
                                    13)}
                   .refusal()),
              Errc::Malformed);
}

TEST(BlockSpec, RefusesStampsThatDoNotRiseOrOverflow) {
    const Bytes second(
        "\x00\x00\x01\x00\x01"
        "1",
        6);
    EXPECT_EQ((Forged{.count = 2, .body = kGoodBody + second}.refusal()), Errc::Malformed);
    EXPECT_EQ((Forged{.count = 2, .base = ~0ull, .body = kGoodBody + "\x01" + second.substr(1)}
                   .refusal()),
              Errc::Malformed);
}

TEST(BlockSpec, PayloadsOfPeersAreCheckedBeforeListenersGetThem) {
    EXPECT_TRUE(check_payloads(*block_of({message("a", R"({"a":[1,"\n"]})"), message("a", "")})));
    for (const char* payload : {"{", "{}\n", "{\"a\":\r1}", "1}", "\xff"})
        EXPECT_EQ(
            check_payloads(*block_of({message("a", "1"), message("a", payload)})).error().code,
            Errc::Malformed)
            << payload;
    EXPECT_EQ(check_payloads(*block_of({message("a", std::string(100, '['))})).error().code,
              Errc::TooDeep);
    const std::string large(kPayloadBytesMax + 1, '1');
    EXPECT_EQ(check_payloads(*block_of({message("a", large)})).error().code, Errc::TooLarge);
    Draft text = message("a", "{\n");
    text.content_type = "text/plain";
    EXPECT_TRUE(check_payloads(*block_of({text})));
}

TEST(BlockSpec, TakesViewsThatPointNowhere) {
    Draft draft;
    draft.topic = "a";
    draft.source = {};
    EXPECT_EQ(block_of({draft})->entry(0).payload, "");
}

TEST(BlockSpec, HostileBodiesWithAGoodChecksumNeverCrash) {
    Rng rng(42);
    for (int round = 0; round < 30'000; ++round) {
        Forged forged{.count = 1 + rng.below(3),
                      .codec = static_cast<std::uint8_t>(rng.below(3)),
                      .body = kGoodBody};
        if (rng.chance(0.5)) forged.body = random_bytes(rng, 60);
        for (std::uint64_t edits = rng.below(4); edits > 0 && !forged.body.empty(); --edits)
            forged.body[rng.below(forged.body.size())] = static_cast<char>(rng.next());
        if (forged.codec != 0) forged.raw_bytes = forged.body.size() + rng.below(2000);
        const auto block = forged.decoded();
        if (!block) continue;
        for (std::uint32_t i = 0; i < (*block)->count(); ++i)
            EXPECT_FALSE((*block)->entry(i).topic.empty());
    }
}

}  // namespace
}  // namespace anode
