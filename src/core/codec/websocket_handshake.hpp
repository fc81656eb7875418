#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "core/codec/http.hpp"
#include "core/codec/websocket_deflate.hpp"

/// The HTTP part of a WebSocket connection, both roles.
/// Source: RFC 6455, section 4.
namespace anode::ws {

/// Sec-WebSocket-Accept for this Sec-WebSocket-Key.
[[nodiscard]] std::string accept_key(std::string_view key);

// -- server --------------------------------------------------------------------------------------

/// Does this request ask for a WebSocket at all? (Upgrade names websocket.)
[[nodiscard]] bool wants_upgrade(const http::RequestHead& head);

struct Upgrade {
    std::string accept;                     ///< value of Sec-WebSocket-Accept
    std::vector<std::string> subprotocols;  ///< in the client's order
    std::string extensions;                 ///< for accept_deflate()
};
/// Checks the whole handshake. The refusal is 400, or 426 to be sent with `Sec-WebSocket-Version:
/// 13`.
[[nodiscard]] std::expected<Upgrade, http::Refusal> check_upgrade(const http::RequestHead& head);

/// Appends the complete 101 answer. `subprotocol` may be empty; it must be one the client named.
void append_upgrade_answer(Bytes& out, const Upgrade& upgrade, std::string_view subprotocol,
                           const std::optional<DeflateAgreed>& deflate);

// -- client --------------------------------------------------------------------------------------

struct ClientRequest {
    std::string host;          ///< as the Host header wants it: `example.com`, `[::1]:8080`
    std::string target = "/";  ///< path and query
    std::string key;           ///< base64 of 16 fresh random bytes
    std::vector<std::pair<std::string, std::string>>
        headers;  ///< extra ones, User-Agent among them
    std::vector<std::string> subprotocols;
    std::string origin;
    bool deflate = false;
};
/// Appends the request head. Malformed if a part holds a control character, or a header is one of
/// our own.
[[nodiscard]] Result<void> append_client_request(Bytes& out, const ClientRequest& request);

struct ClientAnswer {
    std::string subprotocol;
    std::optional<DeflateAgreed> deflate;
};
/// Checks the server's answer against what was asked. Refused with the status in words if it is not
/// 101, Malformed if it is one but breaks the handshake.
[[nodiscard]] Result<ClientAnswer> check_answer(const http::ResponseHead& answer,
                                                const ClientRequest& request);

}  // namespace anode::ws
