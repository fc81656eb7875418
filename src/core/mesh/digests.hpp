#pragma once

#include "core/mesh/shared.hpp"

namespace anode::mesh {

/// Heads that moved, told to neighbours that neither feed us the log nor get it from us; and ACKs to origins.
/// Source: dissemination, sections 2.5 and 5.
class Digests {
public:
    explicit Digests(Shared& shared) : shared_(shared), period_(shared.config.digest) {}

    /// The head of this log moved.
    void mark(LogEntry& entry);
    /// Its origin is to hear what we have: at once, or with the next digest.
    void acknowledge(LogEntry& entry, bool at_once);
    void tick();
    [[nodiscard]] Instant due() const;

private:
    void send_digest(Link& link);
    void send_acks(Link& link);
    void keep_budget();

    Shared& shared_;
    Duration period_;
    Instant budget_from_{};
    std::uint64_t control_bytes_ = 0, payload_seen_ = 0;
};

}  // namespace anode::mesh
