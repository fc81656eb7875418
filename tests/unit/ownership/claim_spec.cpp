#include "unit/ownership/desk.hpp"

namespace anode::ownership {
namespace {

using namespace test;

TEST(OwnershipClaim, WhatIsEncodedIsDecodedTheSame) {
    for (const bool released : {false, true}) {
        const Claim claim = claim_of("feed", 7, 1ULL << 40, released, Epoch{~0ULL});
        const auto back = Claim::decode("feed", claim.encode());
        ASSERT_TRUE(back);
        EXPECT_EQ(back->owner, claim.owner);
        EXPECT_EQ(back->epoch, claim.epoch);
        EXPECT_EQ(back->term, claim.term);
        EXPECT_EQ(back->released, released);
        EXPECT_EQ(back->source, "feed");
    }
}

TEST(OwnershipClaim, CutOrUnknownBytesAreNoClaim) {
    const Bytes bytes = claim_of("feed", 7, 300).encode();
    for (std::size_t cut = 0; cut < bytes.size(); ++cut)
        EXPECT_FALSE(Claim::decode("feed", BytesView(bytes).substr(0, cut))) << cut;
    Bytes later = bytes;
    later[0] = 2;
    EXPECT_FALSE(Claim::decode("feed", later));
    EXPECT_TRUE(Claim::decode("feed", bytes + "what a later version appends"));
}

TEST(OwnershipClaim, OfTwoClaimsExactlyOneStands) {
    Rng rng(1);
    for (int i = 0; i < 1'000; ++i) {
        const Claim a = claim_of("feed", static_cast<std::uint8_t>(rng.below(5)), rng.below(4));
        const Claim b = claim_of("feed", static_cast<std::uint8_t>(rng.below(5)), rng.below(4));
        const bool same = a.owner == b.owner && a.term == b.term;
        EXPECT_EQ(outranks(a, b) + outranks(b, a), same ? 0 : 1);
        if (a.owner != b.owner && a.term > b.term) {
            EXPECT_TRUE(outranks(a, b));
        }
    }
    EXPECT_TRUE(
        outranks(claim_of("f", 1, 1, false, Epoch{2}), claim_of("f", 1, 9, false, Epoch{1})));
}

TEST(OwnershipClaim, RendezvousFollowsTheWeightsAndMovesLittle) {
    std::map<int, int> won;
    int moved = 0, moved_elsewhere = 0;
    for (int s = 0; s < 20'000; ++s) {
        const std::string name = "source-" + std::to_string(s);
        const auto best_of = [&](int count) {
            int best = 1;
            for (int n = 2; n <= count; ++n) {
                const auto score = [&](int node) {
                    return rendezvous_score(name, node_of(static_cast<std::uint8_t>(node)),
                                            node == 1 ? 200 : 100);
                };
                if (score(n) > score(best)) best = n;
            }
            return best;
        };
        const int before = best_of(4), after = best_of(5);
        ++won[before];
        if (before != after) ++(after == 5 ? moved : moved_elsewhere);
    }
    EXPECT_NEAR(won[1], 8'000, 400);
    EXPECT_NEAR(won[2], 4'000, 300);
    EXPECT_NEAR(moved, 20'000 / 6, 300);
    EXPECT_EQ(moved_elsewhere, 0);
}

TEST(OwnershipClaim, FramesSurviveRandomBytes) {
    Rng rng(2);
    const Bytes good = frames::encode({"feed", 7, true, "position"});
    for (int i = 0; i < 20'000; ++i) {
        Bytes body = good;
        for (int n = 0; n < 2; ++n) body[rng.below(body.size())] = static_cast<char>(rng.next());
        body.resize(rng.below(body.size() + 1));
        const auto frame = frames::decode(body);
        if (frame) {
            EXPECT_LE(frame->source.size(), 256u);
        }
    }
    EXPECT_EQ(frames::decode(good)->position, "position");
    EXPECT_FALSE(frames::decode(frames::encode({std::string(257, 'x'), 7, true, ""})));
}

}  // namespace
}  // namespace anode::ownership
