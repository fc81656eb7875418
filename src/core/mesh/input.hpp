#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "core/mesh/faults.hpp"
#include "core/mesh/types.hpp"

/// What the world tells a Mesh. Views are valid during handle() only.
namespace anode::mesh {

/// First input: what the store holds. Opens our own logs.
struct Start {
    std::vector<KnownLog> logs;
};
struct Tick {};

class Directory;
/// All members that membership knows, at once. Nodes of one thread may share the list.
struct PeersKnown {
    std::shared_ptr<const Directory> all;
};
/// Membership: a member that can take part appeared or changed; it is gone.
struct PeerSeen {
    Peer peer;
};
struct PeerGone {
    NodeId node;
    bool left = false;  ///< it said goodbye; otherwise it died
};

enum class LinkEnd : std::uint8_t { Closed, Reset, Refused, TimedOut, Untrusted };
[[nodiscard]] std::string_view name_of(LinkEnd end) noexcept;
struct LinkOpened {
    LinkId id;
    /// The node's id text that the other end's certificate is bound to; empty: the key ring vouches for it, for any member.
    std::string identity;
};
struct LinkBytes {
    LinkId id;
    BytesView bytes;
};
/// What waits unsent in the runtime fell to this; more may be sent.
struct LinkRoom {
    LinkId id;
    std::size_t unsent = 0;
};
struct LinkClosed {
    LinkId id;
    LinkEnd end = LinkEnd::Closed;
    std::string text;
};

/// A block of one of our own logs was sealed.
struct Sealed {
    LogKey log;
    WireBlock block;
};
/// Everything of this log up to here (of what we have) is synced to disk.
struct Stored {
    LogKey log;
    Seq upto = 0;
};
/// A block that was delivered cannot be used: its checksum is right and its body cannot be decoded.
struct Unreadable {
    LogKey log;
    SeqRange range;
    NodeId from;  ///< as Deliver said
};
/// Retention moved: below `lowest` the store shows nothing of this log any more.
struct Retained {
    LogKey log;
    Seq lowest = 0;
};
enum class LoadId : std::uint64_t {};
/// Answer to Load: blocks in rising order that overlap what was asked; fewer than asked means that the store has no more.
struct Loaded {
    LoadId id;
    std::vector<WireBlock> blocks;
};
/// A publisher wants its message on `copies` nodes in all, ours included, synced there.
struct AwaitCopies {
    std::uint64_t id = 0;
    LogKey log;
    Seq seq = 0;
    unsigned copies = 2;
    Duration timeout = 2s;
};
/// Small state, ownership and forwarded requests travel as frames of these types (40..69), in order per link.
struct SendPeer {
    NodeId to;
    std::uint8_t type = 0;
    BytesView body;
};
/// The store or the engine cannot keep up: repair waits.
struct Pressure {
    bool on = false;
};
struct Drain {
    bool on = true;
};
/// What the application found wrong with what a node sent. It is counted and told like the faults that the mesh finds.
struct Blame {
    NodeId peer;
    Fault fault = Fault::Protocol;
    std::string_view what;  ///< constant text
    std::string detail;
};

using Input = std::variant<Start, Tick, PeersKnown, PeerSeen, PeerGone, LinkOpened, LinkBytes,
                           LinkRoom, LinkClosed, Sealed, Stored, Unreadable, Retained, Loaded,
                           AwaitCopies, SendPeer, Pressure, Drain, Blame>;

}  // namespace anode::mesh
