#pragma once

#include <cstdint>
#include <ostream>
#include <vector>

#include "base/time.hpp"

/// Measurements under virtual time, as tables in Markdown.
namespace anode::sim {

/// Time to a common view after a part of a large cluster died, and what a member sends meanwhile. Every member knows all at
/// the beginning: growth is not what is measured.
struct Scale {
    unsigned members = 1000;
    std::vector<unsigned> kill_percent{1, 10, 30};
    bool plain = false;  ///< fast.on = false
    std::uint64_t seed = 1;
};
int scale(const Scale& what, std::ostream& out);

/// Healthy members declared dead while others are starved: C of N are blocked for D, run for I, again and again.
/// Source: the shape of the experiment is Lifeguard's (DSN-W 2018).
struct Lifeguard {
    unsigned members = 100;
    Duration lasts = 120s;
    std::uint64_t seed = 1;
};
int lifeguard(const Lifeguard& what, std::ostream& out);

/// From a kill without a word to the first and the last member that declares it, at 0, 10, 20 and 30 % loss.
struct Detection {
    unsigned members = 50;
    unsigned runs = 20;
    std::uint64_t seed = 1;
};
int detection(const Detection& what, std::ostream& out);

/// A large mesh, some of whose nodes publish. Each crash befalls the same cluster, in a process of its own.
struct MeshScale {
    unsigned nodes = 1000, origins = 4, messages = 25, zones = 1;
    double loss = 0;  ///< per cent of packets
    Duration latency_min = 250us, latency_max = 400us;
    std::vector<unsigned> kill_percent{};
    unsigned joiners = 0;
    std::uint64_t seed = 1;
};
int mesh_scale(const MeshScale& what, std::ostream& out);

}  // namespace anode::sim
