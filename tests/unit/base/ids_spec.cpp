#include "base/ids.hpp"

#include <set>

#include "base/rng.hpp"
#include "base/varint.hpp"

namespace anode {
namespace {

NodeId node_of(std::uint8_t tag) {
    NodeId node;
    for (std::size_t i = 0; i < node.bytes.size(); ++i)
        node.bytes[i] = static_cast<std::uint8_t>(tag + i);
    return node;
}

TEST(IdsSpec, ANodeShowsItsFirstSixBytes) {
    EXPECT_EQ(node_of(0xab).text(), "n-abacadaeafb0");
    EXPECT_EQ(node_of(0xab).number(), 0xabacadaeu);
}

TEST(IdsSpec, ALogKeyReadsBackFromItsBytes) {
    const LogKey key{node_of(1), {0x0123456789abcdef}, 3};
    Bytes bytes;
    key.append_to(bytes);
    EXPECT_EQ(bytes.size(), LogKey::kBytes);
    EXPECT_EQ(LogKey::from(bytes), key);
    EXPECT_FALSE(LogKey::from(bytes.substr(1)));
    EXPECT_FALSE(LogKey::from(bytes + "x"));
}

TEST(IdsSpec, AMessageIdReadsBackFromItsText) {
    const MessageId id{0x019b7a1c00001234, 0xabacadae00000007};
    EXPECT_EQ(id.text().size(), 26u);
    EXPECT_EQ(MessageId::parse(id.text()), id);
    EXPECT_FALSE(MessageId::parse("nonsense"));
}

TEST(VarintSpec, ReadsBackEveryLength) {
    for (unsigned shift = 0; shift < 64; ++shift) {
        for (const std::uint64_t value : {1ull << shift, (1ull << shift) - 1, ~0ull >> shift}) {
            Bytes bytes;
            put_varint(bytes, value);
            ByteReader in(bytes);
            EXPECT_EQ(in.varint(), value);
            EXPECT_TRUE(in.at_end());
            EXPECT_EQ(zigzag(unzigzag(value)), value);
        }
    }
}

TEST(VarintSpec, AReaderThatFailedStaysFailed) {
    ByteReader in("\xff\xff");
    EXPECT_FALSE(in.varint());
    EXPECT_TRUE(in.failed());
    EXPECT_FALSE(in.take(1));
    ByteReader wide("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02");
    EXPECT_FALSE(wide.varint()) << "more than 64 bits";
    ByteReader greedy(
        "\x05"
        "abc");
    EXPECT_FALSE(greedy.lp());
}

TEST(RngSpec, ASeedMeansTheSameRunEverywhere) {
    Rng a(7), b(7), other(8);
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 1000; ++i) {
        const std::uint64_t value = a.next();
        EXPECT_EQ(value, b.next());
        EXPECT_NE(value, other.next());
        seen.insert(value);
    }
    EXPECT_EQ(seen.size(), 1000u);
}

TEST(RngSpec, StaysWithinItsBounds) {
    Rng rng(1);
    for (int i = 0; i < 10'000; ++i) {
        EXPECT_LT(rng.below(7), 7u);
        const auto value = rng.between(-3, 3);
        EXPECT_TRUE(value >= -3 && value <= 3);
        const double unit = rng.unit();
        EXPECT_TRUE(unit >= 0 && unit < 1);
    }
    EXPECT_EQ(rng.between(5, 5), 5);
    (void)rng.between(INT64_MIN, INT64_MAX);
}

}  // namespace
}  // namespace anode
