#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "core/membership/types.hpp"

/// What the world tells a Membership. Views are valid during handle() only.
namespace anode::membership {

/// One TCP connection. Dialled ones are numbered by us (even), accepted ones by the runtime (odd); never used twice.
enum class StreamId : std::uint64_t {};
[[nodiscard]] constexpr bool accepted(StreamId id) noexcept {
    return (static_cast<std::uint64_t>(id) & 1) != 0;
}

/// First input: enter our own table, announce, begin to join.
struct Start {};
/// Time went on to `due()` or past it.
struct Tick {};
struct Datagram {
    Address from;
    BytesView bytes;
};
/// The kernel refused to send to this address (unreachable, refused).
struct DatagramRefused {
    Address to;
};
struct StreamOpened {  ///< a dialled one is up, or one was accepted (then `from` is its other end)
    StreamId id;
    Address from;
};
struct StreamBytes {
    StreamId id;
    BytesView bytes;
};
struct StreamClosed {
    StreamId id;
    bool refused = false;  ///< the dial was answered by a reset: nobody listens there
};
/// What a contact's name means now; empty: the name server gave nothing.
struct Resolved {
    std::string contact;
    std::vector<Address> addresses;
};

/// An operator's or an application's wishes.
struct JoinContact {
    std::string contact;  ///< added to the configured ones
};
struct Leave {};
struct Forget {
    std::string
        name;  ///< of a dead or left member: its entry goes at once, here and at peers of ours
};
struct SetMeta {
    Bytes meta;  ///< ≤ 512
};
/// Handed to whoever exchanges full state with us (push/pull). ≤ 20 MiB.
struct SetUserState {
    Bytes state;
};
struct SetAckPayload {
    Bytes payload;
};
/// Gossiped: ≤ `broadcast_bytes_max()`. Receivers hand it on and do not gossip it again (nothing is put on it that would tell
/// them to, as foreign members get the payload as it is), so in a large cluster it reaches only some members.
struct Broadcast {
    Bytes payload;
};
struct SendUser {
    std::string to;  ///< a member's name
    Bytes payload;
    bool reliable = false;  ///< by stream (≤ 20 MiB) instead of one packet
};
/// The mesh lost its connection to this member, or found it refused: evidence, not a verdict. The member is asked at once.
struct LinkLost {
    std::string name;
};

/// Cluster-wide work on the key ring, through any node (see key_rounds.hpp).
enum class KeyOp : std::uint8_t { List, Install, Use, Remove };
struct KeyRequest {
    std::uint64_t id = 0;  ///< of the caller; comes back in KeyReport
    KeyOp op = KeyOp::List;
    Bytes key;                ///< Install: the key itself
    std::string fingerprint;  ///< Use, Remove
};

using Input = std::variant<Start, Tick, Datagram, DatagramRefused, StreamOpened, StreamBytes,
                           StreamClosed, Resolved, JoinContact, Leave, Forget, SetMeta,
                           SetUserState, SetAckPayload, Broadcast, SendUser, LinkLost, KeyRequest>;

}  // namespace anode::membership
