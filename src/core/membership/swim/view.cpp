#include <algorithm>

#include "core/membership/swim/state.hpp"

/// What others may see of the table.
namespace anode::membership {

Member Swim::State::copy(const Entry& entry) const {
    return {.name = std::string(table.name(entry)),
            .address = entry.descriptor->address,
            .meta = entry.descriptor->meta,
            .versions = entry.descriptor->versions,
            .incarnation = entry.incarnation,
            .state = entry.state,
            .since = entry.since,
            .rtt = entry.rtt.smoothed(),
            .ours = entry.descriptor->ours,
            .fast = fast(entry),
            .key = entry.key == Entry::kNoKey ? std::size_t{~0u} : entry.key};
}

wire::Alive Swim::State::own_alive() const {
    const Entry& entry = us();
    return {entry.incarnation,          own_name(),
            entry.descriptor->address,  entry.descriptor->meta,
            entry.descriptor->versions, 6};
}

std::vector<Address> Swim::lost() const {
    std::vector<Address> out;
    for (const auto& [address, when] : state_->lost) {
        if (state_->entered - when < 24h && std::find(out.begin(), out.end(), address) == out.end())
            out.push_back(address);
    }
    return out;
}

bool Swim::alive_at(const Address& address) const {
    return std::any_of(state_->table.entries().begin(), state_->table.entries().end(),
                       [&](const Entry& entry) {
                           return entry.id != state_->self && entry.state == MemberState::Alive &&
                                  entry.descriptor->address.same_socket(address);
                       });
}

std::vector<Member> Swim::members() const {
    std::vector<Member> out;
    out.reserve(state_->table.size());
    for (const Entry& entry : state_->table.entries()) out.push_back(state_->copy(entry));
    std::sort(out.begin(), out.end(),
              [](const Member& a, const Member& b) { return a.name < b.name; });
    return out;
}

std::optional<Member> Swim::member(std::string_view name) const {
    const Entry* entry = std::as_const(state_->table).find(name);
    if (entry == nullptr) return std::nullopt;
    return state_->copy(*entry);
}

std::size_t Swim::size() const noexcept { return state_->table.size(); }
std::size_t Swim::count(MemberState state) const noexcept { return state_->table.count(state); }
std::uint64_t Swim::view_hash() const noexcept { return state_->table.view_hash(); }
Incarnation Swim::incarnation() const noexcept { return state_->us().incarnation; }

}  // namespace anode::membership
