#include "api/rest/access.hpp"
#include "api/rest/anonymous.hpp"
#include "api/rest/sessions.hpp"
#include "api/routes.hpp"
#include "base/text.hpp"
#include "runtime/clock.hpp"

namespace anode::api {

namespace {

using rest::Access;

/// How often open connections are looked at again even if nothing is known to have changed: sessions end by idling.
constexpr WallTime kLookAgain = 5'000'000;

/// Finds the credential of a request: header, subprotocol, ticket, URL, cookie, certificate, in this order.
class TokenAuthenticator final : public Authenticator {
public:
    TokenAuthenticator(std::shared_ptr<Access> access, const NodeControl& node)
        : access_(std::move(access)), anonymous_(node) {}

    std::expected<Caller, Problem> identify(const Request& request) override {
        if (access_->open()) return Caller::administrator("anonymous");
        const WallTime now = wall_now();
        if (const auto header = request.header("authorization")) {
            const bool bearer =
                header->size() >= 6 && text::iequals(header->substr(0, 6), "bearer");
            const std::string_view token = bearer ? text::trim(header->substr(6)) : *header;
            return access_->by_token(token, false, request.peer, now);
        }
        if (const auto token = offered_token(request))
            return access_->by_token(*token, false, request.peer, now);
        if (const auto ticket = request.arg("ticket")) return access_->by_ticket(*ticket, now);
        if (const auto token = request.arg("token"))
            return access_->by_token(*token, true, request.peer, now);
        if (const auto cookie = rest::session_cookie(request))
            if (auto caller = access_->by_session(*cookie, now)) return std::move(*caller);
        if (request.certificate)
            if (auto caller = anonymous_.certificate(*request.certificate, now))
                return std::move(*caller);
        return anonymous_.caller(request.peer, now);
    }
    std::expected<Caller, Problem> identify_token(std::string_view token,
                                                  std::string_view peer) override {
        if (access_->open()) return Caller::administrator("anonymous");
        return access_->by_token(token, false, peer, wall_now());
    }
    std::expected<Caller, Problem> identify_ticket(std::string_view ticket) override {
        if (access_->open()) return Caller::administrator("anonymous");
        return access_->by_ticket(ticket, wall_now());
    }
    bool stands(const Credential& credential) override {
        if (access_->open()) return true;
        if (credential.id.starts_with(rest::Anonymous::kId) ||
            credential.id.starts_with(rest::Anonymous::kCertificateId))
            return anonymous_.stands(credential, wall_now());
        return access_->stands(credential, wall_now());
    }
    std::uint64_t changes() const override {
        const WallTime now = wall_now();
        return access_->changes() + anonymous_.changes(now) +
               static_cast<std::uint64_t>(now / kLookAgain);
    }

private:
    /// `anode.token.<base64url>` among the subprotocols: how browsers bring a token.
    static std::optional<std::string> offered_token(const Request& request) {
        constexpr std::string_view kPrefix = "anode.token.";
        const auto offered = request.header("sec-websocket-protocol");
        if (!offered) return std::nullopt;
        for (std::string_view name : text::split(*offered, ',')) {
            name = text::trim(name);
            if (name.starts_with(kPrefix))
                return text::from_base64url(name.substr(kPrefix.size())).value_or("");
        }
        return std::nullopt;
    }

    std::shared_ptr<Access> access_;
    mutable rest::Anonymous anonymous_;
};

}  // namespace

std::unique_ptr<Authenticator> make_authenticator(const EdgeOptions& options, const Doors& doors) {
    auto access = Access::of(doors);
    access->configure(options.require_token, options.bootstrap_token_sha256);
    access->set_session_ends(options.session_idle, options.session_max);
    return std::make_unique<TokenAuthenticator>(std::move(access), doors.node);
}

}  // namespace anode::api
