#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace anode::api {

/// Threads for what may block: reading the store, unpacking bodies.
/// Limit: the queue takes `queue_max` jobs; run() then says no.
class Workers {
public:
    using Job = std::move_only_function<void()>;

    explicit Workers(unsigned threads, std::size_t queue_max = 4096);
    ~Workers();

    bool run(Job job);
    /// Ends the threads; jobs not yet begun are dropped.
    void stop();

private:
    void work();

    std::size_t queue_max_;
    std::mutex mutex_;  ///< guards queue_ and stopping_
    std::condition_variable some_;
    std::deque<Job> queue_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace anode::api
