#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "core/message/hlc.hpp"

namespace anode::mesh {

/// One TCP connection between two nodes. Dialled ones are numbered by us (even), accepted ones by the runtime (odd); a number
/// is never used twice.
enum class LinkId : std::uint64_t {};
/// What a connection is for (dissemination, section 2.2): control and live blocks; repair; one exchange with a stranger.
enum class Purpose : std::uint8_t { Main = 0, Bulk = 1, Audit = 2 };
[[nodiscard]] std::string_view name_of(Purpose purpose) noexcept;

/// A member that can take part in the mesh, as membership describes it.
struct Peer {
    NodeId node;
    Epoch epoch;
    std::string name;
    std::string zone;
    std::string address;  ///< `ip:port` of its mesh listener; only carried to Dial
    std::uint16_t weight = 100;
    bool draining = false;
    bool suspect = false;
    friend bool operator==(const Peer&, const Peer&) = default;
};

/// A block as it travels and lies on disk: header, checksum, body (encode_block). Shared, never changed, never copied.
using WirePtr = std::shared_ptr<const Bytes>;
struct WireBlock {
    Seq first = 0;
    std::uint32_t count = 0;
    Hlc first_hlc;
    Hlc last_hlc;
    WirePtr wire;
    [[nodiscard]] Seq last() const noexcept { return first + count - 1; }
};

/// Inclusive.
struct SeqRange {
    Seq first = 0;
    Seq last = 0;
    friend bool operator==(const SeqRange&, const SeqRange&) = default;
};

/// Why sequences will not be had here (dissemination, sections 3.7 and 4.6).
enum class Skip : std::uint8_t {
    Missing = 0,
    Evicted = 1,
    Expired = 2,
    Lost = 3,
    BeforeJoin = 4,
    Unreadable = 5,  ///< its checksum is right and its body is not, whoever gives it
};
[[nodiscard]] std::string_view name_of(Skip why) noexcept;

/// What the store holds of one log when the node starts, and what was remembered about its holes.
struct KnownLog {
    LogKey log;
    std::vector<SeqRange> have;  ///< rising, not touching
    Hlc first_hlc, last_hlc;
    Bytes remembered;  ///< of the last Remember for it; may be empty
};

}  // namespace anode::mesh
