#include "api/http/loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "base/assert.hpp"

namespace anode::api {

Loop::Loop(unsigned index) : index_(index) {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    event_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    ANODE_ASSERT(epoll_ >= 0 && event_ >= 0);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    event.data.ptr = nullptr;
    ANODE_ASSERT(::epoll_ctl(epoll_, EPOLL_CTL_ADD, event_, &event) == 0);
    read_clocks();
}

Loop::~Loop() {
    ::close(event_);
    ::close(epoll_);
}

void Loop::read_clocks() {
    now_.mono = Instant(
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
    now_.wall = std::chrono::duration_cast<std::chrono::microseconds>(
                    std::chrono::system_clock::now().time_since_epoch())
                    .count();
}

void Loop::run() {
    owner_ = std::this_thread::get_id();
    std::array<epoll_event, 512> events;
    while (!stopping_.load(std::memory_order_acquire)) {
        Instant wanted = Instant::max();
        for (const auto& hook : hooks_) wanted = std::min(wanted, hook());
        retired_.clear();
        sleeping_.store(true, std::memory_order_seq_cst);
        const int found =
            ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), sleep_ms(wanted));
        sleeping_.store(false, std::memory_order_seq_cst);
        read_clocks();
        for (int i = 0; i < found; ++i) {
            auto* watcher = static_cast<Watcher*>(events[static_cast<std::size_t>(i)].data.ptr);
            if (watcher) {
                watcher->ready(events[static_cast<std::size_t>(i)].events);
            } else {
                std::uint64_t count = 0;
                [[maybe_unused]] const auto got = ::read(event_, &count, sizeof count);
            }
        }
        run_posted();
        run_timers();
    }
    std::vector<Task> dropped;
    {
        const std::lock_guard lock(mutex_);
        ended_ = true;
        dropped.swap(posted_);
    }
    dropped.clear();
    timers_.clear();
    retired_.clear();
}

int Loop::sleep_ms(Instant hooks_want) {
    {
        const std::lock_guard lock(mutex_);
        if (!posted_.empty()) return 0;
    }
    Instant next = hooks_want;
    if (!timers_.empty()) next = std::min(next, timers_.begin()->first.first);
    if (next == Instant::max()) return 1000;
    read_clocks();
    if (next <= now_.mono) return 0;
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(next - now_.mono).count();
    return static_cast<int>(std::min<std::int64_t>(wait, 1000));
}

void Loop::run_posted() {
    std::vector<Task> tasks;
    {
        const std::lock_guard lock(mutex_);
        tasks.swap(posted_);
    }
    for (Task& task : tasks) task();
}

void Loop::run_timers() {
    while (!timers_.empty() && timers_.begin()->first.first <= now_.mono) {
        Task task = std::move(timers_.begin()->second);
        timers_.erase(timers_.begin());
        task();
    }
}

void Loop::stop() {
    stopping_.store(true, std::memory_order_release);
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(event_, &one, sizeof one);
}

void Loop::post(Task task) {
    {
        const std::lock_guard lock(mutex_);
        if (ended_) return;
        posted_.push_back(std::move(task));
    }
    wake();
}

void Loop::wake() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!sleeping_.exchange(false, std::memory_order_seq_cst)) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(event_, &one, sizeof one);
}

bool Loop::watch(int fd, Watcher& watcher, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &watcher;
    return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void Loop::forget(int fd) { ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr); }

Loop::TimerId Loop::at(Instant when, Task task) {
    const TimerId id{when, ++next_timer_};
    timers_.emplace(id, std::move(task));
    return id;
}

}  // namespace anode::api
