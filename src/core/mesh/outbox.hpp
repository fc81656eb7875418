#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/mesh/input.hpp"

/// What a Mesh asks of the world, in order.
namespace anode::mesh {

struct Slice {
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
};

struct Dial {
    LinkId id;
    NodeId peer;
    std::string address;
    Duration timeout;
};
/// A whole frame, or its head followed by a block's bytes, which are shared and not copied.
struct Send {
    LinkId id;
    Slice bytes;
    WirePtr tail;
};
/// After what was sent has gone out. No LinkClosed comes back for it.
struct Close {
    LinkId id;
};

/// A block we did not have: store it, show it to listeners. Checksum and header are checked, the body is not (decode_block
/// does). Live ones come in order within their log.
struct Deliver {
    LogKey log;
    WireBlock block;
    NodeId from;  ///< the neighbour that sent it
    std::uint8_t hops = 0;
    bool late = false;  ///< it fills a hole
};
/// Read blocks of this log from the store, about `bytes_max`; answer with Loaded.
struct Load {
    LoadId id;
    LogKey log;
    SeqRange range;
    std::size_t bytes_max = 0;
};
/// Keep this beside the log, in the same transaction as the blocks delivered so far. Empty: forget it.
struct Remember {
    LogKey log;
    Bytes state;
};
/// A log's end: it is closed, old, and without holes. What the store still has of it is retention's business.
struct LogRetired {
    LogKey log;
};

struct GapOpened {
    LogKey log;
    SeqRange range;
};
struct GapClosed {
    LogKey log;
    SeqRange range;
    bool repaired = false;
    Skip why = Skip::Missing;  ///< if not repaired
};
struct CopiesReached {
    std::uint64_t id = 0;
    unsigned copies = 1;  ///< ours included
    bool met = false;
};
struct PeerUp {
    NodeId node;
};
struct PeerDown {
    NodeId node;
    LinkEnd end = LinkEnd::Closed;  ///< Reset and Refused are evidence for membership
};
struct FromPeer {
    NodeId from;
    std::uint8_t type = 0;
    Slice body;
};
/// The median of what neighbours' clocks say: ours is ahead by this.
struct ClockOffset {
    NodeId peer;
    Duration offset{};
    Duration rtt{};
    Duration of_peer{};  ///< ours is ahead of this neighbour's by this
};
/// Our publishers are faster than the mesh: 0 none … 1 refuse (dissemination, section 4.3).
struct Throttle {
    double share = 0;
};
struct Notice {
    enum class Level : std::uint8_t { Info, Warn } level = Level::Warn;
    std::string_view what;  ///< constant text
    NodeId peer;
    std::string detail;
};

using Output =
    std::variant<Dial, Send, Close, Deliver, Load, Remember, LogRetired, GapOpened, GapClosed,
                 CopiesReached, PeerUp, PeerDown, FromPeer, ClockOffset, Throttle, Notice>;

/// Collects outputs; reused from call to call.
class Outbox {
public:
    void push(Output output) { outputs_.push_back(std::move(output)); }
    Slice store(BytesView bytes) {
        const Slice slice{static_cast<std::uint32_t>(arena_.size()),
                          static_cast<std::uint32_t>(bytes.size())};
        arena_.append(bytes);
        return slice;
    }
    [[nodiscard]] BytesView bytes(Slice slice) const noexcept {
        return BytesView(arena_).substr(slice.offset, slice.size);
    }
    [[nodiscard]] const std::vector<Output>& outputs() const noexcept { return outputs_; }
    void clear() noexcept {
        outputs_.clear();
        arena_.clear();
    }

private:
    std::vector<Output> outputs_;
    Bytes arena_;
};

}  // namespace anode::mesh
