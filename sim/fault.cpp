#include "sim/fault.hpp"

#include <array>
#include <cstdio>

namespace anode::sim {
namespace {

constexpr std::array<std::string_view, kFaultKinds> kNames{
    "loss",       "duplicate", "spikes",    "lossy",     "slow",  "partition", "one-way",
    "partial",    "kill",      "power-off", "move",      "leave", "pause",     "starve",
    "clock-jump", "reset",     "no-names",  "wishes",    "noise", "forgery",   "replay",
    "wipe",       "late",      "wall-skew", "slow-disk", "burst", "intruder",  "twin"};

std::string list(Hosts hosts) {
    std::string out;
    for (unsigned host = 0; host < 64; ++host) {
        if ((hosts >> host & 1) == 0) continue;
        if (!out.empty()) out += ',';
        out += std::to_string(host);
    }
    return out;
}

std::string seconds(Duration span) {
    std::array<char, 32> out;
    const int size =
        std::snprintf(out.data(), out.size(), "%.1fs", std::chrono::duration<double>(span).count());
    return {out.data(), static_cast<std::size_t>(size)};
}

}  // namespace

std::string_view name_of(FaultKind kind) noexcept { return kNames[static_cast<std::size_t>(kind)]; }

std::string Fault::text() const {
    std::string out = seconds(at) + (for_good ? " for good " : "+" + seconds(lasts) + " ");
    out += name_of(kind);
    if (who != 0) out += " " + list(who);
    if (whom != 0) out += " > " + list(whom);
    if (amount != 0) out += " " + std::to_string(amount);
    if (other != 0) out += "/" + std::to_string(other);
    return out;
}

bool lies(FaultKind kind) noexcept {
    return kind == FaultKind::Forgery || kind == FaultKind::Replay || kind == FaultKind::Noise;
}

}  // namespace anode::sim
