#include "unit/ownership/world.hpp"

namespace anode::ownership {
namespace {

using namespace test;
using ::testing::SizeIs;

void misfortune(World& world, Rng& rng) {
    const auto node = static_cast<std::uint8_t>(rng.below(world.count()));
    switch (rng.below(7)) {
        case 0:
        case 1:
            return world.up(node) ? world.crash(node) : world.boot(node);
        case 2:
            return world.put_in(node, static_cast<int>(rng.below(2)));
        case 3:
            return world.put_in(node, 0);
        case 4:
            return world.drain(node, rng.chance(0.5));
        default:
            world.set_sources([&](std::vector<SourceFacts>& all) {
                SourceFacts& facts = all[rng.below(all.size())];
                if (rng.chance(0.5)) {
                    facts.enabled = !facts.enabled;
                } else if (facts.pinned) {
                    facts.pinned.reset();
                } else {
                    facts.pinned = node_of(static_cast<std::uint8_t>(1 + rng.below(world.count())));
                }
            });
    }
}

/// I5: after quiet exactly one owner per enabled source; before that, never two in one component for longer than the bound.
TEST(OwnershipWorld, AfterQuietEverySourceHasOneOwnerAndNoTwoEverRunLong) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        Rng rng(seed);
        World world(seed, static_cast<std::uint8_t>(2 + rng.below(4)), 5);
        world.links_lost = rng.chance(0.7);
        world.passes(40s);
        for (int i = 0; i < 25; ++i) {
            misfortune(world, rng);
            world.passes(Duration(rng.between(0, 15'000)) * 1'000'000);
        }
        for (std::uint8_t i = 0; i < world.count(); ++i) {
            world.put_in(i, 0);
            if (!world.up(i)) world.boot(i);
            world.drain(i, false);
        }
        world.passes(400s);
        for (const SourceFacts& facts : world.sources()) {
            const auto runners = world.runners(facts.name);
            ASSERT_THAT(runners, SizeIs(facts.enabled ? 1u : 0u))
                << "seed " << seed << " " << facts.name;
            if (!facts.enabled) continue;
            for (std::uint8_t i = 0; i < world.count(); ++i)
                ASSERT_EQ(world.machine(i).view(facts.name).owner,
                          node_of(static_cast<std::uint8_t>(runners[0] + 1)))
                    << "seed " << seed;
            if (facts.pinned) {
                ASSERT_EQ(node_of(static_cast<std::uint8_t>(runners[0] + 1)), *facts.pinned)
                    << "seed " << seed << " " << facts.name;
            }
        }
        ASSERT_LE(world.double_max, 10s) << "seed " << seed;
    }
}

TEST(OwnershipWorld, AKilledOwnerIsReplacedWithinASecondOrTwo) {
    std::vector<Duration> waits;
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        World world(seed, 5, 10);
        world.passes(200s);
        std::set<std::string> lost;
        for (const SourceFacts& facts : world.sources())
            if (world.runners(facts.name) == std::vector<std::uint8_t>{2}) lost.insert(facts.name);
        world.crash(2);
        for (Duration gone{}; gone < 15s && !lost.empty(); gone += World::kStep) {
            world.passes(World::kStep);
            std::erase_if(lost, [&](const std::string& name) {
                if (world.runners(name).empty()) return false;
                waits.push_back(gone);
                return true;
            });
        }
        ASSERT_TRUE(lost.empty());
    }
    std::ranges::sort(waits);
    ASSERT_GE(waits.size(), 8u);
    EXPECT_LE(waits[waits.size() / 2], World::kDoubt + 500ms);
    EXPECT_LE(waits.back(), 5s);
}

TEST(OwnershipWorld, TheSameSeedIsTheSameRun) {
    const auto trace = [] {
        Rng rng(9);
        World world(9, 4, 5);
        std::string text;
        for (int i = 0; i < 20; ++i) {
            misfortune(world, rng);
            world.passes(3s);
            for (const SourceFacts& facts : world.sources()) {
                for (const auto runner : world.runners(facts.name)) text += std::to_string(runner);
                text += ' ';
            }
        }
        return text;
    };
    EXPECT_EQ(trace(), trace());
}

}  // namespace
}  // namespace anode::ownership
