#include <algorithm>

#include "base/text.hpp"
#include "core/source/check.hpp"
#include "core/source/grammar.hpp"
#include "core/source/keys.hpp"

/// The reference in Markdown, from the table of keys.
namespace anode::source {

namespace {

constexpr std::pair<Form, std::string_view> kNames[] = {
    {Form::Bool, "true, false"},
    {Form::Number, "whole number"},
    {Form::Float, "number"},
    {Form::Text, "text"},
    {Form::Name, "name"},
    {Form::Duration, "duration"},
    {Form::Jitter, "duration, `±`"},
    {Form::Size, "size"},
    {Form::Rate, "rate"},
    {Form::Percent, "percentage"},
    {Form::When, "`idle …`, `every …`"},
    {Form::Path, "path"},
    {Form::Selector, "path, expression"},
    {Form::Expr, "expression"},
    {Form::Expect, "word, expression"},
    {Form::Template, "template"},
    {Form::Topic, "topic template"},
    {Form::Url, "URL template"},
    {Form::PlainUrl, "URL"},
    {Form::Secret, "secret"},
    {Form::Json, "JSON template"},
    {Form::Table, "table"},
    {Form::Next, "`link`, path, URL template"},
};

std::string forms_of(const Key& key) {
    std::string out;
    const auto add = [&out](std::string_view text) {
        out += (out.empty() ? "" : ", ") + std::string(text);
    };
    if (key.has(Form::Word)) {
        for (const std::string_view word : text::split(key.words, ' '))
            add("`" + std::string(word) + "`");
    }
    for (const auto& [form, name] : kNames) {
        if (key.has(form)) add(name);
    }
    if (key.has(Form::List)) add("list of (" + forms_of(*key.element) + ")");
    if (key.has(Form::Map)) add("table of (" + forms_of(*key.element) + ")");
    return out;
}

void append_rows(std::string& out, const Key& key, const std::string& path);

void append_members(std::string& out, const Key& key, const std::string& path) {
    for (const Key& member : key.table)
        append_rows(
            out, member,
            path.empty() ? std::string(member.name) : path + "." + std::string(member.name));
    if (key.element == nullptr) return;
    if (key.has(Form::List)) append_members(out, *key.element, path + "[]");
    if (key.has(Form::Map)) append_members(out, *key.element, path + ".*");
}

void append_rows(std::string& out, const Key& key, const std::string& path) {
    out += "| `" + path + "` | " + forms_of(key);
    if (key.required) out += " (required)";
    out += " | ";
    if (!key.fallback.empty()) out += "`" + std::string(key.fallback) + "`";
    out += " | " + std::string(key.meaning);
    if (key.types != kAllTypes) out += " For " + type_names(key.types) + ".";
    if (!key.belongs.empty()) {
        std::string with(key.belongs);
        for (std::size_t at = 0; (at = with.find(' ', at)) != std::string::npos; at += 4)
            with.replace(at, 1, "`, `");
        out += " With `" + with + "`.";
    }
    out += " |\n";
    append_members(out, key, path);
}

}  // namespace

std::string reference_markdown() {
    std::string out =
        "# Reference: source definitions\n\n"
        "Made from the table in the code; `anode sources check FILE` and the API follow the same "
        "table. `[]` stands for each element of a list, "
        "`*` for each member of a table with free names.\n\n"
        "| key | takes | default | meaning |\n| --- | --- | --- | --- |\n";
    append_members(out, root_key(), "");
    out +=
        "\n## Templates\n\n"
        "| placeholder | stands for |\n| --- | --- |\n"
        "| `{inst}` | the item's value of list `inst`; several items of a batch are joined with "
        "`,` |\n"
        "| `{place.lat}` | member `lat` of an item that is a table |\n"
        "| `{$token}` | a captured variable |\n"
        "| `{.s}`, `{s}` | field of the row (or of the frame that is answered); `{s}` asks the "
        "item first and what was mapped (`key`, `id`, `version`) last |\n"
        "| `{now}`, `{now:s}`, `{now:us}`, `{now:ns}`, `{now:rfc3339}` | the time; milliseconds if "
        "no unit is given |\n"
        "| `{uuid}` | a random UUID |\n"
        "| `{n}` | a counter of this connection: 1, 2, 3 |\n"
        "| `{tokens[2]}` | the third token of a topic (pipelines) |\n"
        "| `{{` | a brace |\n\n"
        "After a colon stands a form: `lower`, `upper`, `raw` (not escaped), and, where it is the "
        "whole of a JSON string, `number` or `json`. "
        "In JSON, `{\"$each\": T}` inside an array becomes one T per item of the batch; `{\"env\": "
        "\"NAME\"}` and `{\"file\": \"/…\"}` become the secret.\n";
    return out;
}

}  // namespace anode::source
