#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "core/membership/input.hpp"
#include "core/membership/member.hpp"

/// What a Membership asks of the world, in order.
namespace anode::membership {

/// Bytes that lie in the outbox, so that a packet costs no allocation.
struct Slice {
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
};

struct SendDatagram {
    Address to;
    Slice bytes;
};
struct Dial {
    StreamId id;
    Address to;
    Duration timeout;  ///< for the connection; the exchange's own limit is ours
};
struct SendStream {
    StreamId id;
    Slice bytes;
};
/// After what was sent has gone out. No StreamClosed comes back for it.
struct CloseStream {
    StreamId id;
};
/// Look the contact up; answer with Resolved.
struct Resolve {
    std::string contact;  ///< `host[:port]`, without a name before it
};

enum class Change : std::uint8_t { Joined, Updated, Suspected, Refuted, Died, Left, Forgotten };
[[nodiscard]] std::string_view name_of(Change change) noexcept;
/// The view changed. Suspected and Refuted come too (for display and for the mesh); they are no verdicts.
struct MemberChanged {
    Change change;
    Member member;  ///< as it is now
};
/// Two members use one name from two addresses.
struct NameConflict {
    Member existing;
    Address other;
};
struct UserMessage {
    Bytes payload;
};
struct RemoteState {
    Bytes state;
    bool join = false;
};
struct RoundTrip {
    std::string name;
    Duration rtt;
    Bytes payload;  ///< what the application over there put behind its acks; usually empty
};
struct KeyReport {
    std::uint64_t id = 0;
    Result<void>
        done;  ///< Refused: a member lacks the new key, or still uses the old one; Timeout names who did not answer
    struct Row {
        std::string name;
        bool answered = false;
        bool foreign = false;  ///< no node of ours; only the key it seals with is known
        std::vector<std::string> fingerprints;  ///< primary first
        std::string error;
    };
    std::vector<Row> rows;  ///< ourselves first
};
/// Our own ring changed: write it to its file.
struct KeysChanged {};
/// Our farewell has been gossiped (or there is nobody to tell): the sockets may close.
struct HasLeft {};
/// Something an operator should read, once: never per packet.
struct Notice {
    enum class Level : std::uint8_t { Info, Warn } level = Level::Warn;
    std::string_view what;  ///< constant text
    Address address;        ///< not set(): none
    std::string detail;
};

using Output =
    std::variant<SendDatagram, Dial, SendStream, CloseStream, Resolve, MemberChanged, NameConflict,
                 UserMessage, RemoteState, RoundTrip, KeyReport, KeysChanged, HasLeft, Notice>;

/// Collects outputs; reused from call to call, so that the steady path allocates nothing.
class Outbox {
public:
    void push(Output output) { outputs_.push_back(std::move(output)); }
    /// Copies bytes in; the slice stays valid until clear().
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

}  // namespace anode::membership
