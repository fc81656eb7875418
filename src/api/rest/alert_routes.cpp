#include "api/rest/alerts.hpp"
#include "api/rest/answer.hpp"
#include "api/rest/rest.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"
#include "runtime/clock.hpp"

/// `/v1/alerts`, `:ack`, `:silence`.
namespace anode::api::rest {

namespace {

using std::chrono::hours;

constexpr Duration kSilenceMax = hours(24 * 30);
constexpr std::size_t kCommentBytesMax = 255;

void write_time(json::Writer& out, std::string_view name, WallTime at) {
    out.key(name);
    if (at == 0)
        out.null();
    else
        out.value(text::rfc3339(at));
}

Bytes alert_json(const Alert& alert, std::string_view node) {
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("id", alert.id).member("node", node).member("state", alert.state());
    out.member("severity", alert.severity()).member("detail", alert.detail);
    write_time(out, "since", alert.since);
    out.key("acknowledged_by");
    if (alert.acknowledged_by.empty())
        out.null();
    else
        out.value(alert.acknowledged_by);
    write_time(out, "silenced_until", alert.silenced_until);
    out.member("comment", alert.comment).end_object();
    return json;
}

Answer list(const RouteContext& context, AlertBook& book, const Request& request) {
    const auto range = read_range(request);
    if (!range) return refuse(range.error());
    const auto state = request.arg("state"), severity = request.arg("severity");
    std::vector<Bytes> items;
    std::optional<std::string> next;
    std::string last;
    for (const Alert& alert : book.open(wall_now())) {
        if (!range->after.empty() && alert.id <= range->after) continue;
        if (state && alert.state() != *state) continue;
        if (severity && alert.severity() != *severity) continue;
        if (items.size() == range->limit) {
            next = last;
            break;
        }
        items.push_back(alert_json(alert, context.doors.node.facts().id_text));
        last = alert.id;
    }
    return page(request, items, next);
}

Read<std::string> read_comment(const json::Value& root) {
    std::string comment = root["comment"].string();
    if (comment.size() > kCommentBytesMax) return refuse_member("comment", "has at most 255 bytes");
    return comment;
}

Answer told(const RouteContext& context, const Request& request, std::string_view action,
            const std::optional<Alert>& alert) {
    if (!alert) return refuse(Problem::not_found("no such alert is open"));
    if (!request.flag("dry_run")) audit(context.doors.node, request, action, alert->id);
    return Response::json(alert_json(*alert, context.doors.node.facts().id_text));
}

Answer acknowledge(const RouteContext& context, AlertBook& book, const Request& request) {
    json::Document document;
    if (!document.parse(request.body.empty() ? std::string_view("{}")
                                             : std::string_view(request.body)))
        return refuse(Problem::bad_json("the body is no JSON"));
    const auto comment = read_comment(document.root());
    if (!comment) return refuse(comment.error());
    return told(context, request, "alert.ack",
                book.acknowledge(request.param("id"), request.caller.name, *comment,
                                 request.flag("dry_run"), wall_now()));
}

Answer silence(const RouteContext& context, AlertBook& book, const Request& request) {
    json::Document document;
    if (!document.parse(request.body)) return refuse(Problem::bad_json("the body is no JSON"));
    const auto comment = read_comment(document.root());
    if (!comment) return refuse(comment.error());
    const auto time = text::parse_duration(document.root()["for"].string());
    if (!time || *time < 1s || *time > kSilenceMax)
        return refuse_member("for", "a duration from 1s to 30d is expected");
    const WallTime now = wall_now();
    const WallTime until =
        now + std::chrono::duration_cast<std::chrono::microseconds>(*time).count();
    return told(context, request, "alert.silence",
                book.silence(request.param("id"), until, *comment, request.flag("dry_run"), now));
}

/// How many are open, counted when somebody asks for the metrics.
void count_when_asked(metrics::Registry& registry, const std::shared_ptr<AlertBook>& book) {
    auto& warning = registry.gauge("anode_alerts", "Open alerts that are not silenced",
                                   {{"severity", "warning"}});
    auto& critical = registry.gauge("anode_alerts", "Open alerts that are not silenced",
                                    {{"severity", "critical"}});
    registry.on_scrape([weak = std::weak_ptr(book), &warning, &critical] {
        const auto open = weak.lock();
        if (!open) return;
        double counts[2] = {};
        for (const Alert& alert : open->open(wall_now()))
            if (alert.silenced_until == 0) ++counts[alert.critical ? 1 : 0];
        warning.set(counts[0]);
        critical.set(counts[1]);
    });
}

}  // namespace

void add_alerts(Router& router, const Context& context) {
    const auto book = std::make_shared<AlertBook>(context->doors.node);
    count_when_asked(context->doors.metrics, book);
    const auto row = [&](Method method, std::string_view path, auto ask) {
        router.add(method, path, answering([context, book, ask](Request& request) {
                       return ask(*context, *book, request);
                   }),
                   RunOn::Worker);
    };
    row(Method::Get, "/v1/alerts", list);
    row(Method::Post, "/v1/alerts/{id}:ack", acknowledge);
    row(Method::Post, "/v1/alerts/{id}:silence", silence);
}

}  // namespace anode::api::rest
