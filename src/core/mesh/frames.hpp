#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "core/mesh/types.hpp"

/// What travels on a link. Frame: length u32 (of the body), type u8, flags u8, reserved u16, body; integers little-endian;
/// varints as in base/varint.hpp; text and bytes with a varint length.
/// Decoders check every length and count before they use it and allocate nothing from a declared size.
/// Errors:  Truncated, Malformed, TooLarge; `what` names frame and field.
/// Source:  dissemination, section 2.2.
namespace anode::mesh::frames {

inline constexpr std::uint16_t kProtocol = 1, kProtocolMin = 1;
inline constexpr std::size_t kHeadBytes = 8;
inline constexpr std::uint8_t kOptional =
    1;  ///< flag: who does not know the type ignores the frame
/// No sequence reaches it, so that none can be made to wrap around.
inline constexpr Seq kSeqMax = Seq{1} << 62;

/// Of an ERROR frame.
namespace error_code {
inline constexpr std::uint16_t kProtocol = 1, kCluster = 2, kVersion = 3, kTooLarge = 4,
                               kChecksum = 5, kBanned = 6, kIdentity = 7, kUnknownLog = 8,
                               kFarAhead = 9, kFlood = 10;
}

enum class Type : std::uint8_t {
    Hello = 1,
    Ping = 2,
    Pong = 3,
    Credit = 4,
    Bye = 5,
    Error = 6,
    LogDef = 10,
    Announce = 11,
    Digest = 12,
    Graft = 13,
    GraftOk = 14,
    GraftNo = 15,
    Prune = 16,
    Shed = 17,
    Query = 18,
    QueryReply = 19,
    Data = 20,
    Skip = 21,
    Ack = 22,
    Race = 23,
    VectorRoot = 30,
    Vector = 31,
    Pull = 32,
    Chunk = 33,
    PullEnd = 34,
    PassFirst = 40,
    PassLast = 69,
};

/// A log on a link, by a small number that the side which uses it first defines (its own number space per direction).
using Alias = std::uint64_t;

struct Hello {
    std::uint16_t protocol = kProtocol, protocol_min = kProtocolMin;
    std::string cluster;
    NodeId node;
    Epoch epoch;
    std::string name, zone;
    std::uint64_t capabilities = 0;
    WallTime wall = 0;
    Hlc hlc;
    std::uint32_t horizon_s = 0;
    std::uint32_t message_max = 0;
    std::uint32_t live_window = 0, bulk_window = 0;
    Purpose purpose = Purpose::Main;
};
struct Ping {
    std::uint64_t nonce = 0;
    WallTime wall = 0;
    Hlc hlc;
    std::uint8_t load = 0;  ///< share of the egress in 255ths; 255 also while it catches up
    std::uint32_t lag_ms = 0;
};
struct Pong : Ping {};
struct Credit {
    std::uint8_t live = 1;  ///< 1 live, 2 bulk
    std::uint32_t bytes = 0;
};
struct Bye {
    std::uint8_t reason = 0;  ///< 0 unwanted, 1 shutting down, 2 replaced, 3 done
    std::string text;
};
struct ErrorFrame {
    std::uint16_t code = 0;  ///< error_code::
    std::string text;
};

struct LogDef {
    Alias lx = 0;
    LogKey log;
};
struct Announce {
    Alias lx = 0;
    Seq head = 0;
    std::uint8_t depth = 0;
    WallTime opened = 0;
};
struct Digest {
    struct Head {
        Alias lx;
        Seq delta;  ///< since the last digest on this link; the first one counts from 0
    };
    struct Depth {
        Alias lx;
        std::uint8_t depth;
        std::uint8_t flags;
    };
    std::vector<Head> heads;  ///< by rising alias
    std::vector<Depth> depths;
};
enum class Why : std::uint8_t { Open = 0, Lag = 1, LinkDown = 2, Race = 3, Shed = 4, Spread = 5 };
struct Graft {
    Alias lx = 0;
    Seq from = 0;
    std::uint8_t depth = 0;
    Why why = Why::Open;
};
struct GraftOk {
    Alias lx = 0;
    Seq head = 0;
    std::uint8_t depth = 0;
    Seq retained_from = 0;
};
struct GraftNo {
    Alias lx = 0;
    std::uint8_t why = 0;              ///< 0 unknown, 1 busy, 2 draining, 3 evicted
    std::vector<NodeId> alternatives;  ///< ≤ 4
};
struct Prune {
    Alias lx = 0;
    std::uint8_t why = 0;  ///< 0 duplicate, 1 switched, 2 slow, 3 closing
};
struct Shed {
    Alias lx = 0;
    NodeId alternative;
};
struct Query {
    std::vector<Alias> logs;
};
struct QueryReply {
    struct Row {
        Alias lx;
        Seq head;
        std::uint8_t depth;
        bool attached;
    };
    std::vector<Row> rows;
};
struct Data {
    Alias lx = 0;
    std::uint8_t hops = 0;
    BytesView block;  ///< encode_block() form
};
struct SkipFrame {
    Alias lx = 0;
    SeqRange range;
    Skip why = Skip::Missing;
};
struct Ack {
    struct Row {
        Alias lx;
        Seq memory, durable;
    };
    std::vector<Row> rows;
};
struct Race {
    Alias lx = 0;
    Seq seq = 0;
};

struct VectorRoot {
    std::vector<std::uint64_t> buckets;  ///< 256
};
struct Vector {
    struct Row {
        LogKey log;
        Seq lowest, watermark, head;
        Hlc last;
        std::vector<SeqRange> gaps;  ///< ≤ 33
    };
    std::uint16_t bucket = 0;  ///< 0xFFFF: logs that changed lately, whatever their bucket
    bool last = true;          ///< no more vectors of this exchange follow
    std::vector<Row> rows;
};
struct Pull {
    std::uint32_t request = 0;
    LogKey log;
    std::vector<SeqRange> ranges;  ///< ≤ 64
    std::uint32_t bytes_max = 0;
};
struct Chunk {
    std::uint32_t request = 0;
    LogKey log;
    BytesView block;
};
struct PullEnd {
    std::uint32_t request = 0;
    std::uint8_t why = 0;  ///< 0 done, 1 busy, 2 limit
    std::uint32_t retry_ms = 0;
};
/// Types 40 to 69: small state, ownership, forwarded requests. Carried, not read.
struct Pass {
    std::uint8_t type = 0;
    BytesView body;
};

using Frame = std::variant<Hello, Ping, Pong, Credit, Bye, ErrorFrame, LogDef, Announce, Digest,
                           Graft, GraftOk, GraftNo, Prune, Shed, Query, QueryReply, Data, SkipFrame,
                           Ack, Race, VectorRoot, Vector, Pull, Chunk, PullEnd, Pass>;

/// Appends a whole frame. Data and Chunk: `head_only` leaves the block's bytes out (they follow as a tail) but counts them.
void encode(const Frame& frame, Bytes& out, bool head_only = false);

/// Gathers bytes of one direction into frames. Memory: one frame of at most `frame_max`, growing with what arrives.
class FrameReader {
public:
    explicit FrameReader(std::size_t frame_max) : frame_max_(frame_max) {}
    void add(BytesView bytes);
    /// The next whole frame, nothing (more bytes are needed), or an error that ends the link. Unknown optional types are
    /// passed over. Views are valid until the next call of anything.
    Result<std::optional<Frame>> next();
    [[nodiscard]] std::size_t held() const noexcept { return buffer_.size() - read_; }

private:
    std::size_t frame_max_;
    Bytes buffer_;
    std::size_t read_ = 0;
};

/// What a block's header says, its checksum verified against the log's key; the body is not opened.
/// Errors: as decode_block, for the header.
Result<WireBlock> peek_block(const LogKey& log, BytesView wire);

}  // namespace anode::mesh::frames
