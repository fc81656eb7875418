#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "core/mesh/config.hpp"
#include "core/mesh/input.hpp"
#include "core/mesh/outbox.hpp"

namespace anode::mesh {

/// For people and metrics.
struct LinkView {
    NodeId peer;
    std::string name;
    Purpose purpose = Purpose::Main;
    std::string_view state;  ///< dialling, hello, sync, up, closing
    bool dialled = false;
    Duration rtt{}, offset{};
    Instant since{};
    std::uint64_t bytes_in = 0, bytes_out = 0, blocks_in = 0, blocks_out = 0;
    std::size_t queued = 0;
    std::uint32_t parents = 0, children = 0;  ///< logs it feeds us, logs we feed it
};
struct LogView {
    LogKey log;
    Seq watermark = 0, head = 0, lowest = 0, durable = 0;
    std::vector<SeqRange> missing;
    std::string_view state;  ///< origin, attached, joining, orphan, held, closed
    NodeId parent;
    std::uint8_t depth = 0;
    std::uint32_t children = 0;
};
struct Counters {
    std::uint64_t blocks_in = 0, blocks_out = 0, messages_in = 0, messages_out = 0, bytes_in = 0,
                  bytes_out = 0;
    std::uint64_t payload_in = 0, payload_out = 0, control_in = 0, control_out = 0;
    std::uint64_t duplicates = 0, repaired = 0, skipped = 0, evicted = 0, unreadable = 0;
    std::uint64_t grafts = 0, prunes = 0, switches = 0, races = 0, sheds = 0, audits = 0;
    std::uint64_t dials = 0, links_lost = 0, protocol_errors = 0, refused = 0, bans = 0;
    std::uint64_t links_refused = 0, heads_ignored = 0, unasked = 0;
    std::size_t cache_bytes = 0, queue_bytes = 0, logs = 0, links = 0, missing = 0;
};

/// The data plane between nodes: overlay, links with credit, one tree per log, digests, repair. As one state machine.
/// Thread:  confined to one owner; never blocks.
/// Time:    `now` carries both clocks, read once per step; the monotonic one never runs backwards. Call handle(Tick{}) no later
///          than due().
/// Random:  only `rng`. Same seed and same inputs, same outputs, bit for bit.
/// Errors:  a peer's fault closes its link, is counted, attributed and told once; it is banned for a while. Nothing of it
///          reaches other links.
/// Limits:  every one of Config; no queue of payload per child (a child is a cursor).
/// Source:  dissemination, sections 1 to 5 and 8.
class Mesh {
public:
    Mesh(Config config, Rng rng);
    ~Mesh();
    Mesh(const Mesh&) = delete;
    Mesh& operator=(const Mesh&) = delete;

    void handle(const Input& input, Now now, Outbox& out);
    [[nodiscard]] Instant due() const noexcept;

    [[nodiscard]] std::vector<LinkView> links() const;
    [[nodiscard]] std::vector<LogView> logs() const;
    [[nodiscard]] const Counters& counters() const noexcept;
    /// Peers that did what they should not, and how often; whom we leave alone at present.
    [[nodiscard]] std::vector<Offender> offenders() const;
    /// The linked peers that have not told us that this sequence of a log is synced there.
    [[nodiscard]] std::vector<NodeId> lacking(const LogKey& log, Seq seq) const;
    /// True: linked to whom the overlay wants, every known log attached or ours, no hole that a linked peer could fill.
    [[nodiscard]] bool settled() const noexcept;
    /// What is in the way of that, in words; empty if nothing is. For tests: it looks at everything.
    [[nodiscard]] std::string unrest() const;
    /// A hash over (log, what we have or gave up): equal on nodes that hold the same.
    [[nodiscard]] std::uint64_t content_hash() const noexcept;

    struct Parts;

private:
    std::unique_ptr<Parts> parts_;
};

}  // namespace anode::mesh
