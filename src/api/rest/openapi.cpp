#include "api/rest/openapi.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "core/json/json.hpp"

namespace anode::api::rest {

namespace {

/// What query parameters mean, wherever they occur.
struct Meaning {
    std::string_view name, schema, text;
};
constexpr Meaning kMeanings[] = {
    {"limit", R"({"type":"integer","minimum":1})", "Most items of one answer"},
    {"after", R"({"type":"string"})", "The `next` of the page before"},
    {"from", R"({"type":"string"})",
     "live, last, earliest, a cursor, RFC 3339, µs or an age such as -15m"},
    {"to", R"({"type":"string"})", "A time; messages at it are left out"},
    {"order", R"({"type":"string","enum":["asc","desc"],"default":"desc"})",
     "Oldest or newest first"},
    {"filter", R"({"type":"string","maxLength":1024})",
     "Expression over the envelope; true keeps the message"},
    {"format", R"({"type":"string","enum":["envelope","data","cloudevents"],"default":"envelope"})",
     "Form of each message"},
    {"fields", R"({"type":"string","enum":["prov"]})", "Additional members"},
    {"topics", R"({"type":"string"})", "1 to 64 patterns with commas"},
    {"topic", R"({"type":"string"})", "The topic to publish to"},
    {"prefix", R"({"type":"string"})", "Only topics that begin with it"},
    {"depth", R"({"type":"integer","minimum":1,"maximum":16})",
     "Tokens below the prefix to fold to"},
    {"before", R"({"type":"string"})", "What is older goes"},
    {"on_gap", R"({"type":"string","enum":["tell","fail"]})", "What a hole behind the cursor does"},
    {"slow", R"({"type":"string","enum":["catchup","drop","close"]})",
     "Policy for a slow listener"},
    {"mode", R"({"type":"string","enum":["all","latest","sample"]})", "Which messages are sent"},
    {"every", R"({"type":"string"})", "Period of mode=latest"},
    {"n", R"({"type":"integer","minimum":1})", "Of mode=sample: every nth"},
    {"batch", R"({"type":"string"})", "Milliseconds to gather"},
    {"hb", R"({"type":"string"})", "Heartbeat when idle"},
    {"ack", R"({"type":"string","default":"disk"})", "received, disk or copies:N"},
    {"envelopes", R"({"type":"boolean"})", "Each line names its own topic"},
    {"key", R"({"type":"string","maxLength":1024})", "Entity inside the topic"},
    {"kind", R"({"type":"string","enum":["set","delete","retract","snapshot"]})",
     "Kind of the message"},
    {"sts", R"({"type":"integer"})", "The source's own time, µs"},
    {"dry_run", R"({"type":"boolean"})", "Validate and show, change nothing"},
    {"wait", R"({"type":"string","enum":["cluster"]})", "Answer when all live nodes have it"},
    {"timeout", R"({"type":"string"})", "How long to wait"},
    {"node", R"({"type":"string"})", "A node's id, or all"},
    {"verbose", R"({"type":"boolean"})", "Show each check"},
};
constexpr Meaning kPathMeanings[] = {
    {"topic", R"({"type":"string","maxLength":255})", "A topic: tokens joined by dots"},
    {"name", R"({"type":"string","maxLength":64})", "Name of the object"},
    {"id", R"({"type":"string"})", "Identity of the object"},
    {"source", R"({"type":"string","maxLength":64})", "Name of a webhook source"},
};

Meaning meaning_of(std::span<const Meaning> known, std::string_view name) {
    for (const Meaning& one : known)
        if (one.name == name) return one;
    return {name, R"({"type":"string"})", "Only items whose member of this name has this value"};
}

/// A pattern of the router as OpenAPI writes it: `{path*}` is a plain parameter there.
std::string openapi_path(std::string_view pattern) {
    std::string path(pattern);
    std::erase(path, '*');
    return path;
}

std::vector<std::string> path_parameters(std::string_view path) {
    std::vector<std::string> names;
    for (std::size_t open = path.find('{'); open != std::string_view::npos;
         open = path.find('{', open + 1))
        names.emplace_back(path.substr(open + 1, path.find('}', open) - open - 1));
    return names;
}

/// `get /v1/sources/{name}:test` → `get_v1_sources_name_test`.
std::string operation_id(const Route& route) {
    std::string id = text::lower(name(route.method));
    bool gap = true;
    for (const char c : route.pattern) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (letter && gap) id += '_';
        gap = !letter;
        if (letter) id += c;
    }
    return id;
}

std::string tag_of(std::string_view pattern) {
    if (!pattern.starts_with("/v1/")) return "node";
    const std::string_view rest = pattern.substr(4);
    return std::string(rest.substr(0, rest.find_first_of("/:")));
}

std::string_view role_letter(Role role) {
    constexpr std::string_view kLetters[] = {"-", "any", "V", "S", "P", "O", "A"};
    return kLetters[static_cast<std::size_t>(role)];
}

void write_parameter(json::Writer& out, const Meaning& meaning, bool in_path) {
    out.begin_object().member("name", meaning.name).member("in", in_path ? "path" : "query");
    if (in_path) out.member("required", true);
    out.member("description", meaning.text).key("schema").raw(meaning.schema).end_object();
}

void write_parameters(json::Writer& out, const Route& route) {
    out.key("parameters").begin_array();
    for (const std::string& parameter : path_parameters(openapi_path(route.pattern)))
        write_parameter(out, meaning_of(kPathMeanings, parameter), true);
    for (const std::string& arg : route.args)
        if (arg != "*") write_parameter(out, meaning_of(kMeanings, arg), false);
    if (route.method == Method::Put || route.method == Method::Patch)
        out.begin_object().member("$ref", "#/components/parameters/IfMatch").end_object();
    if (route.method == Method::Put)
        out.begin_object().member("$ref", "#/components/parameters/IfNoneMatch").end_object();
    if (route.pattern.ends_with("/messages") && route.method == Method::Post)
        out.begin_object().member("$ref", "#/components/parameters/IdempotencyKey").end_object();
    out.end_array();
}

void write_content(json::Writer& out, std::string_view media_type, std::string_view schema) {
    out.key(media_type).begin_object().key("schema").begin_object();
    if (schema.empty())
        out.end_object();
    else
        out.member("$ref", std::string("#/components/schemas/").append(schema)).end_object();
    out.end_object();
}

bool is_publish(const Route& route) {
    return route.method == Method::Post && route.pattern.ends_with("/messages");
}

void write_request_body(json::Writer& out, const Route& route) {
    const bool verb = route.pattern.find(':') != std::string::npos;
    const bool writes = route.method == Method::Put || route.method == Method::Patch ||
                        route.method == Method::Post;
    if (!writes) return;
    out.key("requestBody").begin_object();
    if (!verb) out.member("required", !route.pattern.ends_with("tickets"));
    out.key("content").begin_object();
    if (is_publish(route)) {
        for (const std::string_view type : {"application/json", "application/x-ndjson"})
            write_content(out, type, {});
        write_content(out, "application/cloudevents+json", "CloudEvent");
        write_content(out, "application/cloudevents-batch+json", {});
        write_content(out, "*/*", {});
    } else if (route.pattern.ends_with("config:check")) {
        write_content(out, "application/toml", {});
    } else if (route.method == Method::Patch) {
        write_content(out, "application/merge-patch+json", {});
    } else {
        write_content(out, "application/json", {});
    }
    out.end_object().end_object();
}

/// What a good answer is made of, told by the path.
void write_good_answer(json::Writer& out, const Route& route) {
    const std::string_view path = route.pattern;
    const bool get = route.method == Method::Get;
    if (get && (path.ends_with("/messages") || path.ends_with("/last"))) {
        write_content(out, "application/json", "MessagePage");
        if (path.ends_with("/messages")) write_content(out, "application/x-ndjson", "Message");
    } else if (get && path == "/v1/stream") {
        write_content(out, "application/x-ndjson", "Message");
        write_content(out, "text/event-stream", {});
    } else if (is_publish(route) || path == "/v1/in/{source}") {
        write_content(out, "application/json", "Published");
    } else if (path == "/metrics" || path == "/livez" || path == "/readyz") {
        write_content(out, "text/plain", {});
    } else if (path == "/" || path.starts_with("/ui")) {
        write_content(out, path.ends_with(".css") ? "text/css" : "text/html", {});
    } else {
        const bool list = get && path.find('{') == std::string_view::npos &&
                          std::ranges::find(route.args, "after") != route.args.end();
        write_content(out, "application/json", list ? "Page" : "Object");
    }
}

void write_responses(json::Writer& out, const Route& route) {
    out.key("responses").begin_object();
    const bool socket = route.pattern == "/v1/ws" || route.pattern == "/v1/push";
    if (socket) {
        out.key("101").begin_object().member("description", "A WebSocket").end_object();
    } else if (route.method == Method::Delete) {
        out.key("204").begin_object().member("description", "Done").end_object();
    } else {
        out.key("200").begin_object().member("description", "Done").key("content").begin_object();
        write_good_answer(out, route);
        out.end_object().end_object();
    }
    if (route.method == Method::Put ||
        (route.method == Method::Post && !is_publish(route) && route.args.size() >= 3))
        out.key("201").begin_object().member("description", "Created").end_object();
    out.key("default").begin_object().member("$ref", "#/components/responses/Problem").end_object();
    out.end_object();
}

void write_operation(json::Writer& out, const Route& route) {
    out.key(text::lower(name(route.method))).begin_object();
    out.member("operationId", operation_id(route)).member("summary", route.summary);
    out.key("tags").begin_array().value(tag_of(route.pattern)).end_array();
    out.member("x-anode-role", role_letter(route.role)).key("security").begin_array();
    if (route.role != Role::None)
        out.begin_object().key("token").begin_array().end_array().end_object();
    out.end_array();
    write_parameters(out, route);
    write_request_body(out, route);
    write_responses(out, route);
    out.end_object();
}

}  // namespace

Bytes openapi_json(const Router& router, std::string_view version, std::string_view public_url) {
    std::map<std::string, std::vector<const Route*>> paths;
    for (const Route& route : router.routes()) paths[openapi_path(route.pattern)].push_back(&route);
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("openapi", "3.1.0").key("info").begin_object();
    out.member("title", "aNode").member("version", version);
    out.member("summary", "A real-time data hub: sources in, topics, listeners out").end_object();
    out.key("servers").begin_array().begin_object();
    out.member("url", public_url.empty() ? std::string_view("/") : public_url);
    out.end_object().end_array().key("paths").begin_object();
    for (const auto& [path, routes] : paths) {
        out.key(path).begin_object();
        for (const Route* route : routes) write_operation(out, *route);
        out.end_object();
    }
    out.end_object().key("components").raw(openapi_components()).end_object();
    return json;
}

}  // namespace anode::api::rest
