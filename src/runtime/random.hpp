#pragma once

#include <cstdint>
#include <span>

#include "base/rng.hpp"

/// Random bytes of the operating system (getrandom), fit for keys. Thread: any.
/// Errors: none; a kernel without entropy at start makes it wait, a kernel without getrandom ends
/// the process.
namespace anode {

void os_random(std::span<std::uint8_t> out);
std::uint64_t os_random_u64();
/// A deterministic generator with a seed of the operating system.
inline Rng seeded_rng() { return Rng(os_random_u64()); }

}  // namespace anode
