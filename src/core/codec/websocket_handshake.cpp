#include "core/codec/websocket_handshake.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "core/codec/http_rules.hpp"

namespace anode::ws {
namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455, section 1.3
constexpr std::array<std::string_view, 9> kOwnHeaders{"host",
                                                      "upgrade",
                                                      "connection",
                                                      "sec-websocket-key",
                                                      "sec-websocket-version",
                                                      "sec-websocket-protocol",
                                                      "sec-websocket-extensions",
                                                      "content-length",
                                                      "transfer-encoding"};

bool is_one_line(std::string_view text) {
    return std::ranges::none_of(text, [](char c) {
        return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
    });
}

std::unexpected<http::Refusal> refused(int status, std::string_view why) {
    return std::unexpected(http::Refusal{status, why});
}

void append_header(Bytes& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
}

std::string joined(const std::vector<std::string>& words) {
    std::string list;
    for (const std::string& word : words) {
        if (!list.empty()) list += ", ";
        list += word;
    }
    return list;
}

Result<void> check_request(const ClientRequest& request) {
    const bool target_fits =
        request.target.starts_with('/') &&
        std::ranges::all_of(request.target, [](char c) { return c > ' ' && c < 0x7f; });
    if (request.host.empty() || !is_one_line(request.host) || !target_fits ||
        !is_one_line(request.origin))
        return fail(Errc::Malformed, "bad character in host, target or origin");
    for (const auto& [name, value] : request.headers) {
        if (!http::rules::is_token(name) || !is_one_line(value))
            return fail(Errc::Malformed, "bad header '" + text::printable(name) + "'");
        if (std::ranges::find(kOwnHeaders, text::lower(name)) != kOwnHeaders.end())
            return fail(Errc::Malformed, "header '" + name + "' is set by the handshake itself");
    }
    for (const std::string& protocol : request.subprotocols)
        if (!http::rules::is_token(protocol))
            return fail(Errc::Malformed, "bad subprotocol '" + text::printable(protocol) + "'");
    return {};
}

}  // namespace

std::string accept_key(std::string_view key) {
    const std::string text = std::string(key).append(kGuid);
    std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
    SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    return text::base64({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

bool wants_upgrade(const http::RequestHead& head) {
    return head.headers.has_token("upgrade", "websocket");
}

std::expected<Upgrade, http::Refusal> check_upgrade(const http::RequestHead& head) {
    const http::Headers& headers = head.headers;
    if (head.method != "GET") return refused(400, "a WebSocket begins with GET");
    if (head.minor_version == 0) return refused(400, "a WebSocket needs HTTP/1.1");
    if (head.framing != http::Framing::None && head.content_length > 0)
        return refused(400, "handshake with a body");
    if (head.framing == http::Framing::Chunked) return refused(400, "handshake with a body");
    if (!wants_upgrade(head) || !headers.has_token("connection", "upgrade"))
        return refused(400, "Upgrade and Connection do not ask for a WebSocket");
    if (headers.count("sec-websocket-version") != 1 || headers.get("sec-websocket-version") != "13")
        return refused(426, "only WebSocket version 13 is spoken");
    const std::string_view key = headers.get("sec-websocket-key");
    const auto nonce = text::from_base64(key);
    if (headers.count("sec-websocket-key") != 1 || !nonce || nonce->size() != 16)
        return refused(400, "Sec-WebSocket-Key is not 16 bytes of base64");
    Upgrade upgrade{.accept = accept_key(key),
                    .subprotocols = {},
                    .extensions = headers.joined("sec-websocket-extensions")};
    const std::string protocols = headers.joined("sec-websocket-protocol");
    if (headers.count("sec-websocket-protocol") == 0) return upgrade;
    for (const std::string_view word : text::split(protocols, ',')) {
        const std::string_view protocol = text::trim(word);
        if (!http::rules::is_token(protocol)) return refused(400, "bad Sec-WebSocket-Protocol");
        upgrade.subprotocols.emplace_back(protocol);
    }
    return upgrade;
}

void append_upgrade_answer(Bytes& out, const Upgrade& upgrade, std::string_view subprotocol,
                           const std::optional<DeflateAgreed>& deflate) {
    out += "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    append_header(out, "Sec-WebSocket-Accept", upgrade.accept);
    if (!subprotocol.empty()) append_header(out, "Sec-WebSocket-Protocol", subprotocol);
    if (deflate) append_header(out, "Sec-WebSocket-Extensions", deflate_answer(*deflate));
    out += "\r\n";
}

Result<void> append_client_request(Bytes& out, const ClientRequest& request) {
    if (auto checked = check_request(request); !checked) return checked;
    out.append("GET ").append(request.target).append(" HTTP/1.1\r\n");
    append_header(out, "Host", request.host);
    out += "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n";
    append_header(out, "Sec-WebSocket-Key", request.key);
    if (!request.origin.empty()) append_header(out, "Origin", request.origin);
    if (!request.subprotocols.empty())
        append_header(out, "Sec-WebSocket-Protocol", joined(request.subprotocols));
    if (request.deflate) append_header(out, "Sec-WebSocket-Extensions", kDeflateOffer);
    for (const auto& [name, value] : request.headers) append_header(out, name, value);
    out += "\r\n";
    return {};
}

Result<ClientAnswer> check_answer(const http::ResponseHead& answer, const ClientRequest& request) {
    const http::Headers& headers = answer.headers;
    if (answer.status != 101) return fail(Errc::Refused, "HTTP " + std::to_string(answer.status));
    if (!headers.has_token("upgrade", "websocket") || !headers.has_token("connection", "upgrade"))
        return fail(Errc::Malformed, "answer does not switch to a WebSocket");
    if (headers.count("sec-websocket-accept") != 1 ||
        headers.get("sec-websocket-accept") != accept_key(request.key))
        return fail(Errc::Malformed, "Sec-WebSocket-Accept is wrong");
    ClientAnswer result;
    if (const auto protocol = headers.find("sec-websocket-protocol")) {
        const bool asked =
            std::ranges::find(request.subprotocols, *protocol) != request.subprotocols.end();
        if (!asked || headers.count("sec-websocket-protocol") != 1)
            return fail(Errc::Malformed, "server chose a subprotocol nobody asked for");
        result.subprotocol = *protocol;
    }
    const std::string extensions = headers.joined("sec-websocket-extensions");
    if (!request.deflate && !extensions.empty())
        return fail(Errc::Malformed, "server names an extension we did not offer");
    auto deflate = read_deflate_answer(extensions);
    if (!deflate) return std::unexpected(deflate.error());
    result.deflate = *deflate;
    return result;
}

}  // namespace anode::ws
