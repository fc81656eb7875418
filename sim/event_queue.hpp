#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/time.hpp"

namespace anode::sim {

/// Events in the order (time, insertion), so that a run is one sequence and never depends on a heap's mood.
/// The heap moves small keys; payloads stay where they are and their room is used again.
template <class Payload>
class EventQueue {
public:
    void push(Instant at, Payload payload) {
        std::uint32_t slot;
        if (free_.empty()) {
            slot = static_cast<std::uint32_t>(slots_.size());
            slots_.push_back(std::move(payload));
        } else {
            slot = free_.back();
            free_.pop_back();
            slots_[slot] = std::move(payload);
        }
        heap_.push_back({at, ++inserted_, slot});
        std::push_heap(heap_.begin(), heap_.end(), later);
    }

    [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }
    /// The queue is not empty.
    [[nodiscard]] Instant next_at() const noexcept { return heap_.front().at; }

    /// The queue is not empty.
    Payload pop() {
        std::pop_heap(heap_.begin(), heap_.end(), later);
        const std::uint32_t slot = heap_.back().slot;
        heap_.pop_back();
        free_.push_back(slot);
        return std::move(slots_[slot]);
    }

private:
    struct Key {
        Instant at;
        std::uint64_t order;
        std::uint32_t slot;
    };
    static bool later(const Key& a, const Key& b) noexcept {
        return a.at != b.at ? a.at > b.at : a.order > b.order;
    }

    std::vector<Key> heap_;
    std::vector<Payload> slots_;
    std::vector<std::uint32_t> free_;
    std::uint64_t inserted_ = 0;
};

}  // namespace anode::sim
