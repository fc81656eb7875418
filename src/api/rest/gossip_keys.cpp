#include "api/rest/answer.hpp"
#include "api/rest/await.hpp"
#include "api/rest/members.hpp"
#include "api/rest/rest.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"
#include "core/membership/key_ring.hpp"
#include "runtime/random.hpp"

/// `/v1/gossip/keys`: the key ring of every node, through this one. A key is taken in, never given out.
namespace anode::api::rest {

namespace {

using membership::KeyOp;
using membership::KeyReport;
using membership::KeyRequest;

constexpr std::size_t kKeyBytes = 32;
constexpr Duration kRoundMax = 30s;  ///< the round itself ends earlier

void write_row(json::Writer& out, const KeyReport::Row& row) {
    out.begin_object().member("id", row.name).member("kind", row.foreign ? "foreign" : "node");
    out.member("answered", row.answered).key("primary");
    if (row.fingerprints.empty())
        out.null();
    else
        out.value(row.fingerprints.front());
    out.key("keys").begin_array();
    for (const std::string& key : row.fingerprints) out.value(key);
    out.end_array().key("error");
    if (row.error.empty())
        out.null();
    else
        out.value(row.error);
    out.end_object();
}

Bytes report_json(const RouteContext& context, const KeyReport& report,
                  const std::string& fingerprint) {
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("node", context.doors.node.facts().id_text);
    if (!fingerprint.empty()) out.member("fingerprint", fingerprint);
    out.member("complete", report.done.has_value()).key("items").begin_array();
    for (const KeyReport::Row& row : report.rows) write_row(out, row);
    out.end_array().key("next").null().end_object();
    return json;
}

/// A refusal names the members it is about.
Problem problem_of(const KeyReport& report) {
    Problem problem = Problem::of(report.done.error());
    if (report.done.error().code == Errc::Refused) {  // by the state of others, not by a role
        problem.status = 409;
        problem.code = "conflict";
    }
    for (const KeyReport::Row& row : report.rows)
        if (!row.answered || !row.error.empty())
            problem.errors.push_back({"/items/" + row.name, row.answered ? "refused" : "no-answer",
                                      row.error.empty() ? "did not answer" : row.error});
    return problem;
}

Read<KeyReport> ask(const RouteContext& context, KeyRequest wanted) {
    auto report = await<KeyReport>(
        [&](Reply<KeyReport> reply) {
            context.doors.cluster.keys(std::move(wanted), std::move(reply));
        },
        kRoundMax);
    if (report) return std::move(*report);
    return refuse({504, "peer-timeout", "the members did not answer in time", {}, 1000, {}});
}

/// Some that did not answer do not spoil a list: their rows say so.
Answer list(const RouteContext& context) {
    const auto report = ask(context, {.op = KeyOp::List});
    if (!report) return refuse(report.error());
    return Response::json(report_json(context, *report, {}));
}

Answer carry_out(const RouteContext& context, const Request& request, KeyRequest wanted,
                 std::string_view action) {
    const std::string fingerprint = wanted.fingerprint;
    const auto report = ask(context, std::move(wanted));
    if (!report) return refuse(report.error());
    if (!report->done) {
        Problem problem = problem_of(*report);
        audit(context.doors.node, request, std::string(action) + ".failed", fingerprint);
        return refuse(std::move(problem));
    }
    audit(context.doors.node, request, action, fingerprint);
    return Response::json(report_json(context, *report, fingerprint));
}

Answer install(const RouteContext& context, const Request& request) {
    json::Document document;
    if (auto good = read_body(request, document, {"key"}); !good)
        return refuse(std::move(good.error()));
    KeyRequest wanted{.op = KeyOp::Install};
    if (const json::Value key = document.root()["key"]; key.present()) {
        const auto bytes = text::from_base64(key.string());
        if (!bytes || bytes->size() != kKeyBytes)
            return refuse_member("key", "32 bytes in base64 are expected");
        wanted.key = *bytes;
    } else {
        std::uint8_t made[kKeyBytes];
        os_random(made);
        wanted.key.assign(reinterpret_cast<const char*>(made), sizeof made);
    }
    wanted.fingerprint = membership::KeyRing::fingerprint(wanted.key);
    return carry_out(context, request, std::move(wanted), "keys.install");
}

Answer with_fingerprint(const RouteContext& context, const Request& request, KeyOp op,
                        std::string_view action) {
    json::Document document;
    if (auto good = read_body(request, document, {"fingerprint"}); !good)
        return refuse(std::move(good.error()));
    const std::string fingerprint = document.root()["fingerprint"].string();
    if (fingerprint.size() != 16 || !text::from_hex(fingerprint))
        return refuse_member("fingerprint", "16 hexadecimal digits are expected");
    return carry_out(context, request, {.op = op, .key = {}, .fingerprint = fingerprint}, action);
}

}  // namespace

void add_gossip_keys(Router& router, const Context& context) {
    router.add({.method = Method::Get,
                .pattern = "/v1/gossip/keys",
                .role = Role::Admin,
                .handler = answering([context](Request&) { return list(*context); }),
                .run_on = RunOn::Worker,
                .summary = "Fingerprints of the gossip keys of every node",
                .args = {"node"}});
    const auto verb = [&](std::string name, std::string summary,
                          std::function<Answer(const RouteContext&, const Request&)> act) {
        router.add({.method = Method::Post,
                    .pattern = "/v1/gossip/keys:" + name,
                    .role = Role::Admin,
                    .handler = answering([context, act = std::move(act)](Request& request) {
                        return act(*context, request);
                    }),
                    .run_on = RunOn::Worker,
                    .summary = std::move(summary)});
    };
    verb("install", "Give every node a further key: the one of the body, or a fresh one", install);
    verb("use", "Make a key that every node has the one that seals",
         [](const RouteContext& one, const Request& request) {
             return with_fingerprint(one, request, KeyOp::Use, "keys.use");
         });
    verb("remove", "Take a key that no node seals with from every node",
         [](const RouteContext& one, const Request& request) {
             return with_fingerprint(one, request, KeyOp::Remove, "keys.remove");
         });
}

}  // namespace anode::api::rest
