#include <algorithm>
#include <set>

#include "api/rest/answer.hpp"
#include "api/rest/await.hpp"
#include "api/rest/members.hpp"
#include "api/rest/rest.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"

/// `/v1/cluster`: the cluster in one object, and joining, leaving, forgetting.
namespace anode::api::rest {

namespace {

constexpr std::size_t kContactsMax = 64, kContactBytesMax = 255;

void write_counts(json::Writer& out, const ClusterView& view) {
    std::size_t alive = 0, suspect = 0, dead = 0, left = 0, foreign = 0;
    std::set<std::string_view> versions;
    for (const MemberInfo& member : view.members) {
        alive += lives(member);
        suspect += member.state == membership::MemberState::Suspect;
        dead += member.state == membership::MemberState::Dead;
        left += member.state == membership::MemberState::Left;
        foreign += lives(member) && member.foreign;
        if (lives(member) && !member.foreign) versions.insert(member.version);
    }
    out.key("nodes").begin_object().member("alive", alive).member("suspect", suspect);
    out.member("dead", dead).member("left", left).member("foreign", foreign).end_object();
    out.key("versions").begin_array();
    for (const std::string_view version : versions) out.value(version);
    out.end_array();
}

Answer cluster(const RouteContext& context, const Request& request) {
    const auto view = read_view(context.doors.cluster);
    if (!view) return refuse(view.error());
    const NodeControl& node = context.doors.node;
    const AllStats all(context.doors.store);
    const NodeStats& own = all.of(node.facts().id_text);
    const StoreStats stats = context.doors.store.stats();
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("name", node.facts().cluster).member("health", health_word(node));
    out.member("state", name_of(view->belonging)).member("encrypted", view->encrypted);
    write_counts(out, *view);
    out.member("topics", stats.topics).member("messages", stats.messages);
    out.member("bytes", stats.bytes);
    for (const char* name : {"sources", "sources_live", "in_per_second"}) own.write(out, name);
    out.member("alerts", 0).member("node", node.facts().id_text);
    if (request.flag("members")) {
        out.key("members").begin_array();
        for (const MemberInfo& member : view->members) out.raw(node_json(context, member, all));
        out.end_array();
    }
    out.end_object();
    return Response::json(std::move(json));
}

/// Waits for one of the door's plain answers.
template <class Call>
Read<void> ask(Call&& call) {
    const auto done = await<Result<void>>(std::forward<Call>(call));
    if (!done)
        return refuse({503, "not-ready", "the membership protocol does not answer", {}, 1000, {}});
    if (!*done) return refuse(Problem::of(done->error()));
    return {};
}

bool is_contact(std::string_view text) {
    return !text.empty() && text.size() <= kContactBytesMax &&
           std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

Read<std::vector<std::string>> read_contacts(const Request& request) {
    json::Document document;
    if (auto good = read_body(request, document, {"addresses"}); !good)
        return refuse(std::move(good.error()));
    const json::Value list = document.root()["addresses"];
    if (!list.is_array() || list.size() == 0 || list.size() > kContactsMax)
        return refuse_member("addresses", "a list of 1 to 64 addresses is expected");
    std::vector<std::string> contacts;
    for (json::Value item = list.first(); item; item = item.next_in(list)) {
        contacts.push_back(item.string());
        if (!is_contact(contacts.back()))
            return refuse_member(
                "addresses/" + std::to_string(contacts.size() - 1),
                "an address such as 10.1.0.11 or node.example.org:7946 is expected");
    }
    return contacts;
}

Answer join(const RouteContext& context, const Request& request) {
    auto contacts = read_contacts(request);
    if (!contacts) return refuse(std::move(contacts.error()));
    Bytes json;
    json::Writer out(json);
    out.begin_object().key("addresses").begin_array();
    for (const std::string& contact : *contacts) out.value(contact);
    out.end_array().end_object();
    if (auto done = ask([&](Reply<Result<void>> reply) {
            context.doors.cluster.join(*contacts, std::move(reply));
        });
        !done)
        return refuse(std::move(done.error()));
    audit(context.doors.node, request, "cluster.join", context.doors.node.facts().cluster,
          std::string_view(json).substr(1, json.size() - 2));
    return Response::json(std::move(json), 202);
}

Answer leave(const RouteContext& context, const Request& request) {
    json::Document document;
    if (auto good = read_body(request, document, {}); !good) return refuse(std::move(good.error()));
    if (auto done =
            ask([&](Reply<Result<void>> reply) { context.doors.cluster.leave(std::move(reply)); });
        !done)
        return refuse(std::move(done.error()));
    const NodeFacts& facts = context.doors.node.facts();
    audit(context.doors.node, request, "cluster.leave", facts.id_text);
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("id", facts.id_text).member("state", "left").end_object();
    return Response::json(std::move(json));
}

Answer forget(const RouteContext& context, const Request& request) {
    json::Document document;
    if (auto good = read_body(request, document, {"id"}); !good)
        return refuse(std::move(good.error()));
    const std::string id = document.root()["id"].string();
    if (id.empty()) return refuse_member("id", "the id of a dead or left node is expected");
    if (auto done = ask(
            [&](Reply<Result<void>> reply) { context.doors.cluster.forget(id, std::move(reply)); });
        !done)
        return refuse(std::move(done.error()));
    audit(context.doors.node, request, "cluster.forget", id);
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("id", id).member("state", "forgotten").end_object();
    return Response::json(std::move(json));
}

using Verb = Answer (*)(const RouteContext&, const Request&);

}  // namespace

void add_cluster(Router& router, const Context& context) {
    router.add(
        {.method = Method::Get,
         .pattern = "/v1/cluster",
         .role = Role::Viewer,
         .handler = answering([context](Request& request) { return cluster(*context, request); }),
         .run_on = RunOn::Worker,
         .summary = "The cluster in one object: counts, rates, health, versions",
         .args = {"members"}});
    const auto verb = [&](std::string name, std::string summary, Verb act) {
        router.add({.method = Method::Post,
                    .pattern = "/v1/cluster:" + name,
                    .role = Role::Admin,
                    .handler = answering(
                        [context, act](Request& request) { return act(*context, request); }),
                    .run_on = RunOn::Worker,
                    .summary = std::move(summary)});
    };
    verb("join", "Add contacts; they are tried from now on", join);
    verb("leave", "Make this node leave the cluster", leave);
    verb("forget", "Remove a dead or left node from the view of all", forget);
}

}  // namespace anode::api::rest
