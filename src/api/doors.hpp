#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/cluster_door.hpp"
#include "base/hash.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"
#include "core/message/block.hpp"
#include "core/message/topic.hpp"
#include "store/store.hpp"

/// What the API asks of the node behind it. Implemented in app/, faked in tests.
/// Thread: every method from any thread. Callbacks run on a thread of the node (engine or store), must not block, and
/// usually post to the caller's own loop.
namespace anode {
class TlsServer;
}

namespace anode::api {

class ClusterState;
class ForwardDoor;
class RateLimits;
struct ForwardedRequest;
struct ForwardedAnswer;

template <class T>
using Reply = std::move_only_function<void(T)>;

// -- publishing -----------------------------------------------------------------------------------

enum class Ack : std::uint8_t { Received, Disk };
/// When a publisher is answered: in memory, synced here, or synced on `copies` nodes, this one included.
struct AckLevel {
    Ack ack = Ack::Disk;
    unsigned copies = 1;

    static constexpr unsigned kCopiesMax = 100;
    /// `received`, `disk`, `copies:N`; nothing for anything else.
    static std::optional<AckLevel> parse(std::string_view text);
    [[nodiscard]] std::string text() const;
};

/// A message to publish, owning its parts. Payload is compact, valid JSON if `content_type` is empty.
struct PublishItem {
    std::string topic;
    Bytes payload;
    std::string content_type;
    std::string key;
    Kind kind = Kind::Set;
    std::optional<WallTime> source_time;
    std::string trace;
};
struct PublishRequest {
    std::vector<PublishItem> items;
    AckLevel level;
    std::string idempotency_key;  ///< empty: none. Scoped by the first item's topic
    Hash128 body_hash;            ///< of the request's body, to tell a reused key
};
struct PublishResult {
    std::vector<MessageId> ids;  ///< one per item, in order; of the first request if `repeated`
    AckLevel level;              ///< reached
    bool repeated = false;       ///< the key was known: nothing was added
};
/// Errors: Conflict (key reused with another body), Overloaded, NoSpace, Closed (draining); Timeout (stored here, but not on as
/// many nodes as were asked for).
class Publishing {
public:
    virtual ~Publishing() = default;
    virtual void publish(PublishRequest request, Reply<Result<PublishResult>> reply) = 0;
    /// On how many nodes, this one included, a message could be kept now. Any thread.
    [[nodiscard]] virtual unsigned nodes() const { return 1; }
    /// Hands a pushed body to a webhook source. Errors: NotFound, Refused (signature), Malformed, Overloaded.
    struct Push {
        std::string source;
        Bytes body;
        std::vector<std::pair<std::string, std::string>> headers;
    };
    virtual void push(Push push, Reply<Result<PublishResult>> reply) = 0;
    /// What a publisher gets that asks for no level. Any thread.
    [[nodiscard]] virtual AckLevel default_level() const { return {}; }
};

// -- live blocks ----------------------------------------------------------------------------------

class LiveFeed {
public:
    virtual ~LiveFeed() = default;
    /// From now on every block, in order of arrival, is given to `sink` on the engine's thread. The answer is the last
    /// arrival before the first one given. Detaching waits for a running call.
    using Sink = std::function<void(const BlockPtr&)>;
    virtual std::uint64_t attach(Sink sink, Arrival& head) = 0;
    virtual void detach(std::uint64_t id) = 0;
};

// -- stored objects: sources, pipelines, retention ----------------------------------------------------

struct ObjectError {
    std::string pointer;  ///< JSON pointer into the definition
    std::string code;     ///< "invalid", "address-blocked"
    std::string detail;
};
struct Failure {
    enum class Why : std::uint8_t {
        NotFound,
        Exists,
        Invalid,
        AddressBlocked,
        Stale,
        ReadOnly,
        TooLarge,
        Unavailable,
        RateLimited,  ///< too many changes at once: try again
    } why;
    std::string detail;
    std::vector<ObjectError> errors;
};
template <class T>
using Outcome = std::expected<T, Failure>;

struct Object {
    Bytes json;        ///< definition (secrets redacted) and state in one flat object
    std::string etag;  ///< without quotes
};
struct Write {
    std::string name;    ///< from the path; empty for POST (then from the body)
    Bytes body;          ///< JSON
    bool patch = false;  ///< RFC 7396
    bool create_only = false;
    bool must_exist = false;
    std::optional<std::string> if_match;
    bool dry_run = false;
    std::string actor;  ///< for the audit
};
struct Written {
    Object object;
    bool created = false;
};
class Objects {
public:
    virtual ~Objects() = default;
    virtual void list(Reply<std::vector<Object>> reply) = 0;
    virtual void get(std::string name, Reply<Outcome<Object>> reply) = 0;
    virtual void write(Write write, Reply<Outcome<Written>> reply) = 0;
    virtual void remove(std::string name, std::string actor, Reply<Outcome<void>> reply) = 0;
    /// Only if the object still has this tag (`*`: any); Stale if not.
    virtual void remove_if(std::string name, std::string etag, std::string actor,
                           Reply<Outcome<void>> reply);
    /// Verbs of the kind (`enable`, `restart`, `test`, …) and sub-resources (`events`, `errors`, `items`, `samples`):
    /// JSON in, JSON out. `name` is empty for verbs of the collection (`:test`, `:probe`, `:schema`).
    virtual void act(std::string name, std::string verb, Bytes body, std::string actor,
                     Reply<Outcome<Bytes>> reply) = 0;
};

// -- the node itself ------------------------------------------------------------------------------------

/// Facts that do not change while the process runs.
struct NodeFacts {
    NodeId id;
    std::string id_text;  ///< `n-…`
    std::string name;
    std::string cluster;
    std::string zone;
    std::string version;
    WallTime started = 0;
};

struct Check {
    std::string name, status, detail;  ///< status: ok, warn, fail
    WallTime since = 0;
};

class NodeControl {
public:
    virtual ~NodeControl() = default;
    [[nodiscard]] virtual const NodeFacts& facts() const = 0;
    [[nodiscard]] virtual std::vector<Check> health() const = 0;  ///< cheap, no I/O
    [[nodiscard]] virtual bool ready() const = 0;
    [[nodiscard]] virtual bool draining() const = 0;
    virtual void drain(bool on, std::string actor) = 0;
    virtual void shutdown() = 0;
    /// Ready JSON of `/v1/config`, `:check` (body TOML), `:reload`. An error carries the complaints as a JSON array of
    /// {"pointer","code","detail"} in Failure::errors.
    virtual Bytes config() const = 0;
    virtual Outcome<Bytes> check_config(std::string_view toml) = 0;
    virtual void reload(std::string actor, Reply<Outcome<Bytes>> reply) = 0;
    /// The last log lines as they were written, oldest first; secrets are in none of them.
    [[nodiscard]] virtual Bytes recent_log() const { return {}; }
    /// Writes a system message: `$sys.event.<kind>`, `$sys.audit`, `$sys.gap`. JSON payload.
    virtual void system_message(std::string topic, Bytes json) = 0;
    /// A gap told to somebody: gives it an id `g-…`, writes it to the ledger (`$sys.gap`), returns the id.
    virtual std::string record_gap(std::string_view scope, std::string_view reason,
                                   Bytes details_json_members) = 0;
};

/// Limits of interfaces section 16 that the edge enforces.
struct EdgeLimits {
    std::size_t header_bytes_max = 16 << 10;
    std::size_t headers_max = 100;
    Duration header_wait = 10s, body_wait = 30s, idle = 75s;
    std::size_t body_bytes_max = 16 << 20, inflated_bytes_max = 32 << 20;
    std::size_t inflate_ratio_max = 100;
    std::size_t listeners_max = 20'000, listeners_per_address_max = 200;
    std::size_t subscriptions_max = 128, patterns_max = 64;
    std::size_t queue_bytes_max = 256 << 10, queue_messages_max = 4096;
    std::uint64_t requests_per_second = 0,
                  messages_per_second = 0;  ///< of each caller; 0: no limit
};

/// Everything the edge stands on. Outlives it.
struct Doors {
    Publishing& publishing;
    LiveFeed& live;
    Store& store;
    Objects& sources;
    Objects& pipelines;
    Objects& retention;
    NodeControl& node;
    ClusterDoor& cluster;
    metrics::Registry& metrics;
    EdgeLimits limits;
    ForwardDoor* forward = nullptr;  ///< none: no other node can be reached from here
    MeshDoor* mesh = nullptr;        ///< none: this node takes no part in a mesh
    ClusterState* state =
        nullptr;  ///< none: credentials cannot be made here, and nobody is waited for
    RateLimits* rates = nullptr;  ///< the edge's own; set by it
};

struct EdgeOptions {
    std::vector<std::string> listen;  ///< `127.0.0.1:7945`, `[::1]:7945`
    std::string socket;               ///< Unix socket path, empty for none
    std::vector<std::string> allowed_origins;
    std::string public_url;
    std::vector<std::string> trusted_proxies;  ///< networks whose X-Forwarded-* count
    std::shared_ptr<const TlsServer> tls;      ///< null: HTTP in clear
    Duration session_idle = 1h, session_max = 12h;
    bool require_token = false;          ///< auth.mode = "tokens"
    std::string bootstrap_token_sha256;  ///< hex; the admin token of the first start
    unsigned threads = 1;
    Duration drain_grace = 5s;
};

/// The edge of the node: HTTP, WebSocket, SSE. Runs its own threads from start() to stop().
class Edge {
public:
    /// Binds; the error names the address.
    static Result<std::unique_ptr<Edge>> start(const EdgeOptions& options, Doors doors);
    virtual ~Edge() = default;
    virtual void set_origins(std::vector<std::string> allowed) = 0;
    /// New connections are greeted with this certificate; those that are open go on with theirs.
    virtual void set_tls(std::shared_ptr<const TlsServer> tls) = 0;
    /// Carries out what another node of the cluster has let through (see forward_door.hpp). From any thread; the reply comes
    /// on a thread of the edge, or is dropped if that ends first.
    virtual void serve(ForwardedRequest request, Reply<ForwardedAnswer> reply) = 0;
    /// Tells listeners `drain`, waits up to the grace time, closes them (4503/1012), stops accepting.
    virtual void stop() = 0;
    [[nodiscard]] virtual std::vector<std::string> addresses()
        const = 0;  ///< bound, with real ports
};

}  // namespace anode::api
