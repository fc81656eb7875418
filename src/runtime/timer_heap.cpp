#include "runtime/timer_heap.hpp"

#include <utility>

namespace anode {

bool TimerHeap::before(std::uint32_t a, std::uint32_t b) const noexcept {
    const Slot &left = slots_[a], &right = slots_[b];
    return left.due != right.due ? left.due < right.due : left.order < right.order;
}

void TimerHeap::put(std::size_t place, std::uint32_t slot) noexcept {
    heap_[place] = slot;
    slots_[slot].place = static_cast<std::uint32_t>(place);
}

void TimerHeap::sift_up(std::size_t place) noexcept {
    const std::uint32_t slot = heap_[place];
    while (place > 0 && before(slot, heap_[(place - 1) / 2])) {
        put(place, heap_[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(place, slot);
}

void TimerHeap::sift_down(std::size_t place) noexcept {
    const std::uint32_t slot = heap_[place];
    for (std::size_t child = 2 * place + 1; child < heap_.size(); child = 2 * place + 1) {
        if (child + 1 < heap_.size() && before(heap_[child + 1], heap_[child])) ++child;
        if (!before(heap_[child], slot)) break;
        put(place, heap_[child]);
        place = child;
    }
    put(place, slot);
}

std::uint64_t TimerHeap::arm(Instant due, Task task) {
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(slots_.size()));
        slots_.emplace_back();
    }
    const std::uint32_t number = free_.back();
    free_.pop_back();
    Slot& slot = slots_[number];
    slot.task = std::move(task);
    slot.due = due;
    slot.order = next_order_++;
    heap_.push_back(number);
    sift_up(heap_.size() - 1);
    return static_cast<std::uint64_t>(slot.generation) << 32 | number;
}

TimerHeap::Task TimerHeap::remove(std::size_t place) noexcept {
    const std::uint32_t number = heap_[place];
    const std::uint32_t last = heap_.back();
    heap_.pop_back();
    if (place < heap_.size()) {
        put(place, last);
        sift_up(place);
        sift_down(slots_[last].place);
    }
    Slot& slot = slots_[number];
    ++slot.generation;
    free_.push_back(number);
    return std::exchange(slot.task, nullptr);
}

void TimerHeap::cancel(std::uint64_t id) noexcept {
    const auto number = static_cast<std::uint32_t>(id);
    if (number >= slots_.size() || slots_[number].generation != id >> 32) return;
    const Task dropped = remove(slots_[number].place);
}

std::optional<Instant> TimerHeap::earliest() const noexcept {
    return heap_.empty() ? std::nullopt : std::optional(slots_[heap_.front()].due);
}

std::optional<TimerHeap::Task> TimerHeap::take_due(Instant now, Instant& due) {
    if (heap_.empty() || slots_[heap_.front()].due > now) return std::nullopt;
    due = slots_[heap_.front()].due;
    return remove(0);
}

}  // namespace anode
