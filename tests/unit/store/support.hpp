#pragma once

#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "store/store.hpp"

/// The words the specs of the store speak.
namespace anode::store_spec {

inline constexpr WallTime kSecond = 1'000'000;
inline constexpr WallTime kHour = 3600 * kSecond;
/// A moment long gone, so that nothing here depends on the clock.
inline constexpr WallTime kNoon = 1'700'000'000'000'000;

inline PatternSet patterns(std::string_view list) { return *PatternSet::parse(list); }

/// A directory that goes away with the test.
class TempDirectory {
public:
    TempDirectory() {
        std::string name = (std::filesystem::temp_directory_path() / "store-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        path_ = name;
    }
    ~TempDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

struct Message {
    std::string topic;
    std::string payload;
    std::string key = {};
    Kind kind = Kind::Set;
    bool operator==(const Message&) const = default;
};
inline void PrintTo(const Message& m, std::ostream* out) { *out << m.topic << ' ' << m.payload; }

/// Makes blocks of one log, one after the other in arrival and in time.
class BlockSource {
public:
    void starts_at(Arrival arrival, WallTime ts) {
        next_ = arrival;
        ts_ = ts;
    }
    void now_is(WallTime ts) { ts_ = ts; }
    BlockPtr block(const std::vector<Message>& messages) {
        BlockBuilder builder;
        for (const auto& m : messages) {
            Draft draft;
            draft.topic = m.topic;
            draft.payload = m.payload;
            draft.key = m.key;
            draft.kind = m.kind;
            builder.add(Hlc::at(ts_++), draft);
        }
        auto block = builder.seal(log_, seq_, next_);
        seq_ += block->count();
        next_ = next_.plus(block->count());
        return block;
    }
    [[nodiscard]] Arrival next() const { return next_; }
    [[nodiscard]] WallTime now() const { return ts_; }

private:
    LogKey log_{.node = {{1, 2, 3}}, .epoch = {7}, .lane = kDataLane};
    Seq seq_ = 1;
    Arrival next_;
    WallTime ts_ = kNoon;
};

inline Message message_of(const Found& found) {
    const Entry entry = found.block->entry(found.index);
    return {std::string(entry.topic), std::string(entry.payload), std::string(entry.key),
            entry.kind};
}

inline std::vector<std::string> payloads(const std::vector<Found>& found) {
    std::vector<std::string> all;
    for (const auto& one : found) {
        all.emplace_back(one.block->entry(one.index).payload);
    }
    return all;
}

class StoreSpec : public ::testing::Test {
protected:
    void SetUp() override { opens(); }
    void opens() {
        StoreOptions options = wanted;
        options.directory = directory.path();
        options.min_free_fraction = 0;
        auto opened = Store::open(options);
        ASSERT_TRUE(opened) << opened.error().what;
        store = std::move(*opened);
        source.starts_at(store->first_free(), source.now());
    }
    void reopens() {
        store.reset();
        opens();
    }
    Result<void> commits(Append append) {
        struct Outcome {
            std::mutex mutex;
            std::condition_variable told;
            std::optional<Result<void>> result;
        };
        const auto outcome = std::make_shared<Outcome>();
        const auto queued = store->append(std::move(append), [outcome](const Result<void>& done) {
            const std::lock_guard lock(outcome->mutex);
            outcome->result = done;
            outcome->told.notify_one();
        });
        if (!queued) return queued;
        std::unique_lock lock(outcome->mutex);
        outcome->told.wait(lock, [&] { return outcome->result.has_value(); });
        return *outcome->result;
    }
    void stores(const std::vector<Message>& messages) {
        const auto done = commits({.blocks = {source.block(messages)}, .records = {}});
        ASSERT_TRUE(done) << done.error().what;
    }
    /// All that a query finds, page by page.
    std::vector<Found> finds(Query query, std::size_t page = 1000) {
        const auto scan = store->scan(std::move(query));
        std::vector<Found> all;
        for (;;) {
            const auto more = scan->next(all, page, 1 << 20);
            EXPECT_TRUE(more) << more.error().what;
            if (!more || !*more) return all;
        }
    }
    std::vector<std::string> reads(std::string_view topics, Order order = Order::Ascending) {
        return payloads(finds({.topics = patterns(topics), .order = order}));
    }

    TempDirectory directory;
    StoreOptions wanted;
    BlockSource source;
    std::unique_ptr<Store> store;
};

}  // namespace anode::store_spec
