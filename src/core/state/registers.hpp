#pragma once

#include <array>
#include <map>
#include <set>

#include "core/state/item.hpp"

namespace anode::state {

/// The merged map: what every register holds, what it held before, and hashes of 256 parts of it.
/// Merging is commutative, associative and idempotent: the map depends on which values came, not on their order.
/// Outputs: only Persist.
class Registers {
public:
    static constexpr std::size_t kHistory = 16;             ///< earlier values of a register
    static constexpr std::size_t kHistoryBytes = 1u << 18;  ///< of one register
    static constexpr std::size_t kBuckets = 256;
    using Buckets = std::array<std::uint64_t, kBuckets>;

    explicit Registers(const Limits& limits) : limits_(limits) {}

    enum class Merged : std::uint8_t {
        Changed,  ///< it is what the register holds now, or it revoked it
        Noted,    ///< it gave way and stands among the earlier values
        Known,    ///< it was here already
        Ignored,  ///< older than what is remembered
    };
    Merged merge(Item item, std::vector<Output>& out);
    /// Forgets deleted registers whose time is over. By their own stamps, so that all nodes do it at the same time.
    void expire(WallTime wall, std::vector<Output>& out);
    /// When there is something to expire, in milliseconds since 1970.
    [[nodiscard]] std::optional<std::uint64_t> expires_at() const;
    [[nodiscard]] bool expired(const Item& item, WallTime wall) const noexcept;

    [[nodiscard]] const Item* find(KeyView key) const;
    /// Fingerprint of what a register holds; 0 if there is none.
    [[nodiscard]] std::uint64_t print(KeyView key) const;
    [[nodiscard]] std::vector<const Item*> all(std::string_view kind) const;
    [[nodiscard]] std::vector<Earlier> history(KeyView key) const;

    [[nodiscard]] std::uint64_t hash() const noexcept;
    [[nodiscard]] const Buckets& buckets() const noexcept { return hashes_; }
    using Names = std::set<Key, KeyLess>;
    [[nodiscard]] const Names& names(std::uint8_t bucket) const { return names_[bucket]; }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::size_t keys() const noexcept { return map_.size(); }

private:
    struct Register {
        Item item;
        std::uint64_t print = 0;
        std::vector<Item> earlier;  ///< newest first
        std::size_t earlier_bytes = 0;
    };
    using Map = std::map<Key, Register, KeyLess>;

    void enter(Register& reg);  ///< counts the current item in
    void leave(Register& reg);  ///< counts it out
    bool remember(Register& reg, Item item, std::vector<Output>* persist);
    void trim(Register& reg, std::vector<Output>& out);
    void revoke(Register& reg, std::vector<Output>& out);
    [[nodiscard]] std::uint64_t end_of(const Item& item) const noexcept;

    const Limits& limits_;
    Map map_;
    std::array<Names, kBuckets> names_;
    Buckets hashes_{};
    std::set<std::pair<std::uint64_t, Key>> tombstones_;  ///< by the end of their time
    std::size_t bytes_ = 0, history_bytes_ = 0;
};

}  // namespace anode::state
