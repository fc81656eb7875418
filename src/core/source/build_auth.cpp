#include "core/source/build.hpp"

namespace anode::source {

namespace {

SecretRef secret_of(const json::Value& v) { return read_secret_form(v).value(); }

Into into_of(const json::Value& v, Into fallback) {
    if (v.is_null()) return fallback;
    if (!v["header"].is_null()) return {Into::Where::Header, v["header"].string()};
    if (!v["query"].is_null()) return {Into::Where::Query, v["query"].string()};
    return {Into::Where::Variable, v["variable"].string()};
}

AuthHmac hmac_of(const json::Value& v) {
    AuthHmac made{.secret = secret_of(v["secret"]), .over = template_of(v["over"])};
    if (!v["key"].is_null()) made.key = filler_of(v["key"]);
    set(v["hash"], made.hash, {{"sha256", HashName::Sha256}, {"sha512", HashName::Sha512}});
    set(v["encode"], made.encode, {{"hex", Encode::Hex}, {"base64", Encode::Base64}});
    set(v["secret_base64"], made.secret_base64);
    made.into = into_of(v["into"], {});
    return made;
}

AuthJwt jwt_of(const json::Value& v) {
    AuthJwt made{.key = secret_of(v["key"])};
    set(v["alg"], made.alg,
        {{"ES256", AuthJwt::Alg::Es256},
         {"EdDSA", AuthJwt::Alg::EdDsa},
         {"HS256", AuthJwt::Alg::Hs256}});
    if (!v["claims"].is_null()) made.claims = JsonTemplate::parse(v["claims"]).value();
    if (!v["header"].is_null()) made.header = JsonTemplate::parse(v["header"]).value();
    set(v["ttl"], made.ttl);
    made.into = into_of(v["into"], made.into);
    return made;
}

}  // namespace

void build_auth(const json::Value& root, Definition& made) {
    const json::Value v = root["auth"];
    const std::string type = v["type"].string();
    if (type == "bearer") made.auth = AuthBearer{secret_of(v["token"])};
    if (type == "basic") made.auth = AuthBasic{filler_of(v["user"]), secret_of(v["password"])};
    if (type == "header") made.auth = AuthHeader{v["name"].string(), filler_of(v["value"])};
    if (type == "query") made.auth = AuthQuery{v["name"].string(), filler_of(v["value"])};
    if (type == "url") made.auth = AuthUrl{secret_of(v["secret"])};
    if (type == "hmac") made.auth = hmac_of(v);
    if (type == "jwt") made.auth = jwt_of(v);
    if (type == "oauth2") {
        AuthOAuth2 oauth{
            v["token_url"].string(), filler_of(v["client_id"]), secret_of(v["client_secret"]), {}};
        set(v["scope"], oauth.scope);
        made.auth = std::move(oauth);
    }
}

}  // namespace anode::source
