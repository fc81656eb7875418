#include <algorithm>

#include "api/table/documents.hpp"
#include "api/table/meanings.hpp"
#include "api/table/schema.hpp"
#include "base/text.hpp"

namespace anode::api {

namespace {

constexpr std::string_view kHead = R"(# HTTP interface

Made by `docs/generate` from the table that routes requests (`anode api docs`); do not edit. The same table gives
`/v1/openapi.json` (OpenAPI 3.1) and `/v1/asyncapi.json` (AsyncAPI 3.0) of every node.

Every block that begins with `curl` can be typed as it stands against a node of one's own on the default port; the test
suite does just that, from top to bottom. Where tokens are on, add `-H "Authorization: Bearer $TOKEN"`.

## What holds everywhere

- **Roles.** V viewer, S subscriber, P publisher (both for the topics of the token), O operator, A admin. O includes V and
  S, A includes all. `any`: some valid credential. `-`: none.
- **Text.** JSON in UTF-8. Times out are RFC 3339 with `Z`; in, also microseconds since 1970 and ages such as `-15m`.
  Durations are `250ms 5s 2h 30d`, sizes `64KiB 1GiB`, patterns `a.*.c` and `a.>` with commas between.
- **Strict.** A parameter that the row does not name is 400, one with a wrong value 422, one given twice 400; an unknown
  member of a body is 422. `errors[].pointer` says which: `/name`, or `?name` for parameters that do not belong.
- **Errors** are `application/problem+json` (RFC 9457): `type title status code detail instance errors retry_ms`, in this
  order. Programs read `code`.
- **Lists.** `limit` (100, at most 1,000) and `after`; the answer is `{"items":[…],"next":"…"|null}` with
  `Link: <…>; rel="next"`.
- **Versions.** A stored object has a strong `ETag`. `If-None-Match` makes a read 304; `If-Match` makes a write 412
  `stale-version`; `If-None-Match: *` makes it create only. `PATCH` is a merge patch (RFC 7396).
- **Trying.** `dry_run` checks a write and shows the result. `wait=cluster` answers when all live nodes have it.
- **Other nodes.** `node=ID` sends a request on to that node; `node=all` asks every node, and answers
  `{"items":[…],"failed":[{"node","code"}]}`.
- **Requests.** `X-Request-Id` is taken or made, and returned. `HEAD` works wherever `GET` does; `OPTIONS` names the
  methods of a path, and answers preflights of listed origins.
- **Rates.** With tokens on, each token (callers without one: each address) may make `limits.requests` requests and publish
  `limits.messages` messages a second, twice as many at once. `RateLimit-Policy` and `RateLimit` tell what is left; over it
  is 429 `rate-limited` with `Retry-After`. The Unix socket is not counted.
- **Compression.** Answers over 1 KiB are compressed if `Accept-Encoding` asks for it: `zstd` or `gzip`, pages also `br`.
  Streams are not. Bodies may come as `gzip`, `deflate` or `zstd`.

)";

std::string cell(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '|') out += '\\';
        out += c;
    }
    return out;
}

std::string code(std::string_view text) {
    return text.empty() ? std::string() : "`" + std::string(text) + "`";
}

std::string linked(std::string_view schema) {
    if (schema.empty()) return "anything";
    return "[" + std::string(schema) + "](#" + text::lower(schema) + ")";
}

/// Where on the default port it is tried.
std::string example_of(const Operation& row) {
    if (row.example.empty()) return {};
    const std::string url = "'http://localhost:7945" + std::string(row.example) + "'";
    if (row.method == Method::Get) return "curl -s " + url;
    std::string line = "curl -s -X " + std::string(name(row.method));
    for (const BodyForm& form : row.bodies) {
        if (form.example.empty()) continue;
        line += " -H 'Content-Type: " + std::string(form.media_type) + "' -d '" +
                std::string(form.example) + "'";
        break;
    }
    return line + " " + url;
}

void add_parameters(std::string& out, const Operation& row) {
    if (row.parameters.empty() && row.headers.empty()) return;
    out += "| parameter | type | default | meaning |\n| --- | --- | --- | --- |\n";
    for (const Parameter& parameter : row.parameters)
        out.append("| `")
            .append(parameter.name)
            .append("` | ")
            .append(cell(type_of(parameter)))
            .append(" | ")
            .append(parameter.required ? "required" : cell(parameter.standard))
            .append(" | ")
            .append(cell(parameter.text))
            .append(" |\n");
    for (const std::string_view header : row.headers) {
        const auto* meaning = std::ranges::find(kHeaders, header, &HeaderMeaning::name);
        if (meaning != kHeaders.end())
            out.append("| `")
                .append(header)
                .append("` | header |  | ")
                .append(cell(meaning->text))
                .append(" |\n");
    }
    out += '\n';
}

void add_bodies(std::string& out, const Operation& row) {
    if (row.bodies.empty()) return;
    out += row.body_required ? "Body: " : "Body, if any: ";
    bool first = true;
    for (const BodyForm& form : row.bodies) {
        out.append(first ? "" : ", ")
            .append(code(form.media_type))
            .append(" ")
            .append(linked(form.schema));
        first = false;
    }
    out += ".\n\n";
}

void add_answers(std::string& out, const Operation& row) {
    for (const AnswerForm& form : row.answers) {
        out.append("- ").append(std::to_string(form.status)).append(" ").append(form.text);
        if (!form.media_type.empty())
            out.append(": ").append(code(form.media_type)).append(" ").append(linked(form.schema));
        out += '\n';
    }
    if (!row.problems.empty()) {
        out += "- beside what every row may answer:";
        for (const std::string_view problem : row.problems) out.append(" ").append(code(problem));
        out += '\n';
    }
    out += '\n';
}

void add_row(std::string& out, const Operation& row) {
    out.append("### ").append(name(row.method)).append(" ").append(row.path).append("\n\n");
    out.append(row.summary).append(". Role ").append(role_letter(row.role)).append(".");
    if (!row.text.empty()) out.append(" ").append(row.text);
    out += "\n\n";
    if (const std::string line = example_of(row); !line.empty())
        out.append("```sh\n").append(line).append("\n```\n\n");
    add_parameters(out, row);
    add_bodies(out, row);
    add_answers(out, row);
}

void add_codes(std::string& out) {
    out += "## Codes\n\n| status | code | meaning |\n| --- | --- | --- |\n";
    for (const CodeRow& row : problem_codes())
        out.append("| ")
            .append(std::to_string(row.status))
            .append(" | `")
            .append(row.code)
            .append("` | ")
            .append(row.title)
            .append(" |\n");
    out += '\n';
}

void add_schemas(std::string& out) {
    out +=
        "## Documents\n\nA type with `?` may be null. Clients ignore members that they do not "
        "know.\n\n";
    for (const Schema& schema : schemas()) {
        out.append("### ").append(schema.name).append("\n\n").append(schema.text).append(".");
        if (schema.closed) out += " Other members are refused.";
        out += "\n\n";
        const auto members = members_of(schema);
        if (members.empty()) continue;
        out += "| member | type | meaning |\n| --- | --- | --- |\n";
        for (const Member& member : members)
            out.append("| `")
                .append(member.name)
                .append("`")
                .append(member.optional ? " (may be missing)" : "")
                .append(" | ")
                .append(cell(member.type))
                .append(" | ")
                .append(cell(member.text))
                .append(" |\n");
        out += '\n';
    }
}

}  // namespace

std::string api_reference() {
    std::string out(kHead);
    std::vector<std::string_view> tags;
    for (const Operation& row : operations())
        if (std::ranges::find(tags, row.tag()) == tags.end()) tags.push_back(row.tag());
    for (const std::string_view tag : tags) {
        out.append("## ").append(tag).append("\n\n");
        for (const Operation& row : operations())
            if (row.tag() == tag) add_row(out, row);
    }
    add_codes(out);
    add_schemas(out);
    while (out.ends_with("\n\n")) out.pop_back();
    return out;
}

}  // namespace anode::api
