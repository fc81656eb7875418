#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "api/http/request.hpp"
#include "base/time.hpp"

/// Sessions of the dashboard: a cookie instead of a token that a page would have to keep.
/// Source: interfaces, section 15; RFC 6265bis (`__Host-`).
namespace anode::api::rest {

inline constexpr std::string_view kSessionCookie = "__Host-anode";

/// The session's secret as the browser sent it.
std::optional<std::string_view> session_cookie(const Request& request);
/// The header that gives it to the browser, or takes it away (empty secret). It ends with the browser, or with the session.
std::string set_cookie(std::string_view secret);

/// Who has signed in at this node. Secrets are kept as digests only; a restart ends all sessions.
/// Limits: 10,000 sessions; the one that was used least lately makes room.
/// Thread: confined; its owner locks.
class Sessions {
public:
    static constexpr std::size_t kMax = 10'000;
    static constexpr std::string_view kIdPrefix = "session:";

    void set_ends(Duration idle, Duration most);
    /// A session of `caller`, whose own credential is what the session stands on. The answer is the secret.
    std::string open(Caller caller, WallTime now);
    /// Who has this session; that counts as use.
    std::optional<Caller> find(std::string_view secret, WallTime now);
    /// True if there was one. The answer to `id` is the credential's id.
    bool close(std::string_view secret);
    /// What the session stands on, if it has not ended; that counts as use.
    std::optional<Credential> basis_of(std::string_view id, WallTime now);
    [[nodiscard]] std::size_t size() const noexcept { return by_digest_.size(); }

private:
    struct Session {
        Caller caller;  ///< its credential is the session's
        Credential basis;
        WallTime opened = 0, used = 0;
    };
    [[nodiscard]] bool over(const Session& session, WallTime now) const;
    void make_room(WallTime now);

    WallTime idle_ = 3'600'000'000, most_ = 43'200'000'000;
    std::unordered_map<std::string, Session> by_digest_;
};

}  // namespace anode::api::rest
