#pragma once

#include "core/mesh/shared.hpp"

namespace anode::mesh {

/// Heads that moved, told to neighbours that neither feed us the log nor get it from us nor said that they have as much; ACKs to
/// origins; and credit. All of it goes out on one beat of the node, which comes soon for logs that flow and later for those that
/// trickle; what somebody waits for goes out with the step.
/// Source: dissemination, sections 2.5 and 5.
class Digests {
public:
    explicit Digests(Shared& shared) : shared_(shared), period_(shared.config.digest) {}

    /// The head of this log moved.
    void mark(LogEntry& entry);
    /// Its origin is to hear what we have: at once, or with the next digest.
    void acknowledge(LogEntry& entry, bool at_once);
    void tick();
    /// At the end of a step: ACKs that are waited for.
    void flush();
    [[nodiscard]] Instant due() const;

private:
    void beat_for(const LogEntry& entry);
    void send_digest(Link& link);
    void send_acks(Link& link);
    void keep_budget();

    Shared& shared_;
    Duration period_;
    Instant beat_at_ = kNever;
    bool ack_now_ = false;
    Instant budget_from_{};
    std::uint64_t control_bytes_ = 0, payload_seen_ = 0;
};

}  // namespace anode::mesh
