#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace anode {

/// Remembers which idempotency keys were used on which topic, and what was answered.
/// Thread: the engine's. Limits: ten minutes, at most `entries_max` keys (the oldest go first).
/// Source: interfaces, section 8.
class Idempotency {
public:
    static constexpr Duration kKeep = 10min;

    explicit Idempotency(std::size_t entries_max = 200'000) : entries_max_(entries_max) {}

    struct Known {
        Hash128 body;
        WallTime at = 0;
        std::vector<MessageId> ids;
    };

    /// The name under which a key is kept and stored.
    static std::string name(std::string_view topic, std::string_view key);

    [[nodiscard]] const Known* find(std::string_view name, WallTime now) const;
    void remember(std::string name, Known known);
    /// The messages of this key were not stored after all.
    void forget(std::string_view name);
    /// Takes out what is too old or too much; the names, so that their records can be deleted.
    std::vector<std::string> expire(WallTime now);
    [[nodiscard]] std::size_t size() const noexcept { return known_.size(); }

    /// The record form of an entry.
    static Bytes encode(const Known& known);
    static Result<Known> decode(BytesView bytes);

private:
    std::size_t entries_max_;
    std::unordered_map<std::string, Known> known_;
    std::deque<std::pair<WallTime, std::string>> order_;
};

}  // namespace anode
