#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/mesh/budget.hpp"
#include "core/mesh/config.hpp"
#include "core/mesh/frames.hpp"
#include "core/mesh/types.hpp"

/// The links of a node and what each knows of each log. Inside mesh/ only.
namespace anode::mesh {

struct LogEntry;

inline constexpr std::uint8_t kDepthUnknown = 255;
inline constexpr Instant kNever = Instant::max();

/// One log on one link: what the other side told, and what it gets from us.
struct Edge {
    bool defined = false;   ///< our LOGDEF went out
    bool child = false;     ///< it takes the log from us; `cursor` is what it gets next
    bool queued = false;    ///< it stands in one of the link's lists of streams
    bool loading = false;   ///< the store was asked for `cursor`
    bool dirty = false;     ///< our head moved since the last digest
    bool asked = false;     ///< a GRAFT of ours went out
    bool pruned = false;    ///< we told it to send this log no more
    bool ack_due = false;   ///< it is the origin and waits for an ACK
    bool known = false;     ///< it spoke of the log
    bool attached = false;  ///< at its last answer it had a parent for the log
    std::uint8_t depth = kDepthUnknown;
    std::uint8_t failures = 0;  ///< of grafts in a row
    Seq head = 0;               ///< the highest it said it has
    Seq digest_in = 0;          ///< sum of what its digests said
    Seq digest_out = 0;         ///< head of our last digest
    Seq cursor = 0;
    Seq acked = 0, acked_durable = 0;
    Instant behind_since = kNever;  ///< its stream has not been dry since
    Instant ignored_until{};        ///< its heads do not count: it could not serve them
};

/// What a peer's alias means. A log that is not kept any more has a key and no entry: frames about it are passed over.
struct InAlias {
    LogKey log;
    LogEntry* entry = nullptr;
};

struct Link {
    enum class State : std::uint8_t { Dialling, Hello, Sync, Up, Closing };

    explicit Link(LinkId number, Purpose what_for, std::size_t frame_max)
        : id(number), purpose(what_for), reader(frame_max) {}

    LinkId id;
    Purpose purpose;
    State state = State::Dialling;
    bool dialled = false;
    bool wanted = false;   ///< by the overlay
    bool told_up = false;  ///< PeerUp went out
    bool choked = false;   ///< more waits unsent than any peer that reads would leave
    NodeId peer;           ///< known from the start if dialled, else from HELLO on
    Epoch epoch;
    std::string name, zone;
    std::string identity;  ///< the node's id that its certificate is bound to; empty: none
    frames::FrameReader reader;

    Instant opened{}, since{};  ///< the connection, the present state
    Instant state_until = kNever;
    Instant heard_at{}, pinged_at{}, unneeded_since{};
    std::uint64_t ping_nonce = 0;
    WallTime ping_wall = 0;
    bool ping_open = false;
    bool measured = false;   ///< rtt and offset are known
    bool clock_off = false;  ///< and somebody was told that the clocks differ
    Duration rtt{}, offset{};
    std::uint8_t load = 0;  ///< as its last PING said

    Budget asks{0, 0};       ///< what it may still ask of us
    std::size_t unsent = 0;  ///< bytes that wait in the runtime
    std::int64_t credit = 0, bulk_credit = 0;
    Instant owed_at = kNever;             ///< to be given back then
    std::size_t owed = 0, bulk_owed = 0;  ///< credit we have not given back yet
    std::uint64_t live_outstanding = 0;   ///< sent and not given credit for
    Instant credit_at{};

    std::vector<LogEntry*> dirty, acks;
    bool ack_now = false;                                   ///< somebody waits for one of the acks
    std::deque<LogEntry*> system_streams, data_streams;     ///< children with something to get
    std::int64_t deficit = 0;                               ///< of the first of data_streams
    std::map<std::uint32_t, std::deque<WireBlock>> loaded;  ///< by log number: of the store
    std::size_t loads = 0;                                  ///< the store was asked for
    std::vector<Edge> edges;                                ///< by log number
    std::unordered_map<frames::Alias, InAlias> aliases;
    std::vector<frames::Alias> queries;  ///< of one QUERY, sent at the end of the step

    std::uint64_t bytes_in = 0, bytes_out = 0, blocks_in = 0, blocks_out = 0;
    std::uint32_t parents = 0, children = 0;

    [[nodiscard]] bool live() const noexcept {
        return purpose == Purpose::Main && (state == State::Sync || state == State::Up);
    }
    [[nodiscard]] bool ready() const noexcept { return state == State::Sync || state == State::Up; }
    Edge& edge(std::uint32_t log_number) {
        if (edges.size() <= log_number) edges.resize(log_number + 1);
        return edges[log_number];
    }
    [[nodiscard]] const Edge* edge_if(std::uint32_t log_number) const noexcept {
        return log_number < edges.size() ? &edges[log_number] : nullptr;
    }
};
[[nodiscard]] std::string_view name_of(Link::State state) noexcept;

/// All connections, by number; the one main link of each peer.
/// Ownership: a Link lives until remove(); machines keep LinkIds over steps, never pointers.
class LinkTable {
public:
    Link& add(LinkId id, Purpose purpose, std::size_t frame_max);
    void remove(LinkId id);
    [[nodiscard]] Link* find(LinkId id) noexcept;
    [[nodiscard]] const Link* find(LinkId id) const noexcept;
    /// The main link of a peer that has said HELLO, or nothing.
    [[nodiscard]] Link* main_of(const NodeId& peer) noexcept;
    void set_main(Link& link) {
        mains_[link.peer] = link.id;
        touch();
    }
    /// Any connection of this purpose with the peer that is not closing, or nothing.
    [[nodiscard]] Link* any_of(const NodeId& peer, Purpose purpose) noexcept;
    /// A link came, went or changed its state; counted, so that what depends on it need not be looked at each step.
    void touch() noexcept { ++changes_; }
    [[nodiscard]] std::uint64_t changes() const noexcept { return changes_; }
    [[nodiscard]] LinkId next_dialled() noexcept { return LinkId{next_dialled_ += 2}; }

    [[nodiscard]] auto& all() noexcept { return links_; }
    [[nodiscard]] const auto& all() const noexcept { return links_; }

private:
    std::map<LinkId, std::unique_ptr<Link>> links_;
    std::map<NodeId, LinkId> mains_;
    std::uint64_t next_dialled_ = 0, changes_ = 0;
};

}  // namespace anode::mesh
