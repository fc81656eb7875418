#pragma once

#include <map>
#include <set>

#include "core/mesh/shared.hpp"

namespace anode::mesh {

/// Publishers that wait for their message to lie on the disks of several nodes, ours included.
/// Source: dissemination, section 5. An origin hears what its neighbours have synced from their ACKs.
class Copies {
public:
    explicit Copies(Shared& shared) : shared_(shared) {}

    void await(const AwaitCopies& wanted);
    /// Something of this own log was synced, here or elsewhere.
    void check(LogEntry& entry);
    void on_ack(Link& link, const frames::Ack::Row& row, LogEntry& entry);
    void tick();
    [[nodiscard]] Instant due() const noexcept {
        return deadlines_.empty() ? kNever : deadlines_.begin()->first;
    }

private:
    struct Key {
        LogKey log;
        Seq seq;
        std::uint64_t id;
        friend auto operator<=>(const Key&, const Key&) = default;
    };
    struct Waiting {
        unsigned copies = 2;
        Instant deadline{};
    };
    /// On how many nodes the sequence is synced, as far as we know.
    [[nodiscard]] unsigned reached(LogEntry& entry, Seq seq) const;

    Shared& shared_;
    std::map<Key, Waiting> waiting_;
    std::set<std::pair<Instant, Key>> deadlines_;
};

}  // namespace anode::mesh
