#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/metrics.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace boost::asio {
class io_context;
}

namespace anode {

/// Names one armed timer of one loop. 0 names none.
enum class TimerId : std::uint64_t {};

struct LoopOptions {
    std::string name = "loop";  ///< thread name and metric label; 15 characters show
    /// A busy loop sleeps this long between rounds, so that one round serves many sockets: at
    /// 10,000 small messages a second a wake-up costs more than the work. 0: never. Timers and
    /// posted tasks are late by at most this much.
    Duration nap_max = 0us;
    std::uint32_t nap_events_per_second =
        2000;  ///< above this pace of socket events a loop counts as busy
};

/// One thread that runs one event loop: posted tasks, timers, sockets. Whoever lives on a loop
/// needs no locks. Thread:  post(), stop(), tick_age() and the answers from any thread; everything
/// else on the loop's own thread (or
///          before start()).
/// Time:    now() is read once per round; what runs in one round shares it.
/// Order:   tasks of one thread run in the order posted. Timers of one instant run in the order
/// armed. Limits:  none on tasks: who posts owns a bound (queue_depth() shows what waits). Errors:
/// a task that throws ends the process: nothing here may be lost half-way.
class Loop {
public:
    using Task = std::move_only_function<void()>;

    explicit Loop(LoopOptions options = {});
    /// Stops and joins.
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// Starts the thread.
    void start();
    /// Runs on the calling thread until stop(). Instead of start().
    void run();
    /// Ends after the round that runs. Tasks that still wait are destroyed by the destructor, not
    /// run.
    void stop() noexcept;
    void join();

    /// Runs `task` on the loop, soon. Wakes the loop only if it sleeps. False after stop(): the
    /// task is dropped.
    bool post(Task task);
    /// Runs `task` on the loop after the round in which it is called, without a wake-up. Loop
    /// thread.
    void defer(Task task);

    TimerId after(Duration delay, Task task);
    /// Harmless for a timer that fired or was cancelled.
    void cancel(TimerId timer) noexcept;

    /// Readiness of a descriptor, level-triggered. `ready` gets what happened as a mask of Event.
    enum Event : std::uint32_t { Readable = 1, Writable = 2, Broken = 4 };
    class Watcher {
    public:
        virtual ~Watcher() = default;
        virtual void on_ready(std::uint32_t events) = 0;
        /// One event carries many messages: it is no reason to nap.
        [[nodiscard]] virtual bool gathers() const noexcept { return false; }
    };
    /// The watcher outlives the watch; unwatch() before closing `fd`. A watch with no events still
    /// reports Broken.
    Result<void> watch(int fd, std::uint32_t events, Watcher& watcher);
    Result<void> rewatch(int fd, std::uint32_t events, Watcher& watcher);
    void unwatch(int fd, Watcher& watcher) noexcept;

    [[nodiscard]] Now now() const noexcept;
    [[nodiscard]] bool on_thread() const noexcept;
    /// How long the loop has been in its present round; 0 while it sleeps. For /livez.
    [[nodiscard]] Duration tick_age() const noexcept;
    /// How often it slept because it was busy. Any thread.
    [[nodiscard]] std::uint64_t naps() const noexcept;
    [[nodiscard]] std::size_t queue_depth() const noexcept;
    [[nodiscard]] const std::string& name() const noexcept;
    /// Lateness of timers and length of rounds go here. Set before start().
    void set_lag_metric(metrics::Histogram* lag) noexcept;

    /// For code that speaks Asio itself (in a .cpp). Handlers run on the loop's thread.
    [[nodiscard]] boost::asio::io_context& context() noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace anode
