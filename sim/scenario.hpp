#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/fault.hpp"
#include "sim/network.hpp"

namespace anode::sim {

/// What names one run. Equal requests give equal runs, to the bit.
struct Request {
    std::string scenario = "storm";
    std::uint64_t seed = 1;
    unsigned members = 5;       ///< 1 … 64
    Duration faults_for = 60s;  ///< faults begin within this span
    // What a shrinker takes away; the script is generated as if it had not.
    std::optional<std::vector<unsigned>> only;  ///< numbers of the faults that happen
    std::optional<unsigned> first;              ///< only hosts below this exist
    unsigned shorten = 0;                       ///< every fault lasts 1/2^shorten of its time
    bool heals = true;  ///< false: faults never end, which every check must find

    /// The options that repeat the run: `anode-sim --scenario storm --seed 7 …`.
    [[nodiscard]] std::string line() const;
};

/// What a cluster is made of: views of members, meshes over an oracle of membership, whole nodes.
enum class ClusterKind : std::uint8_t { Members, Meshes, Nodes };
[[nodiscard]] ClusterKind kind_of(std::string_view scenario) noexcept;

/// What a request unfolds to.
struct Plan {
    Request request;
    Weather weather;
    unsigned members = 0;
    Hosts plain = 0;  ///< members with fast.on = false, as foreign ones are
    bool sealed = false, labelled = false, compressed = true;
    unsigned contacts = 2;
    std::vector<Fault> faults;  ///< all; `live` says which happen
    std::vector<bool> live;

    [[nodiscard]] bool whole() const noexcept {
        return kind_of(request.scenario) == ClusterKind::Nodes;
    }
    [[nodiscard]] Duration last_end() const noexcept;
    [[nodiscard]] bool has(FaultKind kind) const noexcept;
};

/// Of one kind, without those that are known to fail.
[[nodiscard]] std::vector<std::string_view> scenario_names(ClusterKind kind);
[[nodiscard]] bool known_scenario(std::string_view name) noexcept;
[[nodiscard]] Plan make_plan(const Request& request);

}  // namespace anode::sim
