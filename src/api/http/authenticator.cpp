#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "api/routes.hpp"
#include "base/text.hpp"

namespace anode::api {

namespace {

/// With auth off everybody is an administrator.
class Open final : public Authenticator {
public:
    std::expected<Caller, Problem> identify(const Request&) override {
        return Caller::administrator("anonymous");
    }
    std::expected<Caller, Problem> identify_token(std::string_view) override {
        return Caller::administrator("anonymous");
    }
    std::expected<Caller, Problem> identify_ticket(std::string_view) override {
        return Caller::administrator("anonymous");
    }
};

/// The administrator's token of the first start, until tokens of the cluster's own exist.
class Bootstrap final : public Authenticator {
public:
    explicit Bootstrap(std::string sha256_hex) : sha256_hex_(text::lower(sha256_hex)) {}

    std::expected<Caller, Problem> identify(const Request& request) override {
        if (const auto header = request.header("authorization")) {
            if (header->size() > 7 && text::iequals(header->substr(0, 7), "bearer "))
                return identify_token(text::trim(header->substr(7)));
            return std::unexpected(wrong());
        }
        if (const auto offered = request.header("sec-websocket-protocol")) {
            for (std::string_view name : text::split(*offered, ',')) {
                name = text::trim(name);
                constexpr std::string_view kPrefix = "anode.token.";
                if (!name.starts_with(kPrefix)) continue;
                const auto token = text::from_base64url(name.substr(kPrefix.size()));
                return token ? identify_token(*token) : std::unexpected(wrong());
            }
        }
        return Caller{};
    }
    std::expected<Caller, Problem> identify_token(std::string_view token) override {
        unsigned char digest[SHA256_DIGEST_LENGTH];
        ::SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), digest);
        const std::string hex =
            text::hex(BytesView(reinterpret_cast<const char*>(digest), sizeof digest));
        if (hex.size() == sha256_hex_.size() &&
            ::CRYPTO_memcmp(hex.data(), sha256_hex_.data(), hex.size()) == 0)
            return Caller::administrator("bootstrap");
        return std::unexpected(wrong());
    }
    std::expected<Caller, Problem> identify_ticket(std::string_view) override {
        return std::unexpected(wrong());
    }

private:
    static Problem wrong() {
        Problem problem{401, "unauthenticated", "the credential is not valid", {}, {}, {}};
        problem.headers.emplace_back("WWW-Authenticate", "Bearer");
        return problem;
    }
    std::string sha256_hex_;
};

}  // namespace

std::unique_ptr<Authenticator> make_authenticator(const EdgeOptions& options, const Doors&) {
    if (!options.require_token) return std::make_unique<Open>();
    return std::make_unique<Bootstrap>(options.bootstrap_token_sha256);
}

}  // namespace anode::api
