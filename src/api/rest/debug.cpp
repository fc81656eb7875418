#include <algorithm>
#include <chrono>

#include "api/rest/answer.hpp"
#include "api/rest/await.hpp"
#include "api/rest/forward_capture.hpp"
#include "api/rest/history.hpp"
#include "api/rest/rest.hpp"
#include "api/rest/tar.hpp"
#include "api/table/operation.hpp"
#include "base/text.hpp"
#include "core/codec/inflate.hpp"
#include "runtime/clock.hpp"

/// `POST /v1/debug/bundle`: what somebody who helps wants to see, in one archive.
namespace anode::api::rest {

namespace {

constexpr Duration kEach = 5s;
constexpr std::size_t kPayloadsMax = 1000;
constexpr std::size_t kBundleBytesMax = 64 << 20;

/// Whether an answer belongs into the archive: documents about the node, not messages and not pages for people.
bool belongs(const Operation& row) {
    const bool plain = row.method == Method::Get && !row.streams && !row.any_parameters &&
                       row.path.find('{') == std::string_view::npos &&
                       row.path.find(':') == std::string_view::npos;
    const bool messages = row.path == "/v1/messages";
    const bool twice = row.path == "/openapi.json" || row.path == "/asyncapi.json";
    return plain && !messages && !twice;
}

/// `/v1/gossip/keys` → `v1/gossip/keys.json`.
std::string name_of(std::string_view path, std::string_view media_type) {
    std::string name(path.substr(1));
    if (name.ends_with(".json")) return name;
    return name + (media_type.starts_with("application/json") ? ".json" : ".txt");
}

/// The pages of an archive, gathered one after the other by asking our own rows as the caller would.
class Bundle {
public:
    Bundle(const RouteContext& context, const Request& asked) : context_(context), asked_(asked) {}

    Bytes make() {
        for (const Operation& row : operations())
            if (belongs(row)) ask(row);
        add("log.ndjson", context_.doors.node.recent_log());
        if (asked_.flag("payloads")) add("payloads.ndjson", newest());
        if (!left_out_.empty()) tar_.add("left-out.txt", left_out_, now_);
        tar_.finish();
        return codec::compress(codec::Coding::Gzip, archive_);
    }

private:
    void add(const std::string& name, BytesView content) {
        if (archive_.size() + content.size() > kBundleBytesMax) {
            left_out_.append(name).append(": too large\n");
            return;
        }
        tar_.add(name, content, now_);
    }

    void ask(const Operation& row) {
        const Router::Match match = context_.router().find(Method::Get, row.path);
        if (match.route == nullptr) return;
        Request request;
        request.path = request.target = row.path;
        request.route = match.route->pattern;
        request.caller = asked_.caller;
        request.peer = asked_.peer;
        request.id = asked_.id;
        request.received = now_;
        request.forwarded = true;  // this node's own answer, whatever it is about
        if (row.parameter("limit") != nullptr) request.query.emplace_back("limit", "1000");
        if (row.parameter("verbose") != nullptr) request.query.emplace_back("verbose", "1");
        const auto answer = await<ForwardedAnswer>(
            [&](Reply<ForwardedAnswer> reply) {
                auto kept = std::make_shared<Reply<ForwardedAnswer>>(std::move(reply));
                capture(match.route->handler, std::move(request),
                        [kept](ForwardedAnswer one) { (*kept)(std::move(one)); });
            },
            kEach);
        if (answer && answer->status == 200)
            add(name_of(row.path, answer->content_type), answer->body);
        else
            left_out_.append(row.path).append(answer ? ": refused\n" : ": no answer in time\n");
    }

    /// The newest message of each topic, as far as they go.
    Bytes newest() {
        Bytes lines;
        const Store& store = context_.doors.store;
        const auto found = store.last(*PatternSet::parse(">"), kPayloadsMax);
        if (!found) return lines;
        for (const Found& one : *found) {
            append_item(lines, one, store.tag(), {});
            lines += '\n';
        }
        return lines;
    }

    const RouteContext& context_;
    const Request& asked_;
    const WallTime now_ = wall_now();
    Bytes archive_, left_out_;
    TarWriter tar_{archive_};
};

Answer bundle(const RouteContext& context, const Request& request) {
    const NodeFacts& facts = context.doors.node.facts();
    const bool payloads = request.flag("payloads");
    audit(context.doors.node, request, "debug.bundle", facts.id_text,
          payloads ? "\"payloads\":true" : "\"payloads\":false");
    Response response;
    response.body = Bundle(context, request).make();
    response.content_type = "application/gzip";
    response.compressible = false;
    response.headers.emplace_back("Content-Disposition",
                                  "attachment; filename=\"anode-" + facts.id_text + ".tar.gz\"");
    return response;
}

}  // namespace

void add_debug(Router& router, const Context& context) {
    const auto handler = [context](Request& request, Responder responder) {
        if (!request.accepts("application/gzip"))
            return responder.problem(
                {406, "not-acceptable", "the answer is application/gzip", {}, {}, {}});
        Answer answer = bundle(*context, request);
        if (answer)
            responder.send(std::move(*answer));
        else
            responder.problem(std::move(answer.error()));
    };
    router.add(Method::Post, "/v1/debug/bundle", handler, RunOn::Worker);
}

}  // namespace anode::api::rest
