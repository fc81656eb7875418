#pragma once

#include "core/state/shared.hpp"

namespace anode::state {

/// Local writes: conditions, limits, rate, stamps.
class Writes {
public:
    explicit Writes(Shared& shared)
        : s_(shared), tokens_(static_cast<double>(shared.limits.write_burst)) {}

    void handle(const Write& write);
    /// A value of ours again, with a fresh stamp, past condition and rate.
    void again(const Item& item);

private:
    [[nodiscard]] Result<void> check(const Write& write, const Item* held);
    bool take_token(std::string_view kind);
    void commit(Item item, std::uint64_t id);
    Hlc stamp();

    Shared& s_;
    double tokens_;
    std::optional<Instant> filled_;
};

}  // namespace anode::state
