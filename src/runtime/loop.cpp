#include "runtime/loop.hpp"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/assert.hpp"
#include "runtime/clock.hpp"
#include "runtime/timer_heap.hpp"

namespace anode {
namespace asio = boost::asio;
namespace {

constexpr std::size_t kEventsPerRound = 256;
constexpr Duration kPaceWindow = 100ms;

std::uint32_t to_epoll(std::uint32_t events) {
    return (events & Loop::Readable ? EPOLLIN : 0u) | (events & Loop::Writable ? EPOLLOUT : 0u);
}
std::uint32_t from_epoll(std::uint32_t events) {
    return (events & EPOLLIN ? std::uint32_t{Loop::Readable} : 0u) |
           (events & EPOLLOUT ? std::uint32_t{Loop::Writable} : 0u) |
           (events & (EPOLLERR | EPOLLHUP) ? std::uint32_t{Loop::Broken} : 0u);
}

}  // namespace

/// All descriptors sit in an epoll set of our own, and that set is the only descriptor Asio watches: one wake-up then
/// serves every socket that is ready, without an allocation or a system call per socket beside its read.
struct Loop::State {
    explicit State(LoopOptions wishes)
        : options(std::move(wishes)),
          guard(asio::make_work_guard(context)),
          set_fd(epoll_create1(EPOLL_CLOEXEC)),
          timer_fd(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)),
          set(context, set_fd) {
        ANODE_ASSERT(set_fd >= 0 && timer_fd >= 0);
        epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
        ANODE_ASSERT(epoll_ctl(set_fd, EPOLL_CTL_ADD, timer_fd, &event) == 0);
    }
    ~State() { ::close(timer_fd); }

    /// A turn of the loop reads the clocks at its beginning and runs due timers and deferred tasks at its end.
    void begin_round() noexcept;
    void end_round();
    void await_sockets();
    void on_sockets();
    void nap_if_busy();
    void dispatch(std::size_t count);
    void run_posted();
    void run_timers();
    void run_deferred();
    void set_alarm();
    Result<void> control(int operation, int fd, std::uint32_t events, Watcher& watcher) const;

    LoopOptions options;
    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> guard;
    int set_fd;
    int timer_fd;
    asio::posix::stream_descriptor set;  ///< owns set_fd
    std::thread thread;
    std::atomic<std::thread::id> runner{};
    metrics::Histogram* lag = nullptr;

    std::mutex posted_lock;
    std::vector<Task> posted;  ///< under posted_lock
    bool stopped = false;      ///< under posted_lock
    std::atomic<std::size_t> posted_count{0};

    std::vector<Task> running;
    std::vector<Task> deferred;
    TimerHeap timers;
    std::optional<Instant> alarm;
    std::array<epoll_event, kEventsPerRound> events{};
    std::size_t events_count = 0;

    bool in_round = false;
    Now round_now;
    std::atomic<std::int64_t> round_began{0};

    Instant pace_since{};
    std::uint32_t pace_events = 0;
    bool busy = false;
    std::atomic<std::uint64_t> naps{0};
};

void Loop::State::begin_round() noexcept {
    round_now = clocks_now();
    in_round = true;
    round_began.store(round_now.mono.time_since_epoch().count(), std::memory_order_relaxed);
}

void Loop::State::end_round() {
    run_timers();
    run_deferred();
    set_alarm();
    in_round = false;
    round_began.store(0, std::memory_order_relaxed);
    if (lag != nullptr)
        lag->observe(std::chrono::duration<double>(monotonic_now() - round_now.mono).count());
}

void Loop::State::await_sockets() {
    set.async_wait(asio::posix::stream_descriptor::wait_read,
                   [this](const boost::system::error_code& error) {
                       if (!error) on_sockets();
                   });
}

void Loop::State::on_sockets() {
    nap_if_busy();
    begin_round();
    const int count = epoll_wait(set_fd, events.data(), static_cast<int>(events.size()), 0);
    if (count > 0) dispatch(static_cast<std::size_t>(count));
    end_round();
    await_sockets();
}

void Loop::State::nap_if_busy() {
    if (options.nap_max <= Duration::zero()) return;
    const Instant now = monotonic_now();
    if (const Duration passed = now - pace_since; passed >= kPaceWindow) {
        const double per_second = pace_events / std::chrono::duration<double>(passed).count();
        busy = per_second > options.nap_events_per_second;
        pace_since = now;
        pace_events = 0;
    }
    // A round that was full already batches by itself.
    if (!busy || events_count >= kEventsPerRound / 4) return;
    naps.fetch_add(1, std::memory_order_relaxed);
    std::this_thread::sleep_for(options.nap_max);
}

void Loop::State::dispatch(std::size_t count) {
    events_count = count;
    for (std::size_t i = 0; i < events_count; ++i) {
        if (events[i].data.ptr == nullptr)
            continue;  // the alarm, or unwatched by an earlier event of this round
        auto& watcher = *static_cast<Watcher*>(events[i].data.ptr);
        if (!watcher.gathers()) ++pace_events;
        watcher.on_ready(from_epoll(events[i].events));
    }
}

void Loop::State::run_posted() {
    begin_round();
    {
        const std::lock_guard lock(posted_lock);
        running.swap(posted);
        posted_count.store(0, std::memory_order_relaxed);
    }
    for (Task& task : running) task();
    running.clear();
    end_round();
}

void Loop::State::run_timers() {
    Instant due;
    // Timers armed by these tasks wait for the next round, even if they are due at once.
    for (std::size_t left = timers.size(); left > 0; --left) {
        std::optional<Task> task = timers.take_due(round_now.mono, due);
        if (!task) break;
        if (lag != nullptr)
            lag->observe(std::chrono::duration<double>(round_now.mono - due).count());
        (*task)();
    }
}

void Loop::State::run_deferred() {
    if (deferred.empty()) return;
    std::vector<Task> tasks;
    tasks.swap(deferred);
    for (Task& task : tasks) task();
    if (!deferred.empty()) asio::post(context, [this] { run_posted(); });
    if (deferred.empty()) tasks.clear(), deferred.swap(tasks);  // keeps the capacity
}

void Loop::State::set_alarm() {
    const auto earliest = timers.earliest();
    const bool rang = alarm && *alarm <= round_now.mono;
    if (!rang && (!earliest || (alarm && *alarm <= *earliest))) return;
    alarm = earliest;
    // Setting it also silences an alarm that rang; zero means none.
    const Duration at =
        earliest ? std::max(earliest->time_since_epoch(), Duration(1)) : Duration::zero();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(at);
    const itimerspec spec{.it_interval = {}, .it_value = {seconds.count(), (at - seconds).count()}};
    ANODE_ASSERT(timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &spec, nullptr) == 0);
}

Result<void> Loop::State::control(int operation, int fd, std::uint32_t wanted,
                                  Watcher& watcher) const {
    epoll_event event{.events = to_epoll(wanted), .data = {.ptr = &watcher}};
    if (epoll_ctl(set_fd, operation, fd, &event) == 0) return {};
    return fail(Errc::Io, std::string("epoll_ctl: ") + std::strerror(errno));
}

Loop::Loop(LoopOptions options) : state_(std::make_unique<State>(std::move(options))) {
    state_->await_sockets();
}

Loop::~Loop() {
    stop();
    join();
}

void Loop::start() {
    state_->thread = std::thread([this] { run(); });
}

void Loop::run() {
    pthread_setname_np(pthread_self(), state_->options.name.substr(0, 15).c_str());
    sigset_t broken_pipe;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken_pipe,
                    nullptr);  // a write to a dead peer is an error, not the end
    state_->runner.store(std::this_thread::get_id());
    state_->begin_round();  // for timers armed before the start
    state_->end_round();
    state_->context.run();
    state_->runner.store({});
}

void Loop::stop() noexcept {
    {
        const std::lock_guard lock(state_->posted_lock);
        state_->stopped = true;
    }
    state_->context.stop();
}

void Loop::join() {
    if (state_->thread.joinable()) state_->thread.join();
}

bool Loop::post(Task task) {
    {
        const std::lock_guard lock(state_->posted_lock);
        if (state_->stopped) return false;
        state_->posted.push_back(std::move(task));
        state_->posted_count.store(state_->posted.size(), std::memory_order_relaxed);
        if (state_->posted.size() > 1) return true;  // whoever posted the first has woken the loop
    }
    asio::post(state_->context, [state = state_.get()] { state->run_posted(); });
    return true;
}

void Loop::defer(Task task) {
    state_->deferred.push_back(std::move(task));
    if (!state_->in_round)
        asio::post(state_->context, [state = state_.get()] { state->run_posted(); });
}

TimerId Loop::after(Duration delay, Task task) {
    const Instant due = now().mono + std::max(delay, Duration::zero());
    const TimerId id{state_->timers.arm(due, std::move(task))};
    if (!state_->in_round && on_thread()) state_->set_alarm();
    return id;
}

void Loop::cancel(TimerId timer) noexcept {
    state_->timers.cancel(static_cast<std::uint64_t>(timer));
}

Result<void> Loop::watch(int fd, std::uint32_t events, Watcher& watcher) {
    return state_->control(EPOLL_CTL_ADD, fd, events, watcher);
}

Result<void> Loop::rewatch(int fd, std::uint32_t events, Watcher& watcher) {
    return state_->control(EPOLL_CTL_MOD, fd, events, watcher);
}

void Loop::unwatch(int fd, Watcher& watcher) noexcept {
    (void)state_->control(EPOLL_CTL_DEL, fd, 0, watcher);
    for (std::size_t i = 0; i < state_->events_count; ++i)
        if (state_->events[i].data.ptr == &watcher) state_->events[i].data.ptr = nullptr;
}

Now Loop::now() const noexcept { return state_->in_round ? state_->round_now : clocks_now(); }

bool Loop::on_thread() const noexcept {
    return state_->runner.load() == std::this_thread::get_id();
}

Duration Loop::tick_age() const noexcept {
    const std::int64_t began = state_->round_began.load(std::memory_order_relaxed);
    return began == 0 ? Duration::zero() : monotonic_now().time_since_epoch() - Duration(began);
}

std::size_t Loop::queue_depth() const noexcept {
    return state_->posted_count.load(std::memory_order_relaxed);
}
std::uint64_t Loop::naps() const noexcept { return state_->naps.load(std::memory_order_relaxed); }
const std::string& Loop::name() const noexcept { return state_->options.name; }
void Loop::set_lag_metric(metrics::Histogram* lag) noexcept { state_->lag = lag; }
boost::asio::io_context& Loop::context() noexcept { return state_->context; }

}  // namespace anode
