#include "api/rest/sessions.hpp"

#include <algorithm>

#include "api/rest/secret_text.hpp"
#include "base/text.hpp"

namespace anode::api::rest {

std::optional<std::string_view> session_cookie(const Request& request) {
    const auto header = request.header("cookie");
    if (!header) return std::nullopt;
    for (std::string_view pair : text::split(*header, ';')) {
        pair = text::trim(pair);
        if (pair.size() > kSessionCookie.size() && pair.starts_with(kSessionCookie) &&
            pair[kSessionCookie.size()] == '=')
            return pair.substr(kSessionCookie.size() + 1);
    }
    return std::nullopt;
}

std::string set_cookie(std::string_view secret) {
    std::string header(kSessionCookie);
    header.append("=").append(secret).append("; Path=/; Secure; HttpOnly; SameSite=Strict");
    if (secret.empty()) header += "; Max-Age=0";
    return header;
}

void Sessions::set_ends(Duration idle, Duration most) {
    idle_ = std::chrono::duration_cast<std::chrono::microseconds>(idle).count();
    most_ = std::chrono::duration_cast<std::chrono::microseconds>(most).count();
}

bool Sessions::over(const Session& session, WallTime now) const {
    return now - session.used > idle_ || now - session.opened > most_;
}

void Sessions::make_room(WallTime now) {
    if (by_digest_.size() < kMax) return;
    std::erase_if(by_digest_, [&](const auto& entry) { return over(entry.second, now); });
    if (by_digest_.size() < kMax) return;
    by_digest_.erase(std::ranges::min_element(by_digest_, {},
                                              [](const auto& entry) { return entry.second.used; }));
}

std::string Sessions::open(Caller caller, WallTime now) {
    make_room(now);
    std::string secret = random_text(32);
    const std::string digest = sha256_hex(secret);
    Session session{std::move(caller), {}, now, now};
    session.basis = std::move(session.caller.credential);
    session.caller.credential = {std::string(kIdPrefix) + digest, {}, now + most_};
    session.caller.by_cookie = true;
    if (session.caller.expires == 0 || session.caller.expires > now + most_)
        session.caller.expires = now + most_;
    by_digest_[digest] = std::move(session);
    return secret;
}

std::optional<Caller> Sessions::find(std::string_view secret, WallTime now) {
    const auto found = by_digest_.find(sha256_hex(secret));
    if (found == by_digest_.end()) return std::nullopt;
    if (over(found->second, now)) {
        by_digest_.erase(found);
        return std::nullopt;
    }
    found->second.used = now;
    return found->second.caller;
}

bool Sessions::close(std::string_view secret) { return by_digest_.erase(sha256_hex(secret)) > 0; }

std::optional<Credential> Sessions::basis_of(std::string_view id, WallTime now) {
    const auto found = by_digest_.find(std::string(id.substr(kIdPrefix.size())));
    if (found == by_digest_.end() || over(found->second, now)) return std::nullopt;
    found->second.used = now;
    return found->second.basis;
}

}  // namespace anode::api::rest
