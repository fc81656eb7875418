#include "api/rest/forward.hpp"

#include <algorithm>

#include "api/rest/answer.hpp"
#include "api/rest/forward_all.hpp"
#include "api/rest/forward_capture.hpp"
#include "api/rest/members.hpp"
#include "runtime/clock.hpp"

namespace anode::api::rest {

namespace {

constexpr std::string_view kVerbs = "/v1/nodes/{id}:";

/// What handlers read of a request's headers; credentials are not among them.
constexpr std::string_view kHeaders[] = {"accept", "if-match", "if-none-match", "idempotency-key",
                                         "traceparent"};

ForwardedRequest passed_on(const Request& request, const std::string& node) {
    ForwardedRequest out;
    out.method = request.method == Method::Head ? Method::Get : request.method;
    out.target = request.target;
    out.path = request.path;
    for (const auto& [name, value] : request.query)
        if (name != "token" && name != "ticket")
            out.query.emplace_back(name, name == "node" ? node : value);
    for (const auto& header : request.headers)
        if (std::ranges::find(kHeaders, header.first) != std::end(kHeaders))
            out.headers.push_back(header);
    out.body = request.body;
    out.content_type = request.content_type;
    out.id = request.id;
    out.peer = request.peer;
    out.caller = request.caller;
    return out;
}

std::string_view code_of(ForwardFailure why) {
    switch (why) {
        case ForwardFailure::Timeout:
            return "peer-timeout";
        case ForwardFailure::Overloaded:
            return "overloaded";
        case ForwardFailure::Unreachable:
        case ForwardFailure::TooLarge:
            break;
    }
    return "peer-failed";
}

Problem problem_of(ForwardFailure why, const std::string& node) {
    const std::string code(code_of(why));
    switch (why) {
        case ForwardFailure::Timeout:
            return {504, code, node + " did not answer in time", {}, {}, {}};
        case ForwardFailure::TooLarge:
            return {502, code, "the answer of " + node + " is too large", {}, {}, {}};
        case ForwardFailure::Overloaded:
            return {503, code, "too many requests wait for " + node, {}, 1000, {}};
        case ForwardFailure::Unreachable:
            break;
    }
    return {502, code, node + " cannot be reached from this node", {}, {}, {}};
}

/// The choice of node, in front of a row's handler.
class Chooser {
public:
    Chooser(Context context, Handler here, bool by_path, bool reads)
        : context_(std::move(context)), here_(std::move(here)), by_path_(by_path), reads_(reads) {}

    void operator()(Request& request, Responder responder) const {
        const std::string_view wanted =
            by_path_ ? request.param("id") : request.arg("node").value_or("");
        if (request.forwarded || wanted.empty() ||
            is_this_node(context_->doors.node.facts(), wanted))
            return here_(request, std::move(responder));
        if (refused_form(request, responder)) return;
        const auto view = read_view(context_->doors.cluster);
        if (!view) return responder.problem(view.error());
        if (wanted == "all" && !by_path_) return ask_all(request, std::move(responder), *view);
        const MemberInfo* member = find_member(*view, wanted);
        if (member == nullptr || member->foreign)
            return responder.problem(Problem::not_found("no node of this id"));
        ask_one(request, std::move(responder), *member);
    }

private:
    void ask_one(Request& request, Responder responder, const MemberInfo& member) const {
        if (member.self) return here_(request, std::move(responder));
        ForwardDoor* door = context_->doors.forward;
        if (!lives(member) || door == nullptr)
            return responder.problem(problem_of(ForwardFailure::Unreachable, member.id));
        if (request.body.size() > kForwardedRequestMax)
            return responder.problem(
                Problem::too_large("a request that is sent on to another node has at most 1 MiB"));
        door->forward(member.id, passed_on(request, member.id),
                      [responder = std::move(responder), node = member.id](auto answer) mutable {
                          if (!answer) return responder.problem(problem_of(answer.error(), node));
                          send_from_node(std::move(responder), response_of(std::move(*answer)));
                      });
    }

    /// Those that left are not asked, and are not missed.
    void ask_all(Request& request, Responder responder, const ClusterView& view) const {
        if (!reads_)
            return responder.problem(
                Problem::invalid("node: only reads go to all nodes, name one of them"));
        std::vector<const MemberInfo*> asked;
        std::vector<std::string> names;
        std::size_t self = 0;
        for (const MemberInfo& member : view.members) {
            if (member.foreign || member.state == membership::MemberState::Left) continue;
            if (member.self) self = asked.size();
            asked.push_back(&member);
            names.push_back(member.id);
        }
        if (asked.empty()) return here_(request, std::move(responder));
        const auto round = std::make_shared<AskAll>(std::move(responder), std::move(names), self);
        for (std::size_t i = 0; i < asked.size(); ++i) {
            if (asked[i]->self) continue;
            ask_for(round, i, request, *asked[i]);
        }
        if (!asked[self]->self) return;
        capture(here_, request, [round, self](ForwardedAnswer answer) {
            round->answered(self, std::move(answer));
        });
    }

    void ask_for(const std::shared_ptr<AskAll>& round, std::size_t index, const Request& request,
                 const MemberInfo& member) const {
        ForwardDoor* door = context_->doors.forward;
        if (!lives(member) || door == nullptr) return round->failed(index, "peer-failed");
        door->forward(member.id, passed_on(request, member.id), [round, index](auto answer) {
            if (answer)
                round->answered(index, std::move(*answer));
            else
                round->failed(index, code_of(answer.error()));
        });
    }

    Context context_;
    Handler here_;
    bool by_path_, reads_;
};

Request received(ForwardedRequest sent) {
    Request request;
    request.method = sent.method;
    request.target = std::move(sent.target);
    request.path = std::move(sent.path);
    request.query = std::move(sent.query);
    request.headers = std::move(sent.headers);
    request.body = std::move(sent.body);
    request.content_type = std::move(sent.content_type);
    request.id = std::move(sent.id);
    request.peer = std::move(sent.peer);
    request.caller = std::move(sent.caller);
    request.forwarded = true;
    return request;
}

}  // namespace

bool goes_to_nodes(const Route& row) {
    return row.pattern.starts_with(kVerbs) || std::ranges::find(row.args, "node") != row.args.end();
}

Route with_forwarding(Route row, const Context& context) {
    if (!goes_to_nodes(row)) return row;
    row.handler = Chooser(context, std::move(row.handler), row.pattern.starts_with(kVerbs),
                          row.method == Method::Get);
    row.run_on = RunOn::Worker;  // the view of the members is waited for
    return row;
}

void serve_forwarded(Server& server, ForwardedRequest sent, Reply<ForwardedAnswer> reply) {
    Request request = received(std::move(sent));
    Router::Match match = server.router().find(request.method, request.path);
    const auto refuse_it = [&](const Problem& problem) { reply(answer_of(problem, request.id)); };
    if (match.route == nullptr || !goes_to_nodes(*match.route))
        return refuse_it(Problem::not_found("this node has no such path for other nodes"));
    if (!request.caller.may(match.route->role))
        return refuse_it(Problem::forbidden("the role does not allow this"));
    request.route = match.route->pattern;
    request.params = std::move(match.params);
    request.received = wall_now();
    // Shared, so that it is still here to refuse when the workers have no room.
    auto kept = std::make_shared<Reply<ForwardedAnswer>>(std::move(reply));
    const std::string id = request.id;
    const bool queued =
        server.work([route = match.route, request = std::move(request), kept]() mutable {
            capture(route->handler, std::move(request),
                    [kept](ForwardedAnswer answer) { (*kept)(std::move(answer)); });
        });
    if (!queued)
        (*kept)(answer_of(Problem::of(Error{Errc::Overloaded, "too much work queued"}), id));
}

}  // namespace anode::api::rest
