#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "core/message/topic.hpp"

namespace anode {
struct TlsPeer;
}
namespace anode::http {
struct RequestHead;
}

namespace anode::api {

enum class Method : std::uint8_t { Get, Head, Post, Put, Patch, Delete, Options };
std::string_view name(Method method) noexcept;
std::optional<Method> parse_method(std::string_view text) noexcept;

/// What a path asks of its caller (interfaces, section 10). `None` asks nothing, `Any` some valid
/// credential.
enum class Role : std::uint8_t { None, Any, Viewer, Subscriber, Publisher, Operator, Admin };

/// What let a caller in, so that it can be looked at again. Its secret is in no way in here.
struct Credential {
    std::string id;           ///< of the token or the session; empty: none was needed
    std::string fingerprint;  ///< changes with the secret and with what the token allows
    WallTime expires = 0;     ///< 0: never
};

/// Who asks, as far as the edge knows. With auth off, and on the Unix socket, everybody is an
/// administrator.
struct Caller {
    std::string name = "anonymous";  ///< of the token, for the audit; never the secret
    bool authenticated = false;
    std::uint8_t roles = 0;  ///< bits, 1 << Role
    bool all_topics = true;
    PatternSet topics;     ///< what it may read or publish, unless all_topics
    WallTime expires = 0;  ///< 0: never
    Credential credential;
    bool by_cookie = false;  ///< a browser sent it by itself: who made it do so must be looked at

    /// O includes V and S, A includes all.
    [[nodiscard]] bool may(Role role) const noexcept;
    [[nodiscard]] bool covers(std::string_view topic) const noexcept {
        return all_topics || topics.matches(topic);
    }
    static Caller administrator(std::string name);
};

/// One request, whole: the body has been read, unpacked and found within its limits.
/// Thread:    confined to the handler, on whatever thread it works.
/// Ownership: lives until its Responder has answered or is gone.
class Request {
public:
    Method method =
        Method::Get;     ///< Head is routed and handled as Get; the server leaves the body out
    std::string target;  ///< as sent
    std::string path;    ///< percent-decoded; holds no `.` or `..` segment, no NUL, no backslash
    std::vector<std::pair<std::string, std::string>> query;    ///< decoded, in order
    std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case, in order
    std::vector<std::pair<std::string_view, std::string>> params;  ///< from `{name}` of the pattern
    Bytes body;
    std::string content_type;  ///< media type in lower case, without parameters
    std::string id;            ///< X-Request-Id, taken or made
    std::string peer;          ///< the client's address without port; "unix" on the Unix socket
    bool secure = false;       ///< came by TLS, here or at a trusted proxy
    std::shared_ptr<const TlsPeer> certificate;  ///< of a client that showed one
    std::string_view route;                      ///< the pattern that matched
    Caller caller;
    bool forwarded = false;  ///< another node sent it on; it is never sent on again
    WallTime received = 0;
    const http::RequestHead* head = nullptr;  ///< as read, for the WebSocket handshake

    /// The first header of this name (lower case), if there is one.
    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept;
    /// The value of a `{name}` of the pattern; empty if the pattern has none.
    [[nodiscard]] std::string_view param(std::string_view name) const noexcept;
    /// The first query parameter of this name, if there is one.
    [[nodiscard]] std::optional<std::string_view> arg(std::string_view name) const noexcept;
    /// `?name`, `?name=1`, `?name=true`.
    [[nodiscard]] bool flag(std::string_view name) const noexcept;
    /// The first query parameter that is not among these: unknown input is refused.
    [[nodiscard]] std::optional<std::string_view> unknown_arg(
        std::initializer_list<std::string_view> known) const noexcept;
    /// Whether `Accept` asks for this media type by name (not merely by `*/*`).
    [[nodiscard]] bool accepts_by_name(std::string_view media_type) const noexcept;
    /// Whether `Accept` admits this media type at all.
    [[nodiscard]] bool accepts(std::string_view media_type) const noexcept;
    /// Whether If-None-Match names this tag (given without quotes), or `*`.
    [[nodiscard]] bool none_match(std::string_view etag) const noexcept;
    /// The tag of If-Match without quotes; `*` as it stands.
    [[nodiscard]] std::optional<std::string> if_match() const;
};

}  // namespace anode::api
