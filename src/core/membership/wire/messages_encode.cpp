#include "core/membership/wire/field_parts.hpp"
#include "core/membership/wire/messages.hpp"
#include "core/membership/wire/msgpack.hpp"

namespace anode::membership::wire {

namespace {

using namespace msgpack;

void begin(Bytes& out, Type type, std::uint32_t pairs) {
    out.push_back(static_cast<char>(type));
    put_map(out, pairs);
}

void key(Bytes& out, std::string_view name) { put_raw(out, name); }

void number(Bytes& out, std::string_view name, std::uint32_t value) {
    key(out, name);
    put_unsigned(out, value);
}

void text(Bytes& out, std::string_view name, BytesView value) {
    key(out, name);
    put_raw(out, value);
}

void bytes(Bytes& out, std::string_view name, BytesView value) {
    key(out, name);
    put_raw_or_nil(out, value);
}

/// The three optional keys of a request, of which the empty ones are left out.
struct Source {
    const Address& address;
    BytesView node;
    [[nodiscard]] bool has_port() const noexcept { return address.set() && address.port != 0; }
    [[nodiscard]] std::uint32_t pairs() const noexcept {
        return std::uint32_t{address.set()} + std::uint32_t{!node.empty()} +
               std::uint32_t{has_port()};
    }
    void put(Bytes& out) const {
        if (address.set()) text(out, "SourceAddr", address.ip_bytes());
        if (!node.empty()) text(out, "SourceNode", node);
        if (has_port()) number(out, "SourcePort", address.port);
    }
};

void accusation(Bytes& out, Type type, const Accusation& message) {
    begin(out, type, 3);
    text(out, "From", message.from);
    number(out, "Incarnation", message.incarnation);
    text(out, "Node", message.node);
}

}  // namespace

void encode(const Ping& message, Bytes& out) {
    const Source source{message.source, message.source_node};
    begin(out, Type::Ping, 2 + source.pairs());
    text(out, "Node", message.node);
    number(out, "SeqNo", message.seq);
    source.put(out);
}

void encode(const IndirectPing& message, Bytes& out) {
    const Source source{message.source, message.source_node};
    begin(out, Type::IndirectPing, 5 + source.pairs());
    key(out, "Nack");
    put_bool(out, message.nack);
    text(out, "Node", message.node);
    number(out, "Port", message.target.port);
    number(out, "SeqNo", message.seq);
    source.put(out);
    bytes(out, "Target", message.target.ip_bytes());
}

void encode(const Ack& message, Bytes& out) {
    begin(out, Type::Ack, 2);
    bytes(out, "Payload", message.payload);
    number(out, "SeqNo", message.seq);
}

void encode(const Nack& message, Bytes& out) {
    begin(out, Type::Nack, 1);
    number(out, "SeqNo", message.seq);
}

void encode(const Suspect& message, Bytes& out) { accusation(out, Type::Suspect, message); }

void encode(const Dead& message, Bytes& out) { accusation(out, Type::Dead, message); }

void encode(const Alive& message, Bytes& out) {
    begin(out, Type::Alive, 6);
    bytes(out, "Addr", message.address.ip_bytes());
    number(out, "Incarnation", message.incarnation);
    bytes(out, "Meta", message.meta);
    text(out, "Node", message.node);
    number(out, "Port", message.address.port);
    text(out, "Vsn", view_of(message.versions));
}

void encode(const User& message, Bytes& out) {
    out.push_back(static_cast<char>(Type::User));
    out.append(message.payload);
}

}  // namespace anode::membership::wire
