#include "base/hash.hpp"

#include "base/rng.hpp"

namespace anode {
namespace {

TEST(Crc32cSpec, GivesTheVectorsOfTheRfc) {  // RFC 3720, appendix B.4
    EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
    EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
    EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
    EXPECT_EQ(crc32c(""), 0u);
}

TEST(Crc32cSpec, IsTheSameByMachineByTableAndInPieces) {
    Rng rng(1);
    for (int round = 0; round < 500; ++round) {
        std::string bytes(rng.below(200), '\0');
        for (char& c : bytes) c = static_cast<char>(rng.next());
        const std::uint32_t whole = crc32c(bytes);
        EXPECT_EQ(crc32c_by_table(bytes), whole);
        const std::size_t cut = rng.below(bytes.size() + 1);
        const BytesView view = bytes;
        EXPECT_EQ(crc32c(view.substr(cut), crc32c(view.substr(0, cut))), whole);
        EXPECT_EQ(crc32c_by_table(view.substr(cut), crc32c_by_table(view.substr(0, cut))), whole);
    }
}

TEST(HashSpec, IsXxh3AndTakesASeed) {
    EXPECT_EQ(hash64(""), 0x2d06800538d394c2ull);
    EXPECT_EQ(hash128(""), (Hash128{0x99aa06d3014798d8ull, 0x6001c324468d497full}));
    EXPECT_NE(hash64("a"), hash64("b"));
    EXPECT_NE(hash64("a", 1), hash64("a", 2));
    EXPECT_NE(hash128("a", 1), hash128("a", 2));
}

}  // namespace
}  // namespace anode
