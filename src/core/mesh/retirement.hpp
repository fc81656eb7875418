#pragma once

#include "core/mesh/trees.hpp"

namespace anode::mesh {

/// Forgets logs that nobody will write to again, that are older than any retention, and that have no holes.
/// Source: dissemination, section 1.5.
class Retirement {
public:
    Retirement(Shared& shared, Trees& trees) : shared_(shared), trees_(trees) {}

    void tick();
    [[nodiscard]] Instant due() const noexcept {
        return shared_.logs.size() > 2 ? look_at_ : kNever;
    }

private:
    [[nodiscard]] bool ripe(const LogEntry& entry) const;
    void retire(LogEntry& entry);

    Shared& shared_;
    Trees& trees_;
    Instant look_at_{};
};

}  // namespace anode::mesh
