#include <algorithm>

#include "core/membership/swim/state.hpp"

/// Full state in and out. Source: memberlist protocol, sections 4 and 8.3.
namespace anode::membership {
namespace {

/// What all live members understand, first of the protocol, then of the application.
struct Range {
    std::uint8_t low[2] = {0, 0}, high[2] = {255, 255};

    void narrow(const Versions& versions) noexcept {
        for (const int i : {0, 1}) {
            low[i] = std::max(low[i], versions.bytes[3 * i]);
            high[i] = std::min(high[i], versions.bytes[3 * i + 1]);
        }
    }
    [[nodiscard]] bool admits(std::uint8_t protocol, std::uint8_t delegate) const noexcept {
        return low[0] <= protocol && protocol <= high[0] && low[1] <= delegate &&
               delegate <= high[1];
    }
};

Result<void> check_versions(const std::vector<wire::NodeState>& remote, const Table& table,
                            const NamePool& names) {
    Range range;
    for (const wire::NodeState& node : remote) {
        if (node.state == 0 && node.versions_size >= 5) range.narrow(node.versions);
    }
    for (const Entry& entry : table.entries()) {
        if (entry.state == MemberState::Alive) range.narrow(entry.descriptor->versions);
    }
    for (const wire::NodeState& node : remote) {
        const bool whole = node.versions_size >= 6;
        if (!range.admits(whole ? node.versions.bytes[2] : 0, whole ? node.versions.bytes[5] : 0))
            return fail(Errc::Refused, "protocol versions of remote " + Bytes(node.name));
    }
    for (const Entry& entry : table.entries()) {
        const auto& bytes = entry.descriptor->versions.bytes;
        if (!range.admits(bytes[2], bytes[5]))
            return fail(Errc::Refused, "protocol versions of " + Bytes(names.name(entry.id)));
    }
    return {};
}

}  // namespace

void Swim::snapshot(std::vector<wire::NodeState>& out) const {
    out.clear();
    out.reserve(state_->table.size());
    for (const Entry& entry : state_->table.entries()) {
        out.push_back({.name = state_->table.name(entry),
                       .address = entry.descriptor->address,
                       .meta = entry.descriptor->meta,
                       .incarnation = entry.highest(),
                       .state = static_cast<std::uint8_t>(entry.state),
                       .versions = entry.descriptor->versions});
    }
}

Result<void> Swim::merge(const std::vector<wire::NodeState>& nodes, Instant now) {
    State& state = *state_;
    state.enter(now);
    if (Result<void> checked = check_versions(nodes, state.table, *state.names); !checked)
        return checked;
    const Address from = state.config.advertise;
    for (const wire::NodeState& node : nodes) {
        if (node.versions_size != 6 || !node.versions.valid()) {
            state.port.drop(Drop::Versions, from, node.name);
            continue;
        }
        switch (node.state) {
            case 0:
                state.alive(
                    {node.incarnation, node.name, node.address, node.meta, node.versions, 6}, from,
                    now);
                break;
            case 1:
            case 2: {
                // A death we only heard of is a suspicion, so that the accused can refute; and one that runs already is
                // confirmed for members of ours by who asked them, not by hearsay.
                const Entry* entry = state.table.find(node.name);
                if (entry != nullptr && state.fast(*entry) && state.suspicions.contains(entry->id))
                    break;
                state.suspect({node.incarnation, node.name, state.own_name()}, from, now);
                if (entry != nullptr && state.suspicions.contains(entry->id) &&
                    state.fast(*entry)) {
                    Suspicion& suspicion = state.suspicions[entry->id];
                    suspicion.asks = true;
                    suspicion.next_ask = now;
                    state.arm(entry->id, suspicion);
                }
                break;
            }
            case 3:
                state.dead({node.incarnation, node.name, node.name}, from, now);
                break;
            default:
                state.count(Drop::Malformed);
                break;
        }
    }
    state.settle();
    return {};
}

void Swim::know(std::span<const Member> members, Instant now) {
    State& state = *state_;
    for (const Member& member : members) {
        if (state.table.find(member.name) != nullptr || !member.versions.valid()) continue;
        if (state.table.size() >= state.config.members_max) break;
        Entry& entry = state.table.add(member.name, member.address, member.meta, member.versions);
        entry.incarnation = entry.seen = member.incarnation;
        entry.slow = !state.fast(entry);
        state.orders[entry.slow].add(entry.id, state.rng);
        state.table.set_state(entry, member.state, now);
    }
    state.settle();
}

}  // namespace anode::membership
