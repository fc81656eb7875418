#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.hpp"
#include "store/store.hpp"

namespace anode::rocks {

/// What is hidden: older than `ts`, or before `arrival`.
struct Horizon {
    WallTime ts = std::numeric_limits<WallTime>::min();
    Arrival arrival;

    [[nodiscard]] bool hides(WallTime message_ts, Arrival message) const noexcept {
        return message_ts < ts || message < arrival;
    }
    [[nodiscard]] Horizon with(const Horizon& other) const noexcept {
        return {std::max(ts, other.ts), std::max(arrival, other.arrival)};
    }
};

/// Counts of one topic, of the closed segments or of the open one.
struct TopicCounts {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
    WallTime first_ts = 0, last_ts = 0;
    Arrival last_arrival;

    void add(const TopicCounts& other) noexcept;
    /// Takes away what was removed; the oldest time is then at least `first_left`.
    void subtract(std::uint64_t messages_gone, std::uint64_t bytes_gone) noexcept;
};

inline constexpr std::uint16_t kNoRule = 0xffff;

struct Topic {
    std::string name;
    TopicCounts closed;          ///< of closed segments
    Arrival removed_until;       ///< the highest arrival of the topic that was removed
    WallTime purged_before = 0;  ///< hidden below, by an explicit purge
    std::uint16_t rule = kNoRule;
    bool dirty = false;  ///< differs from its stored row
};

/// Every topic the store knows, by number and by name. Numbers are dense and never change.
/// Thread: guarded by the index's lock, as shared for const members.
class TopicDirectory {
public:
    [[nodiscard]] std::optional<std::uint32_t> find(std::string_view name) const;
    /// Its number; made if new.
    std::uint32_t number(std::string_view name);
    [[nodiscard]] std::uint32_t size() const noexcept {
        return static_cast<std::uint32_t>(topics_.size());
    }
    [[nodiscard]] Topic& at(std::uint32_t number) { return topics_[number]; }
    [[nodiscard]] const Topic& at(std::uint32_t number) const { return topics_[number]; }
    /// Numbers of topics whose names start with `prefix` and come after `after`, by name.
    /// Visits until `visit` says false.
    template <class Visit>
    void by_name(std::string_view prefix, std::string_view after, Visit visit) const;

    /// The row to store, with these counts.
    [[nodiscard]] Bytes row(std::uint32_t number, const TopicCounts& counts) const;
    /// Takes a stored row; rows come in order of number. Corrupt if it is none.
    Result<void> load(std::uint32_t number, BytesView row);

private:
    struct Hash {
        std::size_t operator()(std::string_view name) const noexcept { return hash64(name); }
    };
    void sort_names() const;
    [[nodiscard]] std::size_t first_at(std::string_view name) const;

    std::deque<Topic> topics_;  ///< stable addresses: the map's keys are views of the names
    std::unordered_map<std::string_view, std::uint32_t, Hash> numbers_;
    /// By name; lags until a listing wants it, which may be many readers at once.
    mutable std::vector<std::uint32_t> sorted_;
    std::unique_ptr<std::mutex> sorting_ = std::make_unique<std::mutex>();
};

template <class Visit>
void TopicDirectory::by_name(std::string_view prefix, std::string_view after, Visit visit) const {
    const std::lock_guard lock(*sorting_);
    sort_names();
    for (std::size_t i = first_at(std::max(prefix, after)); i < sorted_.size(); ++i) {
        const Topic& topic = topics_[sorted_[i]];
        if (!topic.name.starts_with(prefix)) return;
        if (topic.name > after && !visit(sorted_[i])) return;
    }
}

}  // namespace anode::rocks
