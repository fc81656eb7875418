#include "api/rest/answer.hpp"

#include <memory>

#include "base/text.hpp"
#include "core/json/json.hpp"
#include "runtime/clock.hpp"

namespace anode::api::rest {

namespace {

constexpr std::size_t kPageMax = 1000;

/// The request's own address with `after` set to the next page.
std::string next_address(const Request& request, std::string_view next) {
    std::string address = request.target.substr(0, request.target.find('?'));
    char separator = '?';
    const auto add = [&](std::string_view name, std::string_view value) {
        address += separator;
        address.append(name).append("=").append(text::percent_encode(value));
        separator = '&';
    };
    for (const auto& [name, value] : request.query)
        if (name != "after" && name != "token" && name != "ticket") add(name, value);
    add("after", next);
    return address;
}

Problem not_acceptable() {
    return {406, "not-acceptable", "the answer is application/json", {}, {}, {}};
}

}  // namespace

std::unexpected<Problem> refuse_member(std::string_view name, std::string detail) {
    Problem problem = Problem::invalid(std::string(name) + ": " + detail);
    problem.errors.push_back({"/" + std::string(name), "invalid", std::move(detail)});
    return refuse(std::move(problem));
}

Handler answering(std::function<Answer(Request&)> ask) {
    return [ask = std::move(ask)](Request& request, Responder responder) {
        if (refused_form(request, responder)) return;
        Answer answer = ask(request);
        if (answer)
            responder.send(std::move(*answer));
        else
            responder.problem(std::move(answer.error()));
    };
}

bool refused_form(const Request& request, Responder& responder) {
    if (request.accepts("application/json") || request.accepts("application/problem+json"))
        return false;
    responder.problem(not_acceptable());
    return true;
}

void send_from_node(Responder responder, Response response) {
    constexpr std::size_t kShort = 1024;  // not compressed by anybody
    if (response.body.size() <= kShort) return responder.send(std::move(response));
    const auto kept = std::make_shared<Responder>(std::move(responder));
    kept->post(
        [kept, response = std::move(response)]() mutable { kept->send(std::move(response)); });
}

Problem json_problem(const Error& error) {
    switch (error.code) {
        case Errc::TooDeep:
            return {422, "too-deep", error.what, {}, {}, {}};
        case Errc::TooLarge:
            return Problem::too_large(error.what);
        default:
            return Problem::bad_json(error.what);
    }
}

std::optional<Problem> wrong_body_type(const Request& request, bool patch) {
    const std::string& type = request.content_type;
    if (type.empty() || type == "application/json") return std::nullopt;
    if (patch && type == "application/merge-patch+json") return std::nullopt;
    return Problem::media_type("the body must be application/json, not " + text::printable(type));
}

Read<Range> read_range(const Request& request) {
    Range range;
    if (const auto limit = request.arg("limit")) {
        const auto count = text::parse_u64(*limit);
        if (!count || *count < 1 || *count > kPageMax)
            return refuse_member("limit", "a number from 1 to 1000 is expected");
        range.limit = *count;
    }
    range.after = request.arg("after").value_or("");
    return range;
}

Response page_of(const Request& request, Bytes joined, const std::optional<std::string>& next,
                 std::string_view more_members) {
    Bytes body = "{\"items\":[";
    body.append(joined).append("],\"next\":");
    body += next ? text::json_string(*next) : "null";
    body.append(more_members).append("}");
    Response response = Response::json(std::move(body));
    if (next) {
        response.headers.emplace_back("Link",
                                      "<" + next_address(request, *next) + ">; rel=\"next\"");
    }
    return response;
}

Response page(const Request& request, const std::vector<Bytes>& items,
              const std::optional<std::string>& next) {
    Bytes joined;
    for (const Bytes& item : items) {
        if (!joined.empty()) joined += ',';
        joined += item;
    }
    return page_of(request, std::move(joined), next);
}

bool is_this_node(const NodeFacts& facts, std::string_view id) {
    return id == facts.id_text || id == facts.name;
}

void audit(NodeControl& node, const Request& request, std::string_view action,
           std::string_view object, std::string_view members) {
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("at", text::rfc3339(wall_now()));
    out.member("node", node.facts().id_text).member("actor", request.caller.name);
    out.member("from", request.peer).member("action", action).member("object", object);
    out.member("req", request.id);
    if (members.find("\"outcome\"") == std::string_view::npos) out.member("outcome", "ok");
    out.end_object();
    if (!members.empty()) {
        json.pop_back();
        json.append(",").append(members).append("}");
    }
    node.system_message("$sys.audit", std::move(json));
}

void audit_change(NodeControl& node, const Request& request, std::string_view action,
                  std::string_view object, std::string_view before, std::string_view after) {
    const auto digest = [](std::string_view text) {
        return text.empty() ? std::string("null") : text::json_string(text);
    };
    audit(node, request, action, object,
          "\"before\":" + digest(before) + ",\"after\":" + digest(after));
}

std::string actor_of(const Request& request) { return request.caller.name + '\t' + request.peer; }

}  // namespace anode::api::rest
