#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"

/// Who runs which source: one owner each, chosen by weighted rendezvous, handed over without a gap, replaced when it dies.
namespace anode::ownership {

/// What matters of a source here.
struct SourceFacts {
    std::string name;
    bool enabled = true;
    std::optional<NodeId> pinned;  ///< an operator moved it
    std::string zone;              ///< only nodes of this zone; "" = any
    bool pause_when_isolated = false;
    bool standby = false;  ///< the next in line keeps a connection open while all is well
    friend bool operator==(const SourceFacts&, const SourceFacts&) = default;
};
enum class Standing : std::uint8_t { Alive, Suspect, Dead, Left };
struct NodeFacts {
    NodeId node;
    Epoch epoch;
    std::string zone;
    std::uint16_t weight = 100;
    bool draining = false;
    Standing standing = Standing::Alive;
    friend bool operator==(const NodeFacts&, const NodeFacts&) = default;
};
/// The record that all nodes share (small state, kind "owner", key = source).
struct Claim {
    std::string source;
    NodeId owner;
    Epoch epoch;  ///< run of the owner: of two claims, one of a dead run never stands
    std::uint64_t term = 0;
    bool released = false;  ///< the owner let go (drain, disable) and nobody has taken it yet
    [[nodiscard]] Bytes encode() const;
    static std::optional<Claim> decode(std::string_view source, BytesView value);
};

// -- what the world tells ---------------------------------------------------------------------------------------------
struct Sources {
    std::vector<SourceFacts> all;
};
struct NodeSeen {
    NodeFacts facts;
};
/// The mesh lost its link to this node by reset or refusal and membership failed to reach it once: warm standbys connect.
struct InDoubt {
    NodeId node;
};
struct DoubtOver {
    NodeId node;
};
/// A claim changed in the small state (ours included).
struct Claimed {
    Claim claim;
};
/// The record of a source went from the small state.
struct Unclaimed {
    std::string source;
};
/// No link to anyone although there are other nodes; or again some.
struct Isolated {
    bool on = false;
};
/// We start among others and have not heard of them yet: nothing is claimed, not even what an earlier run of ours held, as
/// somebody may have taken it meanwhile.
struct Joining {
    bool on = false;
};
/// Our own copy is complete enough to take work (dissemination 7.1: alive and in sync for 30 s; at once in a cluster of one).
struct WarmedUp {};
struct DrainSelf {
    bool on = true;
};
/// Frames 50 (hand-over request), 51 (ready), 52 (release).
struct FromPeer {
    NodeId node;
    std::uint8_t type = 0;
    BytesView body;
};
/// The runner did what Prepare, Run or Stop asked.
struct Prepared {
    std::string source;
};
struct Stopped {
    std::string source;
    Bytes position;  ///< where the stream ended; may be empty
};
struct Tick {};
using Input = std::variant<Sources, NodeSeen, InDoubt, DoubtOver, Claimed, Unclaimed, Isolated,
                           Joining, WarmedUp, DrainSelf, FromPeer, Prepared, Stopped, Tick>;

// -- what it asks of the world ----------------------------------------------------------------------------------------
/// Write this claim to the small state.
struct Propose {
    Claim claim;
};
/// Connect, but publish nothing yet. A connection that was closed meanwhile is opened again by whoever holds it.
struct Prepare {
    std::string source;
};
struct Run {
    std::string source;
    std::uint64_t term = 0;
    std::optional<Bytes>
        position;  ///< from a hand-over; none: the highest position we hold, less the rewind
    bool takeover = false;  ///< after a death: mark what overlaps
};
enum class StopWhy : std::uint8_t { Disabled, HandedOver, Superseded, Draining, Isolated, NotOurs };
[[nodiscard]] std::string_view name_of(StopWhy why) noexcept;
/// Within a second; answer with Stopped.
struct Stop {
    std::string source;
    StopWhy why = StopWhy::NotOurs;
};
struct SendPeer {
    NodeId to;
    std::uint8_t type = 0;
    Bytes body;
};
/// For logs, `$sys.event.source`, and the API.
struct Moved {
    std::string source;
    NodeId from, to;
    std::string_view why;  ///< "claim", "hand-over", "take-over", "superseded"
    std::uint64_t term = 0;
};
/// All our sources have gone elsewhere (or there is nowhere): the drain may go on.
struct HandedOverAll {};
using Output = std::variant<Propose, Prepare, Run, Stop, SendPeer, Moved, HandedOverAll>;

struct Timing {
    Duration warm_up = 30s;
    Duration failover_delay = 500ms;  ///< after a death verdict, for the first in rank
    Duration failover_rank = 3s;      ///< each further rank waits so much longer
    Duration handover_timeout = 10s;
    unsigned handover_failures = 3;  ///< then the claim is forced
    double moves_share = 0.10;       ///< of the sources, per moves_period
    Duration moves_period = 30s;
    Duration penalty_half_life = 10min;
    double penalty_max = 3;  ///< from here on no candidate
};

/// Ownership as one state machine.
/// Thread, time, random: as Mesh.
/// Cost:    a step looks at a bounded number of sources. While more are to be looked at, due() is now.
/// Writing: Run follows the echo of our own Propose (Claimed); a Propose that is not echoed is made again after a second.
/// Source:  dissemination, section 7; Thaler, Ravishankar, "Using name-based mappings to increase hit rates", 1998 (rendezvous).
class Ownership {
public:
    /// What was not followed.
    struct Counters {
        std::uint64_t malformed = 0;   ///< frames that break their form
        std::uint64_t stale = 0;       ///< frames about a term or a request that is no longer
        std::uint64_t refused = 0;     ///< hand-overs we were asked for and did not see as due
        std::uint64_t forced = 0;      ///< claims over an owner that does not hand over
        std::uint64_t over_limit = 0;  ///< sources and claims beyond what we keep
    };

    Ownership(NodeId self, Epoch epoch, std::string zone, Rng rng, Timing timing = {});
    ~Ownership();

    void handle(const Input& input, Instant now, std::vector<Output>& out);
    [[nodiscard]] Instant due() const noexcept;

    enum class Role : std::uint8_t { None, Standby, Claiming, Owner, Releasing };
    struct View {
        Role role = Role::None;
        std::optional<NodeId> owner;
        std::uint64_t term = 0;
        std::vector<NodeId> candidates;  ///< best first
        std::optional<NodeId> standby;   ///< who keeps a connection open, if that is wanted
    };
    [[nodiscard]] View view(std::string_view source) const;
    [[nodiscard]] std::vector<std::string> owned() const;
    [[nodiscard]] const Counters& counters() const noexcept;

    struct Parts;

private:
    std::unique_ptr<Parts> parts_;
};

/// Higher is better; the same on every node. Source: weighted rendezvous, −w / ln(u).
[[nodiscard]] double rendezvous_score(std::string_view source, const NodeId& node,
                                      double weight) noexcept;

}  // namespace anode::ownership
