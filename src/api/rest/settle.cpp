#include "api/rest/settle.hpp"

#include "base/text.hpp"

namespace anode::api::rest {
namespace {

constexpr Duration kPatience = 5s, kPatienceMax = 60s;

/// The answer with who did not have it in time.
Response with_pending(Response response, const std::vector<std::string>& nodes) {
    std::string pending = "\"pending\":[";
    for (const std::string& node : nodes)
        pending += (pending.back() == '[' ? "" : ",") + text::json_string(node);
    pending += "]}";
    Bytes& body = response.body;
    if (body.size() > 2 && body.ends_with('}'))
        body.replace(body.size() - 1, 1, "," + pending);
    else
        body = "{" + pending;
    response.status = 200;
    response.content_type = "application/json";
    return response;
}

}  // namespace

Read<std::optional<Duration>> read_wait(const Request& request) {
    const auto wait = request.arg("wait"), timeout = request.arg("timeout");
    if (wait && *wait != "cluster")
        return refuse_member("wait", "`cluster` is what can be waited for");
    if (!wait && timeout) return refuse_member("timeout", "says how long `wait=cluster` waits");
    if (!wait) return std::nullopt;
    if (!timeout) return kPatience;
    const auto patience = text::parse_duration(*timeout);
    if (!patience || *patience < 1ms || *patience > kPatienceMax)
        return refuse_member("timeout", "1ms to 60s are expected");
    return *patience;
}

void send_settled(ClusterState* state, std::optional<Duration> wait, Responder responder,
                  Response response) {
    if (!wait || state == nullptr) return send_from_node(std::move(responder), std::move(response));
    state->settle(*wait, [responder = std::move(responder), response = std::move(response)](
                             const std::vector<std::string>& pending) mutable {
        if (!pending.empty()) response = with_pending(std::move(response), pending);
        send_from_node(std::move(responder), std::move(response));
    });
}

Handler settling(ClusterState* state, std::function<Answer(Request&)> ask) {
    return [state, ask = std::move(ask)](Request& request, Responder responder) {
        if (refused_form(request, responder)) return;
        auto wait = read_wait(request);
        if (!wait) return responder.problem(std::move(wait.error()));
        auto answer = ask(request);
        if (!answer) return responder.problem(std::move(answer.error()));
        if (request.flag("dry_run")) wait->reset();
        send_settled(state, *wait, std::move(responder), std::move(*answer));
    };
}

}  // namespace anode::api::rest
