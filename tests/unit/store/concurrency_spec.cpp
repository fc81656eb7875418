#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "support.hpp"

/// Writers, readers and retention at the same time, over many segments.
namespace anode::store_spec {
namespace {

class ConcurrencySpec : public StoreSpec {
protected:
    static constexpr int kBlocks = 3000;

    void writes() {
        for (int i = 0; i < kBlocks; ++i) {
            const std::string n = std::to_string(i);
            source.now_is(kNoon + i * kSecond);
            Append append{.blocks = {source.block({{"drop", n}, {"keep", n}, {"t." + n, n}})},
                          .records = {}};
            while (!store->append(append, {})) ASSERT_TRUE(store->flush());
        }
        ASSERT_TRUE(store->flush());
        written = true;
    }
    /// Follows a topic that is kept and sees each of its messages once, in order.
    void follows(std::string_view pattern) {
        Query query;
        query.topics = patterns(pattern);
        const auto scan = store->scan(query);
        int next = 0;
        while (next < kBlocks) {
            std::vector<Found> found;
            const auto more = scan->next(found, 100, 1 << 20);
            ASSERT_TRUE(more) << more.error().what;
            for (const auto& payload : payloads(found)) ASSERT_EQ(payload, std::to_string(next++));
            if (!*more) std::this_thread::yield();
        }
    }
    void looks_around() {
        while (!written) {
            Query query;
            query.topics = patterns("*");
            query.order = Order::Descending;
            const auto scan = store->scan(query);
            std::vector<Found> found;
            ASSERT_TRUE(scan->next(found, 50, 1 << 20));
            for (std::size_t i = 1; i < found.size(); ++i) {
                ASSERT_GT(found[i - 1].block->entry(found[i - 1].index).arrival,
                          found[i].block->entry(found[i].index).arrival);
            }
            ASSERT_TRUE(store->last(patterns("t.*"), 10));
            ASSERT_LE(store->topics("t.", "", 5).size(), 5U);
            ASSERT_FALSE(store->removed_since(patterns("keep"), {}));
        }
    }
    void purges() {
        while (!written) {
            const auto newest = store->last_hlc().micros();
            ASSERT_TRUE(store->purge(patterns("drop"), newest - 600 * kSecond));
            store->apply_retention(kNoon);
        }
    }

    std::atomic<bool> written{false};
};

TEST_F(ConcurrencySpec, ReadersSeeEveryKeptMessageWhileOthersWriteAndPurge) {
    std::vector<std::thread> threads;
    threads.emplace_back([this] { writes(); });
    threads.emplace_back([this] { follows("keep"); });
    threads.emplace_back([this] { follows("t.*"); });
    threads.emplace_back([this] { looks_around(); });
    threads.emplace_back([this] { purges(); });
    for (auto& thread : threads) thread.join();
    EXPECT_TRUE(store->removed_since(patterns("drop"), {}));
    EXPECT_LT(reads("drop").size(), static_cast<std::size_t>(kBlocks));
    EXPECT_EQ(reads("keep").size(), static_cast<std::size_t>(kBlocks));
    reopens();
    EXPECT_EQ(reads("keep").size(), static_cast<std::size_t>(kBlocks));
    EXPECT_EQ(store->topic("keep")->messages, static_cast<std::uint64_t>(kBlocks));
}

}  // namespace
}  // namespace anode::store_spec
