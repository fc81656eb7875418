#include "core/membership/wire/push_pull.hpp"

#include <algorithm>
#include <array>

#include "core/membership/wire/field_parts.hpp"
#include "core/membership/wire/messages.hpp"

namespace anode::membership::wire {

namespace {

using msgpack::Reader;
using Names = std::string_view;

// In the order of declaration, which a body in array form follows.
constexpr std::array<Names, 3> kHeader{"Nodes", "UserStateLen", "Join"};
constexpr std::array<Names, 7> kNodeState{"Name",        "Addr",  "Port", "Meta",
                                          "Incarnation", "State", "Vsn"};
constexpr std::array<Names, 1> kUser{"UserMsgLen"};
constexpr std::array<Names, 1> kError{"Error"};
constexpr std::size_t kEntryBytes = 30;  ///< fewer are no entry that anybody sends

void put_entry(Bytes& out, const NodeState& node) {
    msgpack::put_map(out, 7);
    msgpack::put_raw(out, "Addr");
    msgpack::put_raw_or_nil(out, node.address.ip_bytes());
    msgpack::put_raw(out, "Incarnation");
    msgpack::put_unsigned(out, node.incarnation);
    msgpack::put_raw(out, "Meta");
    msgpack::put_raw_or_nil(out, node.meta);
    msgpack::put_raw(out, "Name");
    msgpack::put_raw(out, node.name);
    msgpack::put_raw(out, "Port");
    msgpack::put_unsigned(out, node.address.port);
    msgpack::put_raw(out, "State");
    msgpack::put_counter(out, node.state);
    msgpack::put_raw(out, "Vsn");
    msgpack::put_raw(out, view_of(node.versions));
}

std::uint8_t read_state(Reader& in) {
    const std::int64_t state = in.number();
    return state < 0 || state > 0xFF ? 0xFF : static_cast<std::uint8_t>(state);
}

NodeState read_entry(Reader& in) {
    NodeState node;
    AddressParts address;
    node.versions.bytes = {};
    node.versions_size = 0;
    in.fields(kNodeState, [&](std::size_t field) {
        switch (field) {
            case 0:
                node.name = in.text();
                break;
            case 1:
                address.read_ip(in);
                break;
            case 2:
                address.read_port(in);
                break;
            case 3:
                node.meta = in.bytes();
                break;
            case 4:
                node.incarnation = read_u32(in);
                break;
            case 5:
                node.state = read_state(in);
                break;
            default:
                read_versions(in, node.versions, node.versions_size);
                break;
        }
    });
    node.address = address.address();
    return node;
}

/// A count that was declared: neither negative nor more than `max`.
Result<std::uint64_t> checked(std::int64_t count, std::uint64_t max, const char* what) {
    if (count < 0) return fail(Errc::Malformed, std::string(what) + ": negative");
    if (static_cast<std::uint64_t>(count) > max) {
        return fail(Errc::TooLarge, std::string(what) + ": more than may be");
    }
    return static_cast<std::uint64_t>(count);
}

Result<StreamMessage> push_pull(Reader& in) {
    const auto header = read_push_pull_header(in);
    if (!header) return std::unexpected(header.error());
    PushPull message;
    message.join = header->join;
    message.nodes.reserve(std::min(header->nodes, in.rest().size() / kEntryBytes));
    for (std::uint64_t i = 0; i < header->nodes; ++i) {
        const NodeState node = read_entry(in);
        if (in.failed()) return in.error("push/pull entry");
        if (!node.name.empty()) message.nodes.push_back(node);
    }
    message.user_state = in.take(header->user_bytes);
    if (in.failed()) return in.error("push/pull user state");
    return message;
}

Result<StreamMessage> stream_user(Reader& in) {
    const auto size = read_stream_user_header(in);
    if (!size) return std::unexpected(size.error());
    const StreamUser message{in.take(*size)};
    if (in.failed()) return in.error("stream user message");
    return message;
}

Result<StreamMessage> stream_error(Reader& in) {
    StreamError message;
    in.fields(kError, [&](std::size_t) { message.text = in.text(); });
    if (in.failed()) return in.error("error");
    return message;
}

/// Ping and ack are the same as in packets.
template <class T>
Result<StreamMessage> from_packet(BytesView content) {
    const Result<Message> message = decode(content);
    if (!message) return std::unexpected(message.error());
    return std::get<T>(*message);
}

Result<StreamMessage> decode_whole(BytesView content) {
    if (content.empty()) return fail(Errc::Truncated, "no type byte");
    Reader in(content.substr(1));
    switch (static_cast<Type>(static_cast<std::uint8_t>(content.front()))) {
        case Type::PushPull:
            return push_pull(in);
        case Type::User:
            return stream_user(in);
        case Type::Error:
            return stream_error(in);
        case Type::Ping:
            return from_packet<Ping>(content);
        case Type::Ack:
            return from_packet<Ack>(content);
        default:
            return fail(Errc::Unsupported,
                        "type " + std::to_string(static_cast<std::uint8_t>(content.front())) +
                            " in a stream");
    }
}

}  // namespace

Result<PushPullHeader> read_push_pull_header(Reader& in) {
    PushPullHeader header;
    std::int64_t nodes = 0;
    std::int64_t user_bytes = 0;
    in.fields(kHeader, [&](std::size_t field) {
        switch (field) {
            case 0:
                nodes = in.number();
                break;
            case 1:
                user_bytes = in.number();
                break;
            default:
                header.join = in.boolean();
                break;
        }
    });
    if (in.failed()) return in.error("push/pull header");
    const auto counted = checked(nodes, kNodesMax, "push/pull header: Nodes");
    if (!counted) return std::unexpected(counted.error());
    const auto sized = checked(user_bytes, kUserBytesMax, "push/pull header: UserStateLen");
    if (!sized) return std::unexpected(sized.error());
    header.nodes = *counted;
    header.user_bytes = *sized;
    return header;
}

Result<std::uint64_t> read_stream_user_header(Reader& in) {
    std::int64_t size = 0;
    in.fields(kUser, [&](std::size_t) { size = in.number(); });
    if (in.failed()) return in.error("stream user message");
    return checked(size, kUserBytesMax, "stream user message: UserMsgLen");
}

void encode_push_pull(const PushPull& message, Bytes& out) {
    out.push_back(static_cast<char>(Type::PushPull));
    msgpack::put_map(out, 3);
    msgpack::put_raw(out, "Join");
    msgpack::put_bool(out, message.join);
    msgpack::put_raw(out, "Nodes");
    msgpack::put_counter(out, message.nodes.size());
    msgpack::put_raw(out, "UserStateLen");
    msgpack::put_counter(out, message.user_state.size());
    for (const NodeState& node : message.nodes) put_entry(out, node);
    out.append(message.user_state);
}

Result<std::optional<StreamMessage>> decode_stream(BytesView content, bool complete) {
    Result<StreamMessage> message = decode_whole(content);
    if (message) return std::move(*message);
    if (!complete && message.error().code == Errc::Truncated) return std::nullopt;
    return std::unexpected(std::move(message.error()));
}

void encode_stream_user(BytesView payload, Bytes& out) {
    out.push_back(static_cast<char>(Type::User));
    msgpack::put_map(out, 1);
    msgpack::put_raw(out, "UserMsgLen");
    msgpack::put_counter(out, payload.size());
    out.append(payload);
}

void encode_stream_error(BytesView text, Bytes& out) {
    out.push_back(static_cast<char>(Type::Error));
    msgpack::put_map(out, 1);
    msgpack::put_raw(out, "Error");
    msgpack::put_raw(out, text);
}

}  // namespace anode::membership::wire
