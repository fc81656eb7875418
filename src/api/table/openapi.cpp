#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "api/table/documents.hpp"
#include "api/table/meanings.hpp"
#include "api/table/schema.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"

namespace anode::api {

namespace {

/// `{path*}` is a plain parameter there.
std::string plain(std::string_view pattern) {
    std::string path(pattern);
    std::erase(path, '*');
    return path;
}

void write_reference(json::Writer& out, std::string_view kind, std::string_view name) {
    out.member("$ref", "#/components/" + std::string(kind) + "/" + std::string(name));
}

void write_path_part(json::Writer& out, std::string_view name) {
    const auto* part = std::ranges::find(kPathParts, name, &PathMeaning::name);
    out.begin_object().member("name", name).member("in", "path").member("required", true);
    out.key("schema").begin_object().member("type", "string");
    if (part != kPathParts.end()) {
        out.key("pattern").raw("\"" + std::string(part->pattern) + "\"");
        out.member("maxLength", part->bytes_max).end_object().member("description", part->text);
    } else {
        out.end_object();
    }
    out.end_object();
}

void write_parameters(json::Writer& out, const Operation& row) {
    out.key("parameters").begin_array();
    for (const std::string_view part : path_parts(row.path)) write_path_part(out, part);
    for (const Parameter& parameter : row.parameters) {
        out.begin_object().member("name", parameter.name).member("in", "query");
        out.member("description", parameter.text).member("required", parameter.required);
        if (parameter.is == Parameter::Is::Flag) out.member("allowEmptyValue", true);
        out.key("schema").raw(schema_of(parameter)).end_object();
    }
    for (const std::string_view header : row.headers) {
        const auto* meaning = std::ranges::find(kHeaders, header, &HeaderMeaning::name);
        if (meaning == kHeaders.end()) continue;
        out.begin_object();
        write_reference(out, "parameters", meaning->key);
        out.end_object();
    }
    out.end_array();
}

/// A media type with its schema; `by_node`: or one such document for each node.
void write_content(json::Writer& out, std::string_view media_type, std::string_view schema,
                   bool by_node, std::string_view example) {
    out.key(media_type).begin_object().key("schema").begin_object();
    if (by_node) {
        out.key("anyOf").begin_array();
        for (const std::string_view one : {schema, std::string_view("ByNode")}) {
            out.begin_object();
            write_reference(out, "schemas", one);
            out.end_object();
        }
        out.end_array();
    } else if (!schema.empty()) {
        write_reference(out, "schemas", schema);
    }
    out.end_object();
    if (!example.empty()) out.key("example").raw(example);
    out.end_object();
}

void write_body(json::Writer& out, const Operation& row) {
    if (row.bodies.empty()) return;
    out.key("requestBody").begin_object().member("required", row.body_required);
    out.key("content").begin_object();
    for (const BodyForm& form : row.bodies)
        write_content(out, form.media_type, form.schema, false,
                      form.media_type.ends_with("json") ? form.example : std::string_view());
    out.end_object().end_object();
}

/// All that one status may bring.
struct Outcome {
    std::string text;
    std::vector<AnswerForm> forms;  ///< those with a body
    bool problem = false;

    void add(std::string_view more, std::string_view between) {
        if (text.find(more) == std::string::npos)
            text.append(text.empty() ? "" : between).append(more);
    }
};

std::map<int, Outcome> outcomes_of(const Operation& row) {
    std::map<int, Outcome> outcomes;
    for (const AnswerForm& form : row.answers) {
        Outcome& outcome = outcomes[form.status];
        outcome.add(form.text, "; or: ");
        if (!form.media_type.empty()) outcome.forms.push_back(form);
    }
    for (const CodeRow* code : problems_of(row)) {
        Outcome& outcome = outcomes[code->status];
        outcome.add("`" + std::string(code->code) + "`", outcome.problem ? ", " : "; or: ");
        outcome.problem = true;
    }
    return outcomes;
}

void write_answers(json::Writer& out, const Operation& row) {
    const bool by_node = row.method == Method::Get && row.node_scoped();
    out.key("responses").begin_object();
    for (const auto& [status, outcome] : outcomes_of(row)) {
        out.key(std::to_string(status)).begin_object().member("description", outcome.text);
        if (!outcome.forms.empty() || outcome.problem) {
            out.key("content").begin_object();
            for (const AnswerForm& form : outcome.forms)
                write_content(out, form.media_type, form.schema, by_node, {});
            if (outcome.problem)
                write_content(out, "application/problem+json", "Problem", false, {});
            out.end_object();
        }
        out.end_object();
    }
    out.end_object();
}

void write_operation(json::Writer& out, const Operation& row) {
    out.key(text::lower(name(row.method))).begin_object();
    out.member("operationId", row.id()).member("summary", row.summary);
    if (!row.text.empty()) out.member("description", row.text);
    out.key("tags").begin_array().value(row.tag()).end_array();
    out.member("x-anode-role", role_letter(row.role)).member("x-anode-streams", row.streams);
    out.member("x-anode-node-scoped", row.node_scoped()).key("security").begin_array();
    if (row.role != Role::None)
        out.begin_object().key("token").begin_array().end_array().end_object();
    out.end_array();
    write_parameters(out, row);
    write_body(out, row);
    write_answers(out, row);
    out.end_object();
}

void write_components(json::Writer& out) {
    out.begin_object().key("securitySchemes").begin_object().key("token").begin_object();
    out.member("type", "http").member("scheme", "bearer");
    out.member("description", "`an_…`, made by POST /v1/tokens").end_object().end_object();
    out.key("parameters").begin_object();
    for (const HeaderMeaning& header : kHeaders) {
        out.key(header.key).begin_object().member("name", header.name).member("in", "header");
        out.member("description", header.text).key("schema").begin_object();
        out.member("type", "string");
        if (header.bytes_max > 0) out.member("minLength", 1).member("maxLength", header.bytes_max);
        out.end_object().end_object();
    }
    out.end_object().key("schemas").begin_object();
    for (const Schema& schema : schemas()) out.key(schema.name).raw(json_of(schema));
    out.end_object().end_object();
}

void write_tags(json::Writer& out) {
    std::vector<std::string_view> tags;
    for (const Operation& row : operations())
        if (std::ranges::find(tags, row.tag()) == tags.end()) tags.push_back(row.tag());
    out.key("tags").begin_array();
    for (const std::string_view tag : tags) out.begin_object().member("name", tag).end_object();
    out.end_array();
}

}  // namespace

Bytes openapi_json(std::string_view version, std::string_view public_url) {
    std::map<std::string, std::vector<const Operation*>> paths;
    for (const Operation& row : operations()) paths[plain(row.path)].push_back(&row);
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("openapi", "3.1.0").key("info").begin_object();
    out.member("title", "aNode").member("version", version);
    out.member("summary", "A hub for live data: sources in, topics, listeners out").end_object();
    out.key("servers").begin_array().begin_object();
    out.member("url", public_url.empty() ? std::string_view("/") : public_url);
    out.end_object().end_array();
    write_tags(out);
    out.key("paths").begin_object();
    for (const auto& [path, rows] : paths) {
        out.key(path).begin_object();
        for (const Operation* row : rows) write_operation(out, *row);
        out.end_object();
    }
    out.end_object().key("components");
    write_components(out);
    out.end_object();
    return json;
}

}  // namespace anode::api
