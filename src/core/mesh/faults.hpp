#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"

namespace anode::mesh {

/// What a peer can do wrong. The first six break the protocol and end in a ban.
enum class Fault : std::uint8_t {
    Protocol,    ///< a frame that cannot be read, or has no place where it came
    TooLarge,    ///< a frame or a table past its limit
    Checksum,    ///< a block whose sum is wrong
    UnknownLog,  ///< a log that was never defined on the link
    FarAhead,    ///< a sequence past everything that can be
    Flood,       ///< more frames than any honest node has to send
    Refused,     ///< a link that was not taken: cluster, version, identity, ban, or too many
    Heads,       ///< messages that their origin does not know of, or that it could not serve
    Unread,      ///< it asked and did not read
    Unasked,     ///< blocks that nobody asked it for
    Forged,      ///< another block in the place of one that we have
    Foreign,     ///< messages about what is not its own: `$` topics
    Future,      ///< messages stamped later than any clock that runs right
    Unreadable,  ///< blocks whose sum is right and whose content is not
};
inline constexpr std::size_t kFaults = 14;
[[nodiscard]] std::string_view name_of(Fault fault) noexcept;
/// By the code of an ERROR frame.
[[nodiscard]] Fault fault_of(std::uint16_t error_code) noexcept;

/// One peer and what it did. The zero id stands for all whom the book has no room for.
struct Offender {
    NodeId peer;
    std::string name;  ///< as it called itself; may be empty
    std::array<std::uint64_t, kFaults> counts{};
    std::uint64_t bans = 0;
    Instant banned_until{}, last{};
    std::string what;  ///< of the last fault
};

/// Who did what, for people and metrics.
/// Limits:  `kMembersMax` members and `kStrangersMax` others; who comes later is counted under the zero id. So a crowd of
///          invented identities neither grows the book nor hides a member in it. Entries of strangers are forgotten an hour
///          after their last fault, those of members after a day.
class FaultBook {
public:
    static constexpr std::size_t kMembersMax = 400, kStrangersMax = 64;
    static constexpr Duration kStrangersLast = 1h, kMembersLast = 24h, kTellEvery = 60s;

    /// True: it was not told of this peer and this fault for a minute, so it is worth a line.
    bool note(const NodeId& peer, bool member, std::string_view name, Fault fault,
              std::string_view what, Instant now);
    void banned(const NodeId& peer, Instant until);
    [[nodiscard]] std::vector<Offender> all() const;

private:
    struct Entry {
        Offender offender;
        bool member = false;
        std::array<Instant, kFaults> told{};
    };
    Entry& entry_of(const NodeId& peer, bool member, Instant now);

    std::map<NodeId, Entry> entries_;
    std::size_t members_ = 0;  ///< of them
};

}  // namespace anode::mesh
