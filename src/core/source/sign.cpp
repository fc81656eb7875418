#include "core/source/sign.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <type_traits>

#include "base/text.hpp"
#include "core/json/json.hpp"
#include "core/source/sign_parts.hpp"

namespace anode::source {

Result<Bytes> hmac(HashName hash, BytesView key, BytesView data) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    const EVP_MD* const kind = hash == HashName::Sha256 ? EVP_sha256() : EVP_sha512();
    const auto* const bytes = reinterpret_cast<const unsigned char*>(data.data());
    if (HMAC(kind, key.data(), static_cast<int>(key.size()), bytes, data.size(), digest, &size) ==
        nullptr) {
        return fail(Errc::Internal, "HMAC cannot be computed");
    }
    return Bytes(reinterpret_cast<const char*>(digest), size);
}

void append_query(std::string& url, std::string_view name, std::string_view value) {
    const std::size_t fragment = std::min(url.find('#'), url.size());
    const std::size_t question = url.find('?');
    std::string more;
    if (question > fragment) {
        more = "?";
    } else if (question + 1 != fragment && url[fragment - 1] != '&') {
        more = "&";
    }
    more += text::percent_encode(name) + "=" + text::percent_encode_query(value);
    url.insert(fragment, more);
}

void put_header(Outgoing& request, std::string_view name, std::string value) {
    for (auto& [known, held] : request.headers) {
        if (!text::iequals(known, name)) continue;
        held = std::move(value);
        return;
    }
    request.headers.emplace_back(name, std::move(value));
}

void put_into(Outgoing& request, const Into& into, std::string value) {
    switch (into.where) {
        case Into::Where::Header:
            return put_header(request, into.name, std::move(value));
        case Into::Where::Query:
            return append_query(request.url, into.name, value);
        case Into::Where::Variable:
            request.variables.insert_or_assign(into.name, std::move(value));
            return;
    }
}

Result<std::string> secret_value(const SecretRef& reference, const Context& context) {
    if (context.secrets == nullptr) return fail(Errc::NotFound, "no secrets can be had here");
    return context.secrets->value(reference);
}

namespace {

/// The variables of `over`: what is about to be sent, beside what was captured.
Variables variables_of(const Outgoing& request, const Context& context) {
    Variables all = context.variables != nullptr ? *context.variables : Variables();
    for (const auto& [name, value] : request.variables) all.insert_or_assign(name, value);
    const std::string_view url = request.url;
    const std::size_t scheme = url.find("://");
    const std::size_t host = scheme == std::string_view::npos ? 0 : scheme + 3;
    const std::size_t path = std::min(url.find_first_of("/?#", host), url.size());
    const std::size_t query = std::min(url.find('?', path), url.size());
    const std::size_t end = std::min(url.find('#', path), url.size());
    const std::size_t path_end = std::min(query, end);
    all["method"] = request.method;
    all["host"] = url.substr(host, path - host);
    all["path"] = path < path_end ? std::string(url.substr(path, path_end - path)) : "/";
    all["query"] = query < end ? std::string(url.substr(query + 1, end - query - 1)) : "";
    all["body"] = request.body;
    return all;
}

struct Signing {
    Outgoing& request;
    const Context& context;
    std::string_view oauth_token;

    Result<void> operator()(std::monostate) const { return {}; }
    Result<void> operator()(const AuthUrl&) const { return {}; }  // the URL was filled with it

    Result<void> operator()(const AuthBearer& auth) const {
        auto token = secret_value(auth.token, context);
        if (!token) return std::unexpected(token.error());
        put_header(request, "Authorization", "Bearer " + *token);
        return {};
    }

    Result<void> operator()(const AuthBasic& auth) const {
        auto user = auth.user.text(context);
        if (!user) return std::unexpected(user.error());
        auto password = secret_value(auth.password, context);
        if (!password) return std::unexpected(password.error());
        put_header(request, "Authorization", "Basic " + text::base64(*user + ":" + *password));
        return {};
    }

    Result<void> operator()(const AuthHeader& auth) const {
        return fill(auth.value, {Into::Where::Header, auth.name});
    }
    Result<void> operator()(const AuthQuery& auth) const {
        return fill(auth.value, {Into::Where::Query, auth.name});
    }

    Result<void> operator()(const AuthHmac& auth) const {
        Variables variables = variables_of(request, context);
        if (auth.key) {
            auto key = auth.key->text(context);
            if (!key) return std::unexpected(key.error());
            variables["key"] = *key;
        }
        Context inner = context;
        inner.variables = &variables;
        auto over = auth.over.text(inner);
        if (!over) return std::unexpected(over.error());
        auto secret = secret_value(auth.secret, context);
        if (!secret) return std::unexpected(secret.error());
        if (auth.secret_base64) {
            auto bytes = text::from_base64(*secret);
            if (!bytes) return fail(Errc::Malformed, "the secret of the signature is no base64");
            *secret = std::move(*bytes);
        }
        auto digest = hmac(auth.hash, *secret, *over);
        if (!digest) return std::unexpected(digest.error());
        put_into(request, auth.into,
                 auth.encode == Encode::Hex ? text::hex(*digest) : text::base64(*digest));
        return {};
    }

    Result<void> operator()(const AuthJwt& auth) const {
        auto token = mint_jwt(auth, context);
        if (!token) return std::unexpected(token.error());
        const bool bearer = auth.into.where == Into::Where::Header &&
                            text::iequals(auth.into.name, "Authorization");
        put_into(request, auth.into, bearer ? "Bearer " + *token : *token);
        return {};
    }

    Result<void> operator()(const AuthOAuth2&) const {
        if (oauth_token.empty()) return fail(Errc::Refused, "no access token yet");
        put_header(request, "Authorization", "Bearer " + std::string(oauth_token));
        return {};
    }

    Result<void> fill(const Filler& value, const Into& into) const {
        auto text = value.text(context);
        if (!text) return std::unexpected(text.error());
        put_into(request, into, std::move(*text));
        return {};
    }
};

}  // namespace

Result<Variables> auth_variables(const Auth& auth, const Secrets& secrets) {
    Variables made;
    const Context context{.secrets = &secrets};
    if (const auto* url = std::get_if<AuthUrl>(&auth)) {
        auto secret = secrets.value(url->secret);
        if (!secret) return std::unexpected(secret.error());
        made["secret"] = std::move(*secret);
    }
    if (const auto* signer = std::get_if<AuthHmac>(&auth); signer != nullptr && signer->key) {
        auto key = signer->key->text(context);
        if (!key) return std::unexpected(key.error());
        made["key"] = std::move(*key);
    }
    return made;
}

Result<void> sign(const Auth& auth, Outgoing& request, const Context& context,
                  std::string_view oauth_token) {
    return std::visit(Signing{request, context, oauth_token}, auth);
}

// -- OAuth2 ---------------------------------------------------------------------------------------------------

Result<Outgoing> token_request(const AuthOAuth2& auth, const Context& context) {
    auto id = auth.client_id.text(context);
    if (!id) return std::unexpected(id.error());
    auto secret = secret_value(auth.client_secret, context);
    if (!secret) return std::unexpected(secret.error());
    Outgoing request{.method = "POST", .url = auth.token_url};
    request.body = "grant_type=client_credentials";
    if (!auth.scope.empty()) request.body += "&scope=" + text::percent_encode(auth.scope);
    request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    request.headers.emplace_back("Accept", "application/json");
    // RFC 6749, section 2.3.1: both halves are encoded as in a form before they are joined.
    put_header(
        request, "Authorization",
        "Basic " + text::base64(text::percent_encode(*id) + ":" + text::percent_encode(*secret)));
    return request;
}

Result<AccessToken> parse_token(std::string_view body, WallTime now) {
    json::Document document;
    if (auto parsed = document.parse(body); !parsed)
        return fail(Errc::Malformed, "the answer with the token is no JSON");
    const json::Value root = document.root();
    if (const json::Value error = root["error"]; error.is_string())
        return fail(Errc::Refused, "no token: " + text::printable(error.string()));
    AccessToken made{.token = root["access_token"].string()};
    if (made.token.empty()) return fail(Errc::Malformed, "the answer has no `access_token`");
    const auto seconds = root["expires_in"].number();
    if (!seconds || *seconds <= 0 || *seconds > 1e9) return made;
    const auto life = static_cast<WallTime>(*seconds * 1e6);
    made.expires = now + life;
    made.renew_at = made.expires - std::min<WallTime>(life / 10, 60'000'000);
    return made;
}

}  // namespace anode::source
