#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "app/engine.hpp"
#include "runtime/loop.hpp"
#include "store/store.hpp"

/// The words the specs of the application speak.
namespace anode::app {

/// A directory that goes away with the test.
class TempDirectory {
public:
    TempDirectory() {
        std::string name = (std::filesystem::temp_directory_path() / "app-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        path_ = name;
    }
    ~TempDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::string& path() const { return path_; }
    std::string file(const std::string& name, std::string_view text) const {
        const std::string path = path_ + "/" + name;
        std::filesystem::create_directories(std::filesystem::path(path).parent_path());
        std::ofstream(path, std::ios::binary) << text;
        return path;
    }

private:
    std::string path_;
};

/// An answer that comes on another thread.
template <class T>
class Awaited {
public:
    [[nodiscard]] api::Reply<T> reply() {
        auto promise = std::make_shared<std::promise<T>>();
        future_ = promise->get_future();
        return [promise](T answer) { promise->set_value(std::move(answer)); };
    }
    [[nodiscard]] bool waits() const {
        return future_.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
    }
    T get() {
        if (future_.wait_for(std::chrono::seconds(20)) != std::future_status::ready)
            throw std::runtime_error("no answer came");
        return future_.get();
    }

private:
    std::future<T> future_;
};

/// Runs something on a loop and waits for it.
template <class F>
auto on_loop(Loop& loop, F work) {
    using R = decltype(work());
    std::packaged_task<R()> task(std::move(work));
    auto done = task.get_future();
    loop.post([task = std::move(task)]() mutable { task(); });
    return done.get();
}

inline api::PublishRequest publish_request(std::string topic, std::vector<Bytes> payloads,
                                           api::Ack ack = api::Ack::Disk, std::string key = {}) {
    api::PublishRequest request;
    for (Bytes& payload : payloads) {
        request.items.push_back({topic, std::move(payload), {}, {}, Kind::Set, {}, {}});
        request.body_hash = hash128(request.items.back().payload);
    }
    request.level.ack = ack;
    request.idempotency_key = std::move(key);
    return request;
}

/// A store that does what it is told, without a disk. `append` keeps what it gets until the test lets it go.
class ScriptedStore final : public Store {
public:
    struct Given {
        Append batch;
        Done done;
    };
    // -- what the test says
    void answers_append(std::optional<Error> refusal) {
        const std::lock_guard lock(mutex_);
        refusal_ = std::move(refusal);
    }
    /// Commits the oldest append, or fails it.
    void ends_one(Result<void> result = {}) {
        std::unique_lock lock(mutex_);
        came_.wait_for(lock, std::chrono::seconds(20), [this] { return !given_.empty(); });
        ASSERT_FALSE(given_.empty()) << "nothing was appended";
        Given one = std::move(given_.front());
        given_.pop_front();
        lock.unlock();
        one.done(result);
    }
    [[nodiscard]] std::size_t waiting() const {
        const std::lock_guard lock(mutex_);
        return given_.size();
    }
    void awaits_append() {
        std::unique_lock lock(mutex_);
        came_.wait_for(lock, std::chrono::seconds(20), [this] { return !given_.empty(); });
    }
    [[nodiscard]] std::size_t asked() const {
        const std::lock_guard lock(mutex_);
        return asked_;
    }
    void awaits_asked(std::size_t times) {
        std::unique_lock lock(mutex_);
        came_.wait_for(lock, std::chrono::seconds(20), [&] { return asked_ >= times; });
    }
    std::atomic<std::uint64_t> queued{0};
    std::atomic<bool> full{false};
    std::vector<std::pair<std::string, Bytes>> kept;  ///< records of every space

    // -- Store
    std::uint32_t tag() const override { return 1; }
    Arrival first_free() const override { return {1}; }
    Hlc last_hlc() const override { return {}; }
    Arrival committed() const override { return {}; }
    Arrival oldest() const override { return {}; }
    Result<void> append(Append batch, Done done) override {
        const std::lock_guard lock(mutex_);
        ++asked_;
        came_.notify_all();
        if (refusal_) return std::unexpected(*refusal_);
        given_.push_back({std::move(batch), std::move(done)});
        return {};
    }
    std::uint64_t queued_bytes() const override { return queued; }
    Result<void> flush() override {
        while (waiting() > 0) ends_one();
        return {};
    }
    std::unique_ptr<Scan> scan(Query) const override { return nullptr; }
    Result<std::vector<Found>> last(const PatternSet&, std::size_t) const override {
        return std::vector<Found>{};
    }
    Result<std::vector<BlockPtr>> blocks(Arrival, std::size_t) const override {
        return std::vector<BlockPtr>{};
    }
    std::vector<LogHolding> logs() const override { return {}; }
    Result<std::vector<LogBlock>> log_blocks(const LogKey&, Seq, Seq, std::size_t) const override {
        return std::vector<LogBlock>{};
    }
    Result<void> forget_log(const LogKey&) override { return {}; }
    Arrival at_time(WallTime) const override { return {}; }
    bool removed_since(const PatternSet&, Arrival) const override { return false; }
    std::vector<TopicInfo> topics(std::string_view, std::string_view, std::size_t) const override {
        return {};
    }
    std::optional<TopicInfo> topic(std::string_view) const override { return std::nullopt; }
    std::optional<Bytes> record(std::string_view, std::string_view) const override {
        return std::nullopt;
    }
    std::vector<std::pair<std::string, Bytes>> records(std::string_view) const override {
        return kept;
    }
    Result<void> put(std::vector<Record>) override { return {}; }
    void set_retention(std::vector<RetentionRule>) override {}
    void apply_retention(WallTime) override {}
    Result<void> purge(const PatternSet&, WallTime) override { return {}; }
    Result<void> compact() override { return {}; }
    StoreStats stats() const override {
        StoreStats stats;
        stats.full = full;
        return stats;
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable came_;
    std::deque<Given> given_;
    std::optional<Error> refusal_;
    std::size_t asked_ = 0;
};

/// An engine over a store, on a loop of its own.
struct RunningEngine {
    explicit RunningEngine(Store& over, std::uint8_t id = 9) : store(over) {
        node.bytes.fill(id);
        engine = std::make_unique<Engine>(loop, store, metrics, node, Epoch{1});
        engine->restore();
        loop.start();
    }
    ~RunningEngine() {
        loop.stop();
        loop.join();
        (void)store.flush();
        engine.reset();
    }
    Result<api::PublishResult> publish(api::PublishRequest request) {
        Awaited<Result<api::PublishResult>> answer;
        engine->publish(std::move(request), answer.reply());
        return answer.get();
    }
    Balance balance() {
        return on_loop(loop, [this] { return engine->balance(); });
    }

    Store& store;
    metrics::Registry metrics;
    NodeId node;
    Loop loop{LoopOptions{.name = "engine"}};
    std::unique_ptr<Engine> engine;
};

}  // namespace anode::app
