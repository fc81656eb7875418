#include "core/membership/wire/field_parts.hpp"
#include "core/membership/wire/messages.hpp"
#include "core/membership/wire/msgpack.hpp"

namespace anode::membership::wire {

namespace {

using msgpack::Reader;
using Names = std::string_view;

// In the order of declaration, which a body in array form follows.
constexpr std::array<Names, 5> kPing{"SeqNo", "Node", "SourceAddr", "SourcePort", "SourceNode"};
constexpr std::array<Names, 8> kIndirectPing{"SeqNo", "Target",     "Port",       "Node",
                                             "Nack",  "SourceAddr", "SourcePort", "SourceNode"};
constexpr std::array<Names, 2> kAck{"SeqNo", "Payload"};
constexpr std::array<Names, 1> kNack{"SeqNo"};
constexpr std::array<Names, 3> kAccusation{"Incarnation", "Node", "From"};
constexpr std::array<Names, 6> kAlive{"Incarnation", "Node", "Addr", "Port", "Meta", "Vsn"};

void read(Reader& in, Ping& message) {
    AddressParts source;
    in.fields(kPing, [&](std::size_t field) {
        switch (field) {
            case 0:
                message.seq = read_u32(in);
                break;
            case 1:
                message.node = in.text();
                break;
            case 2:
                source.read_ip(in);
                break;
            case 3:
                source.read_port(in);
                break;
            default:
                message.source_node = in.text();
                break;
        }
    });
    message.source = source.whole();
}

void read(Reader& in, IndirectPing& message) {
    AddressParts target;
    AddressParts source;
    in.fields(kIndirectPing, [&](std::size_t field) {
        switch (field) {
            case 0:
                message.seq = read_u32(in);
                break;
            case 1:
                target.read_ip(in);
                break;
            case 2:
                target.read_port(in);
                break;
            case 3:
                message.node = in.text();
                break;
            case 4:
                message.nack = in.boolean();
                break;
            case 5:
                source.read_ip(in);
                break;
            case 6:
                source.read_port(in);
                break;
            default:
                message.source_node = in.text();
                break;
        }
    });
    message.target = target.address();
    message.source = source.whole();
}

void read(Reader& in, Ack& message) {
    in.fields(kAck, [&](std::size_t field) {
        if (field == 0) {
            message.seq = read_u32(in);
        } else {
            message.payload = in.bytes();
        }
    });
}

void read(Reader& in, Nack& message) {
    in.fields(kNack, [&](std::size_t) { message.seq = read_u32(in); });
}

void read(Reader& in, Accusation& message) {
    in.fields(kAccusation, [&](std::size_t field) {
        switch (field) {
            case 0:
                message.incarnation = read_u32(in);
                break;
            case 1:
                message.node = in.text();
                break;
            default:
                message.from = in.text();
                break;
        }
    });
}

void read(Reader& in, Alive& message) {
    AddressParts address;
    message.versions.bytes = {};
    message.versions_size = 0;
    in.fields(kAlive, [&](std::size_t field) {
        switch (field) {
            case 0:
                message.incarnation = read_u32(in);
                break;
            case 1:
                message.node = in.text();
                break;
            case 2:
                address.read_ip(in);
                break;
            case 3:
                address.read_port(in);
                break;
            case 4:
                message.meta = in.bytes();
                break;
            default:
                read_versions(in, message.versions, message.versions_size);
                break;
        }
    });
    message.address = address.address();
}

template <class T>
Result<Message> body(BytesView bytes, std::string_view name) {
    Reader in(bytes);
    T message;
    read(in, message);
    if (in.failed()) return in.error(name);
    return message;
}

}  // namespace

Result<Message> decode(BytesView part) {
    if (part.empty()) return fail(Errc::Truncated, "no type byte");
    const BytesView bytes = part.substr(1);
    switch (static_cast<Type>(static_cast<std::uint8_t>(part.front()))) {
        case Type::Ping:
            return body<Ping>(bytes, "ping");
        case Type::IndirectPing:
            return body<IndirectPing>(bytes, "indirect ping");
        case Type::Ack:
            return body<Ack>(bytes, "ack");
        case Type::Suspect:
            return body<Suspect>(bytes, "suspect");
        case Type::Alive:
            return body<Alive>(bytes, "alive");
        case Type::Dead:
            return body<Dead>(bytes, "dead");
        case Type::User:
            return User{bytes};
        case Type::Nack:
            return body<Nack>(bytes, "nack");
        default:
            return fail(
                Errc::Unsupported,
                "type " + std::to_string(static_cast<std::uint8_t>(part.front())) + " in a packet");
    }
}

}  // namespace anode::membership::wire
