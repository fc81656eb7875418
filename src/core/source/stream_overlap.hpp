#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>

#include "base/time.hpp"
#include "core/source/machine_io.hpp"

/// Removes what two connections of one subscription both bring, where the definition has no `dedupe` (C9, C36).
namespace anode::source {

/// A row goes out as often as the connection that brought it most often did: honest repeats of a
/// feed stay, copies do not.
/// Memory: two generations of at most kRowsMax content hashes.
class Overlap {
public:
    static constexpr std::size_t kRowsMax = 200'000;
    static constexpr Duration kGeneration = 60s;

    /// Whether this row, by its content, has to go out.
    bool fresh(ConnId from, std::uint64_t content, Instant now);

private:
    struct Count {
        std::array<ConnId, 2> from{};
        std::array<std::uint32_t, 2> times{};
        std::uint32_t out = 0;
    };
    Count& find(std::uint64_t content, Instant now);

    std::unordered_map<std::uint64_t, Count> current_, previous_;
    Instant began_{};
};

}  // namespace anode::source
