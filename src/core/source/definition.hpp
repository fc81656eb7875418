#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "core/expr/expr.hpp"
#include "core/message/message.hpp"
#include "core/source/definition_poll.hpp"
#include "core/source/definition_shape.hpp"
#include "core/source/definition_stream.hpp"
#include "core/source/secret.hpp"
#include "core/source/template.hpp"
#include "core/source/values.hpp"

/// One source, parsed, checked and compiled: what recipes.md describes. Fields bear the names of
/// the keys. Made by parse() of grammar.hpp only; immutable then, shared between machines by
/// pointer to const.
namespace anode::source {

enum class Type : std::uint8_t { Websocket, Rest, Sse, Webhook, File, Test };
std::string_view name(Type type) noexcept;

/// `url` as a list: tried in order, or two at a time with both kept.
enum class Urls : std::uint8_t { Order, Race };

/// One value, a list (the parameter is repeated), or a list joined by `join`. A list's element that
/// mentions an item stands for one element per item of the batch.
struct QueryValue {
    std::string name;
    std::vector<Filler> of;
    bool list = false;
    std::optional<std::string> join;
};

struct Header {
    std::string name;
    Filler value;
};

struct HttpSpec {
    std::string method = "GET";
    std::optional<MessageTemplate> body;
    std::string user_agent;   ///< empty: the product's own
    std::string proxy;        ///< empty: none
    std::string subprotocol;  ///< empty: none
    std::string origin;       ///< empty: none
    bool deflate = false;     ///< offer permessage-deflate
    Duration timeout = 10s;
    struct Tls {
        std::string ca;  ///< PEM file; empty: the system's
        bool insecure = false;
        std::string server_name;  ///< empty: the URL's host
    } tls;
};

/// One list of `items`.
struct ItemList {
    std::string name;
    std::vector<Item> fixed;  ///< each element with its fields under this list's name
    struct Fetched {
        Template get;
        std::variant<expr::Path, expr::Program>
            select;  ///< a path explodes arrays; an expression gives one array
        Duration every = 1h;
    };
    std::optional<Fetched> fetched;
};

struct Shard {
    std::uint32_t items = 0;  ///< per connection; 0: all on one
    struct Route {
        expr::Program match;  ///< over an object of the item's fields
        Template url;
    };
    std::vector<Route> route;  ///< first match wins; no match: `url`
};

struct RateSpec {
    std::optional<Rate> connects, messages, requests;
    std::uint32_t concurrency = 0;  ///< requests at a time; 0: no limit of its own
    bool count_control = false;     ///< pings and pongs count as messages
    std::string remaining;          ///< header that tells what is left
    std::string retry_after;        ///< header that tells when to come back, beside Retry-After
    enum class Per : std::uint8_t { Source, Provider } per = Per::Source;
};

struct BackoffSpec {
    Duration min = 1s, max = 60s;
    enum class ResetAfter : std::uint8_t { Data, Connect } reset_after = ResetAfter::Data;
    std::uint32_t auth_retries = 1;  ///< after 401 and 403, then `failed`
};

/// An answer before the upgrade or of a poll.
struct ErrorRule {
    std::optional<std::uint32_t> status;
    std::optional<expr::Program> match;  ///< over the body
    enum class Do : std::uint8_t { Fail, Limit, Restart, Ignore } what = Do::Fail;  ///< key `do`
};

struct LimitsSpec {
    std::uint64_t frame = 16 << 20;
    std::uint64_t queue = 8 << 20;
    enum class Full : std::uint8_t { Stop, Drop, Conflate } full = Full::Stop;
    std::uint32_t rows_per_frame = 100'000;
};

struct Placement {
    std::string zone, node;  ///< empty: any
    enum class Standby : std::uint8_t { None, Warm, Race } standby = Standby::None;
    enum class OnIsolation : std::uint8_t { Continue, Pause } on_isolation = OnIsolation::Continue;
};

// -- auth, section 8
// --------------------------------------------------------------------------------------

enum class HashName : std::uint8_t { Sha256, Sha512 };
enum class Encode : std::uint8_t { Hex, Base64 };

struct AuthBearer {
    SecretRef token;
};
struct AuthBasic {
    Filler user;
    SecretRef password;
};
struct AuthHeader {
    std::string name;
    Filler value;
};
struct AuthQuery {
    std::string name;
    Filler value;
};
struct AuthUrl {
    SecretRef secret;
};  ///< fills `{$secret}` of the URL
struct Into {
    enum class Where : std::uint8_t { Header, Query, Variable } where = Where::Header;
    std::string name;
};
struct AuthHmac {
    std::optional<Filler> key;  ///< the public half, as `{$key}` in templates
    SecretRef secret;
    HashName hash = HashName::Sha256;
    Template over;  ///< with `{$method} {$path} {$query} {$body} {$host} {$key}` and `{now:…}`
    Encode encode = Encode::Hex;
    bool secret_base64 = false;  ///< the secret is base64 text of the key's bytes
    Into into;
};
struct AuthJwt {
    enum class Alg : std::uint8_t { Es256, EdDsa, Hs256 } alg = Alg::Es256;
    SecretRef key;        ///< PEM, or the bytes for HS256
    JsonTemplate claims;  ///< `iat` and `exp` are added
    JsonTemplate header;  ///< members beside `alg` and `typ`; may be empty
    Duration ttl = 120s;
    Into into{Into::Where::Header, "Authorization"};  ///< Authorization gets `Bearer `
};
struct AuthOAuth2 {
    std::string token_url;
    Filler client_id;
    SecretRef client_secret;
    std::string scope;
};
using Auth = std::variant<std::monostate, AuthBearer, AuthBasic, AuthHeader, AuthQuery, AuthUrl,
                          AuthHmac, AuthJwt, AuthOAuth2>;

// -- other types, section 9
// -------------------------------------------------------------------------------

struct VerifySpec {
    std::string header;  ///< holds the signature
    SecretRef secret;
    Template over;          ///< default `{$body}`; also `{$timestamp}`
    std::string timestamp;  ///< header that holds the seconds since 1970; empty: none is checked
    std::string prefix;     ///< in front of the signature, such as `sha256=`
    HashName hash = HashName::Sha256;
    Encode encode = Encode::Hex;
    Duration tolerance = 5min;
};

struct FileSpec {
    std::string path;  ///< NDJSON; `.gz`, `.zst`; `-` is stdin
    bool follow = false;
    std::optional<double> speed;  ///< times real time; none: as fast as it goes
    std::optional<expr::Path>
        speed_time;  ///< which field is the time (`speed = { times = 1, at = PATH }`)
};

struct TestSpec {
    Rate rate{10, 1s};
    std::uint32_t keys = 10;
    enum class Shape : std::uint8_t { Trade, Sensor, Counter } shape = Shape::Trade;
    std::uint64_t seed = 1;
};

// -- the whole
// ----------------------------------------------------------------------------------------------

struct Definition {
    std::string name;
    Type type = Type::Websocket;
    bool enabled = true;
    std::vector<std::pair<std::string, std::string>> labels;
    std::vector<Template> url;  ///< one, or several with `urls`; empty for webhook, file, test
    Urls urls = Urls::Order;
    std::vector<Header> headers;
    std::vector<QueryValue> query;
    HttpSpec http;
    std::vector<ItemList> items;  ///< several: their product (see items.hpp)
    Shard shard;
    std::vector<Step> connect;
    AliveSpec alive;
    std::vector<Decode> decode;
    std::vector<ClassifyRule> classify;
    Shape shape;  ///< topic, rows, columns, parent, map, require, drop
    std::optional<DedupeSpec> dedupe;
    ContinuitySpec continuity;
    std::optional<SnapshotSpec> snapshot;
    std::optional<BackfillSpec> backfill;
    std::optional<ResumeSpec> resume;
    PollSpec poll;
    RateSpec rate;
    BackoffSpec backoff;
    std::vector<ErrorRule> errors;
    Auth auth;
    LimitsSpec limits;
    Placement placement;
    std::string weakness;
    std::optional<VerifySpec> verify;
    std::vector<std::string> events;  ///< sse: names taken; empty: all
    FileSpec file;
    TestSpec test;

    [[nodiscard]] const std::string* label(std::string_view label) const noexcept;
    /// Whether no client frame may follow the last step (`final = true`).
    [[nodiscard]] bool silent_after_connect() const noexcept {
        return !connect.empty() && connect.back().final;
    }
};

}  // namespace anode::source
