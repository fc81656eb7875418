#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/member.hpp"
#include "sim/world.hpp"

namespace anode::sim {

/// Many members that know each other from the beginning, for measurements: no script, no checks, little memory.
class Fleet {
public:
    struct Options {
        unsigned members = 50;
        std::uint64_t seed = 1;
        Weather weather;
        membership::Timing timing;
        bool fast = true;
    };
    /// Everything a node told of its view: observer, whom it is about (both as numbers), what.
    using Told = std::function<void(unsigned, unsigned, membership::Change)>;

    Fleet(const Options& options, Told told);

    World& world() noexcept { return world_; }
    [[nodiscard]] unsigned members() const noexcept { return options_.members; }
    [[nodiscard]] static HostId host(unsigned number) noexcept { return HostId{number}; }
    [[nodiscard]] bool runs(unsigned number) const { return world_.runs(host(number)); }
    [[nodiscard]] const membership::Membership& view(unsigned number);
    /// Sum of what all running members sent so far.
    struct Sent {
        std::uint64_t packets = 0, bytes = 0, stream_bytes = 0;
    };
    [[nodiscard]] Sent sent();

private:
    void boot(unsigned number);

    Options options_;
    World world_;
    Told told_;
    std::shared_ptr<membership::NamePool> names_;
    std::vector<membership::Member> known_;
};

}  // namespace anode::sim
