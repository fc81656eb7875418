#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "core/source/definition.hpp"
#include "core/source/template.hpp"

/// Credentials of outgoing requests and of pushes. Source: recipes, sections 8 and 9.
namespace anode::source {

/// A request or handshake about to leave.
struct Outgoing {
    std::string method = "GET";
    std::string url;  ///< absolute; `query` goes into it
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    Variables variables;  ///< what `into = { variable = … }` sets, for `send` templates; shared
                          ///< with the connection
};

/// Variables that URL templates need before they are filled: `{$secret}` of type `url`, `{$key}` of
/// `hmac`.
Result<Variables> auth_variables(const Auth& auth, const Secrets& secrets);

/// Adds what `auth` asks for: headers, query parameters, variables. `context` gives time and
/// captured variables; its secrets must be set. `oauth_token` is the access token where the type is
/// oauth2 (Refused without one). Errors: NotFound (secret), Malformed (key material), Refused.
Result<void> sign(const Auth& auth, Outgoing& request, const Context& context,
                  std::string_view oauth_token = {});

/// A JWT of this moment (also for `send` variables). Errors as sign().
Result<std::string> mint_jwt(const AuthJwt& jwt, const Context& context);

// -- OAuth2, client credentials (RFC 6749, section 4.4)
// ---------------------------------------------------

struct AccessToken {
    std::string token;
    WallTime expires = 0;   ///< 0: not told
    WallTime renew_at = 0;  ///< before it ends by a tenth of its life, at most a minute; 0: never
};
Result<Outgoing> token_request(const AuthOAuth2& auth, const Context& context);
Result<AccessToken> parse_token(std::string_view body, WallTime now);

// -- pushes
// ---------------------------------------------------------------------------------------------------

/// Whether a push bears a good signature, compared in constant time. `header` gives a header's
/// value or nothing. Errors: Refused (words say what is missing, never what was expected), NotFound
/// (secret).
Result<void> verify_push(
    const VerifySpec& verify, BytesView body,
    const std::function<std::optional<std::string_view>(std::string_view)>& header, WallTime now,
    const Secrets& secrets);

// -- parts
// ----------------------------------------------------------------------------------------------------

Result<Bytes> hmac(HashName hash, BytesView key, BytesView data);
/// Appends `name=value` (percent-encoded) to the query of `url`, before a fragment.
void append_query(std::string& url, std::string_view name, std::string_view value);

}  // namespace anode::source
