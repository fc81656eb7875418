#include "core/mesh/retirement.hpp"

#include <algorithm>

namespace anode::mesh {
namespace {

constexpr Duration kLook = 1min;
constexpr Duration kEmptyLasts = 10min;
constexpr Duration kNothingLeft = 24h;

}  // namespace

bool Retirement::ripe(const LogEntry& entry) const {
    const LogState& state = entry.state;
    if (entry.own()) return false;
    // Announced, and its first block never came.
    if (state.head() == 0) return shared_.now.mono - entry.head_at > kEmptyLasts;
    if (!trees_.over(entry) || state.watermark() != state.head()) return false;
    // In microseconds throughout: a wild stamp would not fit into nanoseconds.
    const Duration horizon = shared_.config.horizon + 2 * shared_.config.drift_max;
    const WallTime age = shared_.now.wall - state.last_hlc().micros();
    // Retention took the last of it: nobody will ask for long.
    const Duration limit =
        state.lowest() > state.head() ? std::min(horizon, kNothingLeft) : horizon;
    return age > std::chrono::duration_cast<std::chrono::microseconds>(limit).count();
}

void Retirement::tick() {
    if (shared_.now.mono < look_at_) return;
    look_at_ = shared_.now.mono + kLook;
    std::vector<LogEntry*> ripe_ones;
    for (const auto& [log, entry] : shared_.logs.all())
        if (ripe(*entry)) ripe_ones.push_back(entry.get());
    for (LogEntry* entry : ripe_ones) retire(*entry);
}

void Retirement::retire(LogEntry& entry) {
    const LogKey log = entry.log();
    trees_.forget(entry);
    for (const auto& [id, link] : shared_.links.all()) {
        std::erase(link->dirty, &entry);
        std::erase(link->acks, &entry);
        for (auto& [lx, alias] : link->aliases)
            if (alias.entry == &entry) alias.entry = nullptr;
    }
    shared_.cache.forget(log);
    // Of one that was empty here somebody else may have entries: it is welcome when they come.
    const bool empty = entry.state.head() == 0;
    if (!empty) shared_.out->push(LogRetired{log});
    shared_.logs.retire(log, empty ? shared_.now.mono : shared_.now.mono + shared_.config.horizon);
}

}  // namespace anode::mesh
