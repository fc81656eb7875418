#include "core/source/build.hpp"

#include "core/source/grammar.hpp"

namespace anode::source {

std::string_view name(Type type) noexcept {
    constexpr std::string_view kNames[] = {"websocket", "rest", "sse", "webhook", "file", "test"};
    return kNames[static_cast<std::size_t>(type)];
}

const std::string* Definition::label(std::string_view label) const noexcept {
    for (const auto& [key, value] : labels) {
        if (key == label) return &value;
    }
    return nullptr;
}

Filler filler_of(const json::Value& v) {
    if (auto secret = read_secret_form(v)) return {std::move(*secret)};
    return {template_of(v)};
}

MessageTemplate message_of(const json::Value& v) {
    if (v.is_object() || v.is_array()) return {JsonTemplate::parse(v).value()};
    return {template_of(v)};
}

std::variant<std::string, expr::Program> expect_of(const json::Value& v) {
    std::string text = v.string();
    if (expr::is_expression(text)) return expr::Program::compile(text).value();
    return text;
}

std::vector<expr::Selector> selectors_of(const json::Value& v) {
    std::vector<expr::Selector> made;
    if (v.is_string()) made.push_back(selector_of(v));
    each(v, [&](const json::Value& e) { made.push_back(selector_of(e)); });
    return made;
}

std::vector<expr::Program> programs_of(const json::Value& v) {
    std::vector<expr::Program> made;
    each(v, [&](const json::Value& e) { made.push_back(program_of(e)); });
    return made;
}

std::vector<std::string> texts_of(const json::Value& v) {
    std::vector<std::string> made;
    each(v, [&](const json::Value& e) { made.push_back(scalar_text(e)); });
    return made;
}

std::optional<ItemRef> item_ref_of(const json::Value& table) {
    if (table["item"].is_null()) return std::nullopt;
    ItemRef ref{selectors_of(table["item"]), std::nullopt};
    if (const json::Value spelled = table["item_as"]; !spelled.is_null())
        ref.spelled = template_of(spelled);
    return ref;
}

std::vector<Header> headers_of(const json::Value& v) {
    std::vector<Header> made;
    each(v, [&](const json::Value& value) { made.push_back({value.name(), filler_of(value)}); });
    return made;
}

namespace {

Definition build(const json::Value& root) {
    Definition made;
    made.name = root["name"].string();
    set(root["type"], made.type,
        {{"websocket", Type::Websocket},
         {"rest", Type::Rest},
         {"sse", Type::Sse},
         {"webhook", Type::Webhook},
         {"file", Type::File},
         {"test", Type::Test}});
    set(root["enabled"], made.enabled);
    each(root["labels"],
         [&](const json::Value& v) { made.labels.emplace_back(v.name(), v.string()); });
    build_connection(root, made);
    build_stream(root, made);
    build_shape(root, made);
    build_flow(root, made);
    build_poll(root, made);
    build_care(root, made);
    build_auth(root, made);
    build_other(root, made);
    return made;
}

std::unexpected<std::vector<Complaint>> complaint(std::string detail) {
    return std::unexpected(std::vector{Complaint{"", "invalid", std::move(detail)}});
}

}  // namespace

std::expected<Definition, std::vector<Complaint>> parse(const json::Value& definition) {
    if (!definition.is_object()) return complaint("a table is expected");
    if (definition.raw().size() > kDefinitionBytesMax)
        return complaint("a definition is at most 64 KiB");
    Complaints complaints(definition);
    std::vector<TemplateUse> uses;
    const std::uint8_t type = type_bit(definition);
    check_table(definition, type, complaints, uses);
    check_sense(definition, type, uses, complaints);
    if (!complaints.empty()) return std::unexpected(complaints.take());
    return build(definition);
}

std::expected<Definition, std::vector<Complaint>> parse(std::string_view json) {
    json::Document document;
    if (auto parsed = document.parse(json); !parsed) return complaint(parsed.error().what);
    return parse(document.root());
}

}  // namespace anode::source
