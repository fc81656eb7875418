#include <gmock/gmock.h>

#include <algorithm>

#include "base/rng.hpp"
#include "support.hpp"

/// What a scan finds by its index is what reading everything finds.
namespace anode::store_spec {
namespace {

struct Known {
    Arrival arrival;
    WallTime ts;
    std::string topic;
};

class ScanProperty : public StoreSpec, public ::testing::WithParamInterface<std::uint64_t> {
protected:
    /// Skewed, so that some topics are in every block and some in hardly any.
    std::string any_topic() {
        const auto skew = rng.below(1 + rng.below(40));
        return "t" + std::to_string(skew % 4) + "." + std::to_string(skew);
    }
    void stores_some(int blocks) {
        for (int i = 0; i < blocks; ++i) {
            // Now and then time goes back, as it does between origins.
            source.now_is(kNoon + rng.between(0, 1000) * kSecond);
            std::vector<Message> messages;
            for (std::uint64_t n = 1 + rng.below(12); n > 0; --n) {
                messages.push_back({any_topic(), std::to_string(++number)});
            }
            const auto block = source.block(messages);
            for (std::uint32_t e = 0; e < block->count(); ++e) {
                const Entry entry = block->entry(e);
                known.push_back({entry.arrival, entry.ts(), std::string(entry.topic)});
            }
            ASSERT_TRUE(store->append({.blocks = {block}, .records = {}}, {}));
        }
        ASSERT_TRUE(store->flush());
    }
    Query any_query() {
        static constexpr const char* kPatterns[] = {">",   "t1.*", "t0.0",      "t3.39",
                                                    "*.7", "t2.>", "t0.0,t1.1", "none"};
        Query query{.topics = patterns(kPatterns[rng.below(std::size(kPatterns))])};
        query.order = rng.chance(0.5) ? Order::Ascending : Order::Descending;
        if (rng.chance(0.4)) query.after = known[rng.below(known.size())].arrival;
        if (rng.chance(0.4)) query.from = known[rng.below(known.size())].ts;
        if (rng.chance(0.4)) query.to = known[rng.below(known.size())].ts;
        return query;
    }
    std::vector<Arrival> expected(const Query& query) const {
        std::vector<Arrival> all;
        for (const auto& one : known) {
            const bool up = query.order == Order::Ascending;
            if (query.after && (up ? one.arrival <= *query.after : one.arrival >= *query.after)) {
                continue;
            }
            if ((query.from && one.ts < *query.from) || (query.to && one.ts >= *query.to)) continue;
            if (query.topics.matches(one.topic)) all.push_back(one.arrival);
        }
        if (query.order == Order::Descending) std::ranges::reverse(all);
        return all;
    }
    void check() {
        const Query query = any_query();
        std::vector<Arrival> found;
        for (const auto& one : finds(query, 1 + rng.below(50))) {
            found.push_back(one.block->entry(one.index).arrival);
        }
        ASSERT_EQ(found, expected(query)) << query.topics.text();
    }

    Rng rng{GetParam()};
    int number = 0;
    std::vector<Known> known;
};

TEST_P(ScanProperty, TheIndexFindsWhatBruteForceFinds) {
    for (int round = 0; round < 3; ++round) {
        stores_some(700);
        for (int i = 0; i < 60; ++i) check();
        if (rng.chance(0.5)) reopens();
        for (int i = 0; i < 20; ++i) check();
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ScanProperty, ::testing::Values(1, 2, 3, 4));

}  // namespace
}  // namespace anode::store_spec
