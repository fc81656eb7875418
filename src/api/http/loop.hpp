#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/time.hpp"

namespace anode::api {

using Task = std::move_only_function<void()>;

/// Something with a descriptor.
class Watcher {
public:
    virtual ~Watcher() = default;
    /// `events` as epoll names them.
    virtual void ready(std::uint32_t events) = 0;
};

/// One thread of the edge: descriptors, timers and tasks posted by others.
/// Why not Asio here: a connected listener may cost only some hundred bytes, and what it writes comes
/// from a ring that it shares with others; both want the bare descriptor.
/// Thread: post(), wake() and stop() from any; everything else on the loop's own thread.
class Loop {
public:
    explicit Loop(unsigned index);
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    void run();
    void stop();
    /// Runs `task` soon on the loop. Once the loop has ended, the task is dropped.
    void post(Task task);
    /// Makes the loop do a round if it sleeps; costs a system call only then.
    void wake();

    bool watch(int fd, Watcher& watcher, std::uint32_t events);
    void forget(int fd);
    /// Frees `watcher` after this round: events of it may still be in hand.
    void retire(std::shared_ptr<void> watcher) { retired_.push_back(std::move(watcher)); }

    using TimerId = std::pair<Instant, std::uint64_t>;
    TimerId at(Instant when, Task task);
    TimerId after(Duration delay, Task task) { return at(now().mono + delay, std::move(task)); }
    void cancel(const TimerId& id) { timers_.erase(id); }

    /// Called in every round before the loop sleeps. The answer is when it wants to be called again
    /// at the latest; Instant::max() for never.
    void each_round(std::function<Instant()> hook) { hooks_.push_back(std::move(hook)); }

    /// Both clocks, read once per round.
    [[nodiscard]] const Now& now() const noexcept { return now_; }
    [[nodiscard]] unsigned index() const noexcept { return index_; }
    [[nodiscard]] bool in_thread() const noexcept {
        return owner_.load(std::memory_order_relaxed) == std::this_thread::get_id();
    }

private:
    void read_clocks();
    int sleep_ms(Instant hooks_want);
    void run_posted();
    void run_timers();

    unsigned index_;
    int epoll_ = -1;
    int event_ = -1;
    Now now_;
    std::atomic<std::thread::id> owner_;
    std::atomic<bool> sleeping_{false};
    std::atomic<bool> stopping_{false};
    std::mutex mutex_;  ///< guards posted_ and ended_
    std::vector<Task> posted_;
    bool ended_ = false;
    std::map<TimerId, Task> timers_;
    std::uint64_t next_timer_ = 0;
    std::vector<std::function<Instant()>> hooks_;
    std::vector<std::shared_ptr<void>> retired_;
};

}  // namespace anode::api
