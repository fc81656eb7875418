#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "api/http/loop.hpp"
#include "api/live/parts.hpp"
#include "api/routes.hpp"
#include "core/fanout/fanout.hpp"
#include "core/fanout/tail.hpp"

namespace anode::api {

class Listener;
class Hub;

/// A listener as others may hold it: answers to requests find it, or nobody, whenever they come.
/// Thread: any.
class ListenerRef {
public:
    ListenerRef(std::shared_ptr<Loop> loop, Hub& hub, std::uint64_t id)
        : loop_(std::move(loop)), hub_(&hub), id_(id) {}
    /// Does `work` on the listener's loop if both still exist then.
    template <class Work>
    void post(Work work) const {
        post_any([work = std::move(work)](Listener* listener) mutable { work(*listener); });
    }

private:
    void post_any(std::move_only_function<void(Listener*)> work) const;

    std::shared_ptr<Loop> loop_;
    Hub* hub_;  ///< lives as long as the loop runs tasks
    std::uint64_t id_;
};

/// The live side of one loop: takes blocks from the engine, gives them to the fan-out, and writes
/// what has grown to the listeners, once per round and listener with everything that is pending.
/// Thread: on_block() from the engine's; everything else on the loop's.
class Hub {
public:
    Hub(std::shared_ptr<Loop> loop, LiveParts& parts);
    ~Hub();

    /// Begins to take blocks; call before the loop runs.
    void attach();
    void detach();

    void add(std::shared_ptr<Listener> listener);
    /// Takes it out of everything; frees it after this round.
    void remove(Listener& listener);
    /// Tells everybody that the node leaves within `grace`.
    void drain(Duration grace);
    void close_all(std::uint16_t code, std::string_view reason);

    /// Takes in what the engine has handed over by now, so that "live" begins behind it.
    void drain_feed();

    // -- for listeners ------------------------------------------------------------------------------
    [[nodiscard]] LiveParts& parts() noexcept { return parts_; }
    [[nodiscard]] Loop& loop() noexcept { return *loop_; }
    [[nodiscard]] fanout::FanOut& fanout() noexcept { return fanout_; }
    [[nodiscard]] const fanout::Tail& tail() const noexcept { return tail_; }
    [[nodiscard]] const Now& now() const noexcept { return loop_->now(); }
    [[nodiscard]] std::string cursor_text(Arrival after) const;
    [[nodiscard]] ListenerRef ref(std::uint64_t id) { return {loop_, *this, id}; }
    [[nodiscard]] std::shared_ptr<Listener> find(std::uint64_t id) const;
    template <class Work>
    void post_to(std::uint64_t id, Work work) {
        ref(id).post(std::move(work));
    }
    std::uint64_t next_id() noexcept { return next_id_ += loops_apart_; }
    /// Steps its readers after every round that brought blocks, until it says it does not need that.
    void follow(Listener& listener, bool on);
    /// Ticks it four times a second.
    void watch_clock(Listener& listener, bool on);
    /// True while rings are written: nobody may leave a group now.
    [[nodiscard]] bool writing() const noexcept { return writing_; }
    void look_after(Listener& listener) { attention_.push_back(&listener); }
    void count_written(Transport transport, std::uint64_t messages, std::uint64_t bytes);

    [[nodiscard]] std::vector<ListenerInfo> snapshot() const;
    bool cut(std::string_view id);
    [[nodiscard]] std::size_t listeners() const noexcept { return listeners_.size(); }

private:
    void on_block(const BlockPtr& block);
    Instant round();
    void write_rings();
    void set_deserted(bool on);
    void missed(Arrival last_missed);
    void tick();
    void recheck_credentials();

    std::shared_ptr<Loop> loop_;
    LiveParts& parts_;
    fanout::FanOut fanout_;
    fanout::Tail tail_;
    std::uint64_t feed_id_ = 0;
    bool attached_ = false;

    std::mutex mutex_;  ///< guards queue_ … deserted_
    std::vector<BlockPtr> queue_;
    std::size_t queue_bytes_ = 0;
    Arrival overflowed_to_;  ///< blocks up to here were let go
    bool scheduled_ = false;
    bool deserted_ = true;  ///< nobody listens: blocks wait for the next tick, and wake nobody

    std::vector<BlockPtr> taken_;
    std::unordered_map<std::uint64_t, std::shared_ptr<Listener>> listeners_;
    std::unordered_set<Listener*> followers_, clock_watchers_;
    std::vector<fanout::Group*> dirty_;
    std::vector<Listener*> attention_;
    std::vector<Listener*> stepping_;
    std::vector<std::shared_ptr<Listener>> checking_;
    bool writing_ = false;
    bool news_ = false;
    std::uint64_t next_id_;
    std::uint64_t loops_apart_ = 64;
    struct Written {
        std::uint64_t messages = 0, bytes = 0;
    };
    std::array<Written, 3> written_{};
};

}  // namespace anode::api
