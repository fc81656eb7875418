#pragma once

#include <cstdint>
#include <string_view>

#include "core/fanout/form.hpp"

/// The ways a message travels to a listener.
namespace anode::api {

enum class Transport : std::uint8_t { WebSocket, Sse, Ndjson };
std::string_view name(Transport transport) noexcept;

/// What differs between the connections of one transport.
struct Wire {
    Transport transport = Transport::WebSocket;
    bool deflate = false;  ///< permessage-deflate was agreed
    bool chunked =
        true;  ///< HTTP/1.1; an HTTP/1.0 client gets bare bytes and the end of the connection
    friend bool operator==(const Wire&, const Wire&) = default;
};

/// The framing for messages in this format. The same for equal arguments; lives for ever.
const fanout::Framing& framing_of(const Wire& wire, Format format);

/// Appends a control object in the transport's form. `event` is its `op`.
void append_control(Bytes& out, const Wire& wire, std::string_view event, std::string_view json);
/// Appends a sign of life that carries nothing: a ping, a comment, an empty line.
void append_heartbeat(Bytes& out, const Wire& wire);
/// Appends the regular end of a stream.
void append_end(Bytes& out, const Wire& wire);

}  // namespace anode::api
