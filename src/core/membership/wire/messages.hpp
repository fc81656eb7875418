#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "core/membership/types.hpp"

/// The leaf messages. Decoded fields are views into the packet they came from.
/// Encoders write keys in ascending byte order and the msgpack forms of section 3.2; decoders accept what section 3.3 lists.
/// Errors:  Truncated, Malformed, TooLarge, TooDeep, Unsupported; `what` names the message and the key.
/// Source:  memberlist protocol, section 3.
namespace anode::membership::wire {

enum class Type : std::uint8_t {
    Ping = 0,
    IndirectPing = 1,
    Ack = 2,
    Suspect = 3,
    Alive = 4,
    Dead = 5,
    PushPull = 6,
    Compound = 7,
    User = 8,
    Compressed = 9,
    Encrypted = 10,
    Nack = 11,
    Crc = 12,
    Error = 13,
    Label = 244,
};

struct Ping {
    std::uint32_t seq = 0;
    BytesView node;         ///< intended receiver; may be empty
    Address source;         ///< not set(): absent
    BytesView source_node;  ///< may be empty
};
struct IndirectPing {
    std::uint32_t seq = 0;
    Address target;
    BytesView node;
    bool nack = false;
    Address source;
    BytesView source_node;
};
struct Ack {
    std::uint32_t seq = 0;
    BytesView payload;
};
struct Nack {
    std::uint32_t seq = 0;
};
/// Both suspect (3) and dead (5). In a dead message `from` = `node` means: it left.
struct Accusation {
    Incarnation incarnation = 0;
    BytesView node;
    BytesView from;
};
struct Suspect : Accusation {};
struct Dead : Accusation {};
struct Alive {
    Incarnation incarnation = 0;
    BytesView node;
    Address address;
    BytesView meta;
    Versions versions;
    std::uint8_t versions_size = 6;  ///< as received; we believe 6 only
};
struct User {
    BytesView payload;
};
using Message = std::variant<Ping, IndirectPing, Ack, Nack, Suspect, Dead, Alive, User>;

/// One leaf message with its type byte, appended to `out`.
void encode(const Ping& message, Bytes& out);
void encode(const IndirectPing& message, Bytes& out);
void encode(const Ack& message, Bytes& out);
void encode(const Nack& message, Bytes& out);
void encode(const Suspect& message, Bytes& out);
void encode(const Dead& message, Bytes& out);
void encode(const Alive& message, Bytes& out);
void encode(const User& message, Bytes& out);

/// One leaf message of a packet, type byte first; bytes after its body are ignored.
Result<Message> decode(BytesView part);

/// One entry of a push/pull.
struct NodeState {
    BytesView name;
    Address address;
    BytesView meta;
    Incarnation incarnation = 0;
    std::uint8_t state = 0;  ///< as received; 0..3 are known
    Versions versions;
    std::uint8_t versions_size = 6;
};
struct PushPull {
    bool join = false;
    std::vector<NodeState>
        nodes;  ///< views into the stream's buffer; those without a name are left out
    BytesView user_state;
};
/// Appends type byte, header, entries and user state.
void encode_push_pull(const PushPull& message, Bytes& out);

/// A stream's unsealed content (type byte first): a whole message, nothing (more bytes are needed), or an error.
struct StreamUser {
    BytesView payload;
};
struct StreamError {
    BytesView text;
};
using StreamMessage = std::variant<PushPull, Ping, Ack, StreamUser, StreamError>;
/// `complete`: no more bytes can come (the content was sealed, or the other end closed), so what is missing is Truncated.
Result<std::optional<StreamMessage>> decode_stream(BytesView content, bool complete);
void encode_stream_user(BytesView payload, Bytes& out);
void encode_stream_error(BytesView text, Bytes& out);

}  // namespace anode::membership::wire
