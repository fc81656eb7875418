#include "api/table/schema.hpp"

/// Documents about node, cluster, storage, access and configuration.
namespace anode::api::table {

namespace {

void add_node_schemas(std::vector<Schema>& all) {
    all.push_back({.name = "Version", .text = "The build", .members = R"(
        name text
        version text
        wire integer Version of the protocol between nodes
        disk integer Version of the disk format
        api [text]
        protocols [text]
        formats [text]
        transports [text])"});
    all.push_back({.name = "Whoami", .text = "The caller", .members = R"(
        name text
        authenticated flag
        roles [V/S/P/O/A]
        topics [text] Patterns
        expires time?)"});
    all.push_back({.name = "Health", .text = "How the node is", .members = R"(
        status ok/warn/fail
        ready? flag
        checks? [Check])"});
    all.push_back({.name = "Check", .text = "One check", .members = R"(
        name text
        status ok/warn/fail
        detail text
        since time)"});
}

void add_cluster_schemas(std::vector<Schema>& all) {
    all.push_back({.name = "Cluster", .text = "The cluster in one object", .members = R"(
        name text
        health ok/warn/fail
        state text
        encrypted flag
        nodes object How many are alive, suspect, dead, left, foreign
        versions [text]
        topics integer
        messages integer
        bytes integer
        sources integer?
        sources_live integer?
        in_per_second number?
        alerts integer
        node text Who answers)"});
    all.push_back({.name = "Contacts",
                   .text = "Addresses of other nodes",
                   .members = R"(
        addresses [text<255] 1 to 64)",
                   .closed = true});
    all.push_back({.name = "NodeId",
                   .text = "A node",
                   .members = R"(
        id text<255)",
                   .closed = true});
    all.push_back({.name = "NodeState", .text = "What a node does now", .members = R"(
        id text
        state text)"});
    all.push_back({.name = "Node", .text = "A member of the cluster", .members = R"(
        id text
        name text
        kind node/foreign
        self flag
        state alive/dead/left
        suspect flag
        draining flag
        zone text
        version text
        address text
        url text
        incarnation integer
        epoch integer
        since time
        rtt_ms number?
        key text?
        load? object
        disk? object)"});
    all.push_back({.name = "NodePage", .text = "Members", .members = R"(
        items [Node]
        next text?)"});
    all.push_back({.name = "View", .text = "What a node runs, in short", .members = R"(
        node text
        at time
        sources any)"});
    all.push_back({.name = "Mesh", .text = "Links to other nodes", .members = R"(
        node text
        state text
        links [object]
        logs object
        queue_bytes integer
        cache_bytes integer
        counters object)"});
    all.push_back({.name = "Gossip", .text = "Membership as a node sees it", .members = R"(
        node text
        cluster text
        state text
        listen text
        health_score integer
        queue integer
        encrypted flag
        keys [text] Fingerprints
        view text
        counters object
        members [object])"});
    all.push_back({.name = "Keys", .text = "Key rings, by fingerprint", .members = R"(
        node text
        fingerprint? text
        complete flag
        items [object]
        next text?)"});
    all.push_back({.name = "KeyWish",
                   .text = "A key to take in; none: a fresh one",
                   .members = R"(
        key? text<64 32 bytes in base64)",
                   .closed = true});
    all.push_back({.name = "KeyName",
                   .text = "A key by its fingerprint",
                   .members = R"(
        fingerprint text<16 16 hexadecimal digits)",
                   .closed = true});
}

void add_storage_schemas(std::vector<Schema>& all) {
    all.push_back({.name = "Storage", .text = "The local store", .members = R"(
        node text
        engine text
        bytes integer
        pending_bytes integer
        queued_bytes integer
        messages integer
        topics integer
        blocks integer
        segments integer
        quarantined integer
        oldest time?
        disk object)"});
    all.push_back({.name = "Compacted", .text = "Sizes", .members = R"(
        bytes_before integer
        bytes_after integer)"});
    all.push_back({.name = "Verified", .text = "What was read back", .members = R"(
        blocks integer
        messages integer
        quarantined integer
        next text?)"});
}

void add_access_schemas(std::vector<Schema>& all) {
    all.push_back({.name = "TokenWish",
                   .text = "A token to make",
                   .members = R"(
        name text<128
        roles [V/S/P/O/A]
        topics? [text<255] Patterns; needed for S and P
        networks? [text] Such as `10.0.0.0/8`
        expires? text? A time, or an age from now such as `30d`
        url_ok? flag May stand in a URL; role S alone)",
                   .closed = true});
    all.push_back({.name = "Token", .text = "A token; its secret is shown once", .members = R"(
        id text
        name text
        roles [V/S/P/O/A]
        topics [text]
        networks [text]
        url_ok flag
        created time?
        expires time?
        token? text `an_…`)"});
    all.push_back({.name = "SignIn",
                   .text = "Name and password, or a token",
                   .members = R"(
        name? text<64
        password? text<1024
        token? text `an_…`)",
                   .closed = true});
    all.push_back({.name = "Session", .text = "Who has signed in", .members = R"(
        name text
        roles [V/S/P/O/A]
        topics [text]
        expires time)"});
    all.push_back({.name = "UserWish",
                   .text = "A person who may sign in; PATCH takes a part of it",
                   .members = R"(
        name? text<64 As in the path
        password? text<1024 10 bytes or more; needed for somebody new
        roles? [V/S/P/O/A] Needed for somebody new
        topics? [text<255] Patterns; needed for S and P)",
                   .closed = true});
    all.push_back({.name = "User", .text = "A person who may sign in", .members = R"(
        name text
        roles [V/S/P/O/A]
        topics [text]
        changed time)"});
    all.push_back({.name = "UserPage", .text = "People who may sign in", .members = R"(
        items [User]
        next text?)"});
    all.push_back({.name = "TokenPage", .text = "Tokens", .members = R"(
        items [Token]
        next text?)"});
    all.push_back({.name = "Ticket", .text = "Good for one connection", .members = R"(
        ticket text
        expires time)"});
    all.push_back({.name = "ConfigPage", .text = "Effective values", .members = R"(
        items [object] `key`, `value`, `origin`, `live`
        file? text
        next? text?)"});
    all.push_back({.name = "Checked", .text = "A configuration that is good", .members = R"(
        valid flag
        changed? [text] Keys that would change)"});
    all.push_back({.name = "Reloaded", .text = "What a reload changed", .members = R"(
        reloaded flag
        changed? [text]
        restart_required [text] Keys that wait for a restart)"});
}

}  // namespace

void add_admin_schemas(std::vector<Schema>& all) {
    add_node_schemas(all);
    add_cluster_schemas(all);
    add_storage_schemas(all);
    add_access_schemas(all);
}

}  // namespace anode::api::table
