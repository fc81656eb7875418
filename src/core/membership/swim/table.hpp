#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/membership/swim/name_pool.hpp"
#include "core/membership/swim/rtt.hpp"

namespace anode::membership {

/// One member, 40 bytes, so that a simulation of ten thousand views of ten thousand members fits into memory.
struct Entry {
    static constexpr std::uint16_t kNoKey = 0xffff;

    DescriptorRef descriptor;
    Instant since{};  ///< of the last change of state
    NamePool::Id id = NamePool::kNone;
    Incarnation incarnation = 0;
    Incarnation seen =
        0;  ///< highest one in any accusation: staler announcements are refused (section 16, item 3)
    Rtt rtt;
    MemberState state = MemberState::Dead;
    bool slow = false;           ///< which of the two probe orders holds it
    std::uint16_t key = kNoKey;  ///< number of the key it last sealed with

    [[nodiscard]] Incarnation highest() const noexcept {
        return seen > incarnation ? seen : incarnation;
    }
    [[nodiscard]] bool up() const noexcept {
        return state == MemberState::Alive || state == MemberState::Suspect;
    }
};
static_assert(sizeof(Entry) <= 48);

/// All members we know of, dead ones until they are reaped. Entries move when one is added or removed: hold an id, not a pointer.
class Table {
public:
    explicit Table(std::shared_ptr<NamePool> names) : names_(std::move(names)) {}
    ~Table();
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;

    [[nodiscard]] Entry* find(NamePool::Id id) noexcept;
    [[nodiscard]] const Entry* find(NamePool::Id id) const noexcept;
    [[nodiscard]] Entry* find(BytesView name) noexcept { return find(names_->find(name)); }
    [[nodiscard]] const Entry* find(BytesView name) const noexcept {
        return find(names_->find(name));
    }
    /// A new one: dead, incarnation 0, never changed.
    Entry& add(BytesView name, const Address& address, BytesView meta, const Versions& versions);
    void erase(NamePool::Id id);
    /// The one place where a state changes: counts and the view's hash follow.
    void set_state(Entry& entry, MemberState state, Instant now);

    [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] std::size_t count(MemberState state) const noexcept {
        return counts_[static_cast<std::size_t>(state)];
    }
    /// Alive and suspect ones, ourselves included.
    [[nodiscard]] std::size_t up() const noexcept { return counts_[0] + counts_[1]; }
    [[nodiscard]] std::uint64_t view_hash() const noexcept { return hash_; }
    [[nodiscard]] std::string_view name(const Entry& entry) const noexcept {
        return names_->name(entry.id);
    }

private:
    [[nodiscard]] std::uint64_t share(const Entry& entry) const noexcept;

    std::shared_ptr<NamePool> names_;
    std::vector<Entry> entries_;
    std::vector<std::uint32_t> places_;  ///< by name id
    std::array<std::size_t, 4> counts_{};
    std::uint64_t hash_ = 0;
};

}  // namespace anode::membership
