#include "api/table/parameters.hpp"

/// Rows about cluster, storage, access and configuration. Source: interfaces, section 10.
namespace anode::api::table {

using namespace parameter;

namespace {

constexpr std::string_view kJson = "application/json";

struct Verb {
    std::string_view path, summary, body, example, answer;
    int status = 200;
};

void add_verb(std::vector<Operation>& rows, const Verb& verb,
              std::vector<std::string_view> problems) {
    rows.push_back({.method = Method::Post,
                    .path = verb.path,
                    .role = Role::Admin,
                    .summary = verb.summary,
                    .bodies = {{kJson, verb.body, verb.example}},
                    .body_required = verb.body != "Empty",
                    .answers = {{verb.status, kJson, verb.answer, "Done"}},
                    .problems = std::move(problems)});
}

void add_cluster(std::vector<Operation>& rows) {
    rows.push_back(
        {.path = "/v1/cluster",
         .role = Role::Viewer,
         .summary = "The cluster in one object: counts, rates, health, versions",
         .parameters = {{.name = "members", .text = "Each member with its load", .is = Is::Flag}},
         .answers = {{200, kJson, "Cluster", "The cluster"}},
         .example = "/v1/cluster"});
    const std::vector<std::string_view> problems{"conflict", "not-found", "forbidden",
                                                 "peer-failed", "peer-timeout"};
    add_verb(rows,
             {"/v1/cluster:join", "Add contacts; they are tried from now on", "Contacts",
              R"({"addresses":["10.1.0.11"]})", "Contacts", 202},
             problems);
    add_verb(rows,
             {"/v1/cluster:leave", "Make this node leave the cluster", "Empty", "", "NodeState"},
             problems);
    add_verb(rows,
             {"/v1/cluster:forget", "Remove a dead or left node from the view of all", "NodeId",
              R"({"id":"n-7f3a91000001"})", "NodeState"},
             problems);
    rows.push_back(
        {.path = "/v1/nodes",
         .role = Role::Viewer,
         .summary = "All members of the cluster with their state; this node with its load",
         .parameters = {kLimit, kAfter},
         .answers = {{200, kJson, "NodePage", "A page, by id"}},
         .example = "/v1/nodes"});
    rows.push_back({.path = "/v1/nodes/{id}",
                    .role = Role::Viewer,
                    .summary = "One node",
                    .answers = {{200, kJson, "Node", "The node"}}});
    const std::vector<std::string_view> forwarded{"not-found", "peer-failed", "peer-timeout",
                                                  "conflict"};
    add_verb(rows,
             {"/v1/nodes/{id}:drain", "Make a node hand over its work and refuse new traffic",
              "Empty", "", "NodeState"},
             forwarded);
    add_verb(rows,
             {"/v1/nodes/{id}:undrain", "Make a drained node take traffic again", "Empty", "",
              "NodeState"},
             forwarded);
    add_verb(rows,
             {"/v1/nodes/{id}:shutdown", "Drain a node and end it", "Empty", "", "NodeState", 202},
             forwarded);
    add_verb(rows,
             {"/v1/nodes/{id}:reload", "Make a node read its configuration again", "Empty", "",
              "Reloaded"},
             forwarded);
    rows.push_back({.path = "/v1/view",
                    .role = Role::Viewer,
                    .summary = "What this node runs, in short: its sources with state and rate",
                    .parameters = {kNode},
                    .answers = {{200, kJson, "View", "What it runs"}},
                    .example = "/v1/view"});
    rows.push_back(
        {.path = "/v1/mesh",
         .role = Role::Viewer,
         .summary = "Links to other nodes, and how far the node is with each log",
         .parameters = {kNode, {.name = "logs", .text = "Show each log", .is = Is::Flag}},
         .answers = {{200, kJson, "Mesh", "The mesh"}},
         .example = "/v1/mesh"});
    rows.push_back({.path = "/v1/gossip",
                    .role = Role::Viewer,
                    .summary = "Membership as this node sees it",
                    .parameters = {kNode},
                    .answers = {{200, kJson, "Gossip", "The view"}},
                    .example = "/v1/gossip"});
    rows.push_back({.path = "/v1/gossip/keys",
                    .role = Role::Admin,
                    .summary = "Fingerprints of the gossip keys of every node",
                    .parameters = {kNode},
                    .answers = {{200, kJson, "Keys", "The keys of each member"}},
                    .problems = {"peer-timeout"}});
    add_verb(rows,
             {"/v1/gossip/keys:install",
              "Give every node a further key: the one of the body, or a fresh one", "KeyWish",
              R"({})", "Keys"},
             problems);
    add_verb(rows,
             {"/v1/gossip/keys:use", "Make a key that every node has the one that seals", "KeyName",
              R"({"fingerprint":"0123456789abcdef"})", "Keys"},
             problems);
    add_verb(rows,
             {"/v1/gossip/keys:remove", "Take a key that no node seals with from every node",
              "KeyName", R"({"fingerprint":"0123456789abcdef"})", "Keys"},
             problems);
    rows[rows.size() - 3].body_required = false;
}

void add_storage(std::vector<Operation>& rows) {
    rows.push_back({.path = "/v1/storage",
                    .role = Role::Viewer,
                    .summary = "Sizes, queue and disk of the local store",
                    .parameters = {kNode},
                    .answers = {{200, kJson, "Storage", "The store"}},
                    .example = "/v1/storage"});
    rows.push_back({.method = Method::Post,
                    .path = "/v1/storage:compact",
                    .role = Role::Admin,
                    .summary = "Compact the store now",
                    .parameters = {kDryRun, kNodeOfWrite},
                    .bodies = {{kJson, "Empty", ""}},
                    .answers = {{200, kJson, "Compacted", "Sizes before and after"}}});
    rows.push_back(
        {.method = Method::Post,
         .path = "/v1/storage:verify",
         .role = Role::Admin,
         .summary = "Read blocks back and check their sums",
         .text =
             "Reads for some seconds; `next` is the `after` of the next call. It changes nothing.",
         .parameters = {kAfter, kNodeOfWrite},
         .bodies = {{kJson, "Empty", ""}},
         .answers = {{200, kJson, "Verified", "What was read"}}});
}

void add_tokens(std::vector<Operation>& rows) {
    rows.push_back({.path = "/v1/tokens",
                    .role = Role::Admin,
                    .summary = "All tokens, without their secrets",
                    .parameters = {kLimit, kAfter},
                    .answers = {{200, kJson, "TokenPage", "A page, by id"}},
                    .example = "/v1/tokens"});
    rows.push_back(
        {.method = Method::Post,
         .path = "/v1/tokens",
         .role = Role::Admin,
         .summary = "Make a token; its secret is shown this once",
         .parameters = {kDryRun, kWait, kTimeout},
         .bodies = {{kJson, "TokenWish",
                     R"({"name":"reader","roles":["S"],"topics":["demo.>"],"expires":"30d"})"}},
         .body_required = true,
         .answers = {{201, kJson, "Token", "Made: `token` is what callers show"},
                     {200, kJson, "Token",
                      "Made, but not everywhere in time; or with `dry_run` what would be made"}},
         .problems = {"store-full", "conflict"}});
    rows.push_back({.method = Method::Delete,
                    .path = "/v1/tokens/{id}",
                    .role = Role::Admin,
                    .summary = "Revoke a token",
                    .parameters = {kWait, kTimeout},
                    .answers = {{204, "", "", "Revoked"},
                                {200, kJson, "Pending", "Revoked, but not everywhere in time"}}});
    rows.push_back({.method = Method::Post,
                    .path = "/v1/tokens/{id}:rotate",
                    .role = Role::Admin,
                    .summary = "Give a token a new secret",
                    .parameters = {kWait, kTimeout},
                    .bodies = {{kJson, "Empty", ""}},
                    .answers = {{200, kJson, "Token", "`token` is what callers show from now on"}},
                    .problems = {"store-full"}});
    rows.push_back({.method = Method::Post,
                    .path = "/v1/tickets",
                    .role = Role::Any,
                    .summary = "A ticket for one connection to this node within 30 s",
                    .bodies = {{kJson, "Empty", ""}},
                    .answers = {{200, kJson, "Ticket", "Use it as `?ticket=`"}},
                    .example = "/v1/tickets"});
}

void add_sessions(std::vector<Operation>& rows) {
    rows.push_back(
        {.method = Method::Post,
         .path = "/v1/session",
         .role = Role::None,
         .summary = "Sign in with name and password, or a token; the answer sets a cookie",
         .bodies = {{kJson, "SignIn", R"({"name":"ann","password":"correct horse"})"}},
         .body_required = true,
         .body_bytes_max = 16 << 10,
         .answers = {{200, kJson, "Session", "Signed in"}},
         .problems = {"unauthenticated", "token-expired", "conflict"}});
    rows.push_back({.method = Method::Delete,
                    .path = "/v1/session",
                    .role = Role::None,
                    .summary = "Sign out",
                    .body_bytes_max = 16 << 10,
                    .answers = {{204, "", "", "Signed out"}}});
    rows.push_back({.path = "/v1/users",
                    .role = Role::Admin,
                    .summary = "People who may sign in, without their passwords",
                    .parameters = {kLimit, kAfter},
                    .body_bytes_max = 16 << 10,
                    .answers = {{200, kJson, "UserPage", "A page, by name"}}});
    for (const Method method : {Method::Put, Method::Patch}) {
        const bool patch = method == Method::Patch;
        std::vector<BodyForm> bodies{
            {kJson, "UserWish", R"({"password":"correct horse","roles":["V"]})"}};
        if (patch) bodies.push_back({"application/merge-patch+json", "UserWish", ""});
        rows.push_back({.method = method,
                        .path = "/v1/users/{name}",
                        .role = Role::Admin,
                        .summary = patch ? "Change a user: password, roles or topics"
                                         : "Make or replace a user",
                        .parameters = {kDryRun, kWait, kTimeout},
                        .bodies = std::move(bodies),
                        .body_required = true,
                        .body_bytes_max = 16 << 10,
                        .answers = {{200, kJson, "User", "Changed"}, {201, kJson, "User", "Made"}},
                        .problems = {"store-full"}});
    }
    rows.push_back({.method = Method::Delete,
                    .path = "/v1/users/{name}",
                    .role = Role::Admin,
                    .summary = "Remove a user; their sessions end",
                    .parameters = {kWait, kTimeout},
                    .body_bytes_max = 16 << 10,
                    .answers = {{204, "", "", "Removed"},
                                {200, kJson, "Pending", "Removed, but not everywhere in time"}}});
}

void add_config(std::vector<Operation>& rows) {
    rows.push_back({.path = "/v1/config",
                    .role = Role::Admin,
                    .summary = "Effective values with their origin, secrets redacted",
                    .parameters = {kNode},
                    .answers = {{200, kJson, "ConfigPage", "Every key"}},
                    .example = "/v1/config"});
    rows.push_back(
        {.method = Method::Post,
         .path = "/v1/config:check",
         .role = Role::Admin,
         .summary = "Check a configuration (TOML) without applying it",
         .bodies = {{"application/toml", "Text", "[log]\nlevel = \"warn\"\n"}, {"*/*", "", ""}},
         .answers = {{200, kJson, "Checked", "Good, and what would change"}}});
    rows.push_back({.method = Method::Post,
                    .path = "/v1/config:reload",
                    .role = Role::Admin,
                    .summary = "Read the configuration files again; all or nothing",
                    .bodies = {{kJson, "Empty", ""}},
                    .answers = {{200, kJson, "Reloaded", "What changed, and what needs a restart"}},
                    .problems = {"conflict"}});
    rows.push_back(
        {.method = Method::Post,
         .path = "/v1/debug/bundle",
         .role = Role::Admin,
         .summary = "One archive for a support case",
         .text = "A gzipped tar of versions, redacted configuration, metrics, states of "
                 "everything, events, gaps, audit "
                 "and the last log lines. Payloads only with `payloads`: the newest message of "
                 "each topic.",
         .parameters = {{.name = "payloads", .text = "Put the newest messages in", .is = Is::Flag},
                        kNodeOfWrite},
         .bodies = {{kJson, "Empty", ""}},
         .answers = {{200, "application/gzip", "Binary", "The archive"}}});
}

}  // namespace

void add_admin(std::vector<Operation>& rows) {
    add_cluster(rows);
    add_storage(rows);
    add_tokens(rows);
    add_sessions(rows);
    add_config(rows);
}

}  // namespace anode::api::table
