#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "core/source/template.hpp"
#include "core/source/template_text.hpp"

namespace anode::source {

struct JsonTemplate::Node {
    enum class Kind : std::uint8_t {
        Literal,
        Text,
        Bare,
        Secret,
        Object,
        Array,
        Each
    } kind = Kind::Literal;
    std::string literal;  ///< compact JSON, or the name of a member
    Template text;        ///< Text: goes into quotes; Bare: a number or any JSON
    SecretRef secret;
    std::vector<Template> names;  ///< of an object: of its elements, one by one
    std::vector<Node> elements;   ///< of an array; the one of an Each
};

namespace {

using Node = JsonTemplate::Node;
using Form = Template::Part::Form;
using Fault = JsonTemplate::Fault;

std::string escape_pointer(std::string_view name) {
    std::string out;
    for (const char c : name) {
        if (c == '~')
            out += "~0";
        else if (c == '/')
            out += "~1";
        else
            out += c;
    }
    return out;
}

std::expected<Node, Fault> read_text(const std::string& text, const std::string& pointer) {
    auto parsed = Template::parse(text);
    if (!parsed) return std::unexpected(Fault{pointer, parsed.error()});
    Node node;
    const auto& parts = parsed->parts();
    const bool bare =
        parts.size() == 1 && (parts[0].form == Form::Number || parts[0].form == Form::Json);
    if (!bare) {
        for (const auto& part : parts) {
            if (part.form == Form::Number || part.form == Form::Json) {
                return std::unexpected(Fault{
                    pointer,
                    {part.offset, "`number` and `json` need the whole string for themselves"}});
            }
        }
    }
    node.kind = bare ? Node::Kind::Bare : Node::Kind::Text;
    node.text = std::move(*parsed);
    return node;
}

std::expected<Node, Fault> read(const json::Value& value, const std::string& pointer,
                                bool in_array);

std::expected<Node, Fault> read_array(const json::Value& array, const std::string& pointer) {
    Node node;
    node.kind = Node::Kind::Array;
    std::size_t index = 0;
    for (json::Value v = array.first(); v; v = v.next_in(array)) {
        auto element = read(v, pointer + "/" + std::to_string(index++), true);
        if (!element) return element;
        node.elements.push_back(std::move(*element));
    }
    return node;
}

std::expected<Node, Fault> read_object(const json::Value& object, const std::string& pointer,
                                       bool in_array) {
    Node node;
    if (const json::Value each = object.find("$each"); each) {
        if (!in_array)
            return std::unexpected(Fault{pointer, {0, "`$each` stands inside an array only"}});
        if (object.size() != 1)
            return std::unexpected(Fault{pointer, {0, "`$each` allows no other member beside it"}});
        auto element = read(each, pointer + "/$each", false);
        if (!element) return element;
        node.kind = Node::Kind::Each;
        node.elements.push_back(std::move(*element));
        return node;
    }
    if (auto secret = read_secret(object)) {
        node.kind = Node::Kind::Secret;
        node.secret = std::move(*secret);
        return node;
    }
    node.kind = Node::Kind::Object;
    for (json::Value v = object.first(); v; v = v.next_in(object)) {
        const std::string name = v.name();
        const std::string place = pointer + "/" + escape_pointer(name);
        auto key = Template::parse(name);
        if (!key) return std::unexpected(Fault{place, key.error()});
        auto member = read(v, place, false);
        if (!member) return member;
        node.names.push_back(std::move(*key));
        node.elements.push_back(std::move(*member));
    }
    return node;
}

std::expected<Node, Fault> read(const json::Value& value, const std::string& pointer,
                                bool in_array) {
    switch (value.type()) {
        case json::Type::String:
            return read_text(value.string(), pointer);
        case json::Type::Array:
            return read_array(value, pointer);
        case json::Type::Object:
            return read_object(value, pointer, in_array);
        default: {
            Node node;
            node.literal = value.raw();
            return node;
        }
    }
}

/// The number grammar of RFC 8259, section 6.
bool is_json_number(std::string_view text) {
    std::size_t i = 0;
    const auto digits = [&] {
        const std::size_t from = i;
        while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
        return i > from;
    };
    if (i < text.size() && text[i] == '-') ++i;
    const std::size_t whole = i;
    if (!digits() || (text[whole] == '0' && i - whole > 1)) return false;
    if (i < text.size() && text[i] == '.' && (++i, !digits())) return false;
    if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
        ++i;
        if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
        if (!digits()) return false;
    }
    return i == text.size();
}

Result<void> append_bare(std::string& out, const Node& node, const Context& context) {
    const Template::Part& part = node.text.parts().front();
    if (part.form == Form::Json && part.kind == Template::Part::Kind::Field) {
        const bool item = !part.explicit_row && !context.items.empty() &&
                          context.items.front().find(part.text) != nullptr;
        if (!item) {
            if (const FoundField found = find_field(part, context); found.value.present()) {
                found.value.append_compact(out);
                return {};
            }
        }
    }
    auto text = node.text.text(context);
    if (!text) return std::unexpected(text.error());
    if (is_json_number(*text)) {
        out += *text;
    } else if (part.form == Form::Json) {
        text::append_json_string(out, *text);
    } else {
        return fail(Errc::Malformed, "`" + part.text + "` is no number");
    }
    return {};
}

Result<void> append(std::string& out, const Node& node, const Context& context);

Result<void> append_array(std::string& out, const Node& node, const Context& context) {
    out += '[';
    bool first = true;
    for (const Node& element : node.elements) {
        if (element.kind != Node::Kind::Each) {
            if (!std::exchange(first, false)) out += ',';
            if (auto done = append(out, element, context); !done) return done;
            continue;
        }
        Context one = context;
        for (const Item& item : context.items) {
            one.items = std::span(&item, 1);
            if (!std::exchange(first, false)) out += ',';
            if (auto done = append(out, element.elements.front(), one); !done) return done;
        }
    }
    out += ']';
    return {};
}

Result<void> append_quoted(std::string& out, const Template& text, const Context& context) {
    auto made = text.text(context);
    if (!made) return std::unexpected(made.error());
    text::append_json_string(out, *made);
    return {};
}

Result<void> append_object(std::string& out, const Node& node, const Context& context) {
    out += '{';
    for (std::size_t i = 0; i < node.names.size(); ++i) {
        if (i > 0) out += ',';
        if (auto done = append_quoted(out, node.names[i], context); !done) return done;
        out += ':';
        if (auto done = append(out, node.elements[i], context); !done) return done;
    }
    out += '}';
    return {};
}

Result<void> append(std::string& out, const Node& node, const Context& context) {
    switch (node.kind) {
        case Node::Kind::Literal:
            out += node.literal;
            return {};
        case Node::Kind::Text:
            return append_quoted(out, node.text, context);
        case Node::Kind::Bare:
            return append_bare(out, node, context);
        case Node::Kind::Secret: {
            auto secret = secret_text(node.secret, context);
            if (!secret) return std::unexpected(secret.error());
            text::append_json_string(out, *secret);
            return {};
        }
        case Node::Kind::Object:
            return append_object(out, node, context);
        case Node::Kind::Array:
            return append_array(out, node, context);
        case Node::Kind::Each:
            break;  // only inside arrays, see append_array
    }
    std::unreachable();
}

/// Calls `visit` with every template of the tree.
template <class Visit>
void walk(const Node& node, const Visit& visit) {
    visit(node.text);
    for (const Template& name : node.names) visit(name);
    for (const Node& element : node.elements) walk(element, visit);
}

bool has_kind(const Node& node, Node::Kind kind) {
    return node.kind == kind || std::ranges::any_of(node.elements, [kind](const Node& element) {
               return has_kind(element, kind);
           });
}

}  // namespace

std::optional<SecretRef> read_secret(const json::Value& value) {
    if (!value.is_object() || value.size() != 1) return std::nullopt;
    const json::Value only = value.first();
    if (!only.is_string()) return std::nullopt;
    const std::string name = only.name(), text = only.string();
    if (name == "file" && text.starts_with('/')) return SecretRef{SecretRef::From::File, text};
    const auto in_name = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    };
    if (name != "env" || text.empty() || (text[0] >= '0' && text[0] <= '9') ||
        !std::ranges::all_of(text, in_name))
        return std::nullopt;
    return SecretRef{SecretRef::From::Env, text};
}

std::expected<JsonTemplate, JsonTemplate::Fault> JsonTemplate::parse(const json::Value& tree) {
    auto root = read(tree, "", false);
    if (!root) return std::unexpected(root.error());
    JsonTemplate made;
    made.root_ = std::make_shared<const Node>(std::move(*root));
    return made;
}

Result<void> JsonTemplate::append(std::string& out, const Context& context) const {
    if (root_ == nullptr) return {};
    return source::append(out, *root_, context);
}

bool JsonTemplate::has_each() const noexcept {
    return root_ != nullptr && has_kind(*root_, Node::Kind::Each);
}

bool JsonTemplate::mentions(std::string_view name) const noexcept {
    bool found = false;
    if (root_ != nullptr)
        walk(*root_, [&](const Template& text) { found = found || text.mentions(name); });
    return found;
}

std::vector<std::string_view> JsonTemplate::fields() const {
    std::vector<std::string_view> names;
    if (root_ != nullptr) {
        walk(*root_, [&](const Template& text) {
            for (const std::string_view name : text.fields()) names.push_back(name);
        });
    }
    return names;
}

std::vector<std::string_view> JsonTemplate::variables() const {
    std::vector<std::string_view> names;
    if (root_ != nullptr) {
        walk(*root_, [&](const Template& text) {
            for (const std::string_view name : text.variables()) names.push_back(name);
        });
    }
    return names;
}

Result<void> MessageTemplate::append(std::string& out, const Context& context) const {
    return std::visit([&](const auto& form) { return form.append(out, context); }, what);
}

bool MessageTemplate::mentions(std::string_view name) const noexcept {
    return std::visit([&](const auto& form) { return form.mentions(name); }, what);
}

bool MessageTemplate::has_each() const noexcept {
    const auto* tree = std::get_if<JsonTemplate>(&what);
    return tree != nullptr && tree->has_each();
}

}  // namespace anode::source
