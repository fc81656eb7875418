#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/time.hpp"

namespace anode {

/// Timers of one loop in a binary heap: arm and cancel in O(log n), the earliest in O(1), no allocation once warm.
/// Order: by time, then by the order of arming. Thread: confined.
class TimerHeap {
public:
    using Task = std::move_only_function<void()>;

    std::uint64_t arm(Instant due, Task task);
    /// The task is destroyed. Harmless for an id that is gone.
    void cancel(std::uint64_t id) noexcept;
    [[nodiscard]] std::optional<Instant> earliest() const noexcept;
    /// The earliest timer's task, if it is due. `due` tells when it should have run.
    std::optional<Task> take_due(Instant now, Instant& due);
    [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }

private:
    struct Slot {
        Task task;
        Instant due;
        std::uint64_t order = 0;
        std::uint32_t place = 0;  ///< in heap_
        std::uint32_t generation = 1;
    };
    [[nodiscard]] bool before(std::uint32_t a, std::uint32_t b) const noexcept;
    void put(std::size_t place, std::uint32_t slot) noexcept;
    void sift_up(std::size_t place) noexcept;
    void sift_down(std::size_t place) noexcept;
    Task remove(std::size_t place) noexcept;

    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_;
    std::vector<std::uint32_t> heap_;
    std::uint64_t next_order_ = 0;
};

}  // namespace anode
