#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 1
#include "app/config/toml.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <sstream>

#include "base/text.hpp"
#include "core/json/json.hpp"

namespace anode::app {
namespace {

Spot spot_of(const toml::source_region& region, const std::string& file) {
    return {file, static_cast<std::uint32_t>(region.begin.line),
            static_cast<std::uint32_t>(region.begin.column)};
}

/// The shortest text that reads back the same; what JSON has no number for becomes null.
std::string shortest(double value) {
    std::string out;
    json::Writer(out).value(value);
    return out;
}

TomlNode convert(const toml::node& node, const std::string& file) {
    TomlNode out;
    out.spot = spot_of(node.source(), file);
    if (const auto* table = node.as_table()) {
        for (const auto& [key, value] : *table)
            out.members.push_back(
                {std::string(key.str()), spot_of(key.source(), file), convert(value, file)});
        std::ranges::sort(out.members, {},
                          [](const auto& m) { return std::pair(m.key.line, m.key.column); });
        return out;
    }
    if (const auto* array = node.as_array()) {
        out.type = TomlNode::Type::Array;
        for (const auto& item : *array) out.items.push_back(convert(item, file));
        return out;
    }
    if (const auto* text = node.as_string()) {
        out.type = TomlNode::Type::String;
        out.text = text->get();
    } else if (const auto* integer = node.as_integer()) {
        out.type = TomlNode::Type::Integer;
        out.text = std::to_string(integer->get());
    } else if (const auto* number = node.as_floating_point()) {
        out.type = TomlNode::Type::Float;
        out.text = shortest(number->get());
    } else if (const auto* flag = node.as_boolean()) {
        out.type = TomlNode::Type::Bool;
        out.text = flag->get() ? "true" : "false";
    } else {
        out.type = TomlNode::Type::Time;
        std::ostringstream written;
        if (const auto* date = node.as_date()) written << date->get();
        if (const auto* time = node.as_time()) written << time->get();
        if (const auto* both = node.as_date_time()) written << both->get();
        out.text = written.str();
    }
    return out;
}

/// The line of the first byte that is not UTF-8, if there is one.
std::optional<Spot> not_utf8(std::string_view text, const std::string& file) {
    if (text::is_utf8(text)) return std::nullopt;
    std::uint32_t line = 1;
    for (std::string_view rest = text; !rest.empty();) {
        const auto end = rest.find('\n');
        const std::string_view here = rest.substr(0, end);
        if (!text::is_utf8(here)) return Spot{file, line, 1};
        if (end == std::string_view::npos) break;
        rest.remove_prefix(end + 1);
        ++line;
    }
    return Spot{file, line, 1};
}

/// A repeated key or table is noticed behind it; people look for its name.
Spot place_of_name(std::string_view text, Spot behind) {
    for (std::uint32_t line = 1; line < behind.line; ++line)
        text.remove_prefix(text.find('\n') + 1);
    const std::string_view here = text.substr(0, text.find('\n'));
    const auto name = here.find_first_not_of(" \t[");
    behind.column = name == std::string_view::npos ? 1 : static_cast<std::uint32_t>(name + 1);
    return behind;
}

}  // namespace

std::string Spot::text() const {
    return line == 0 ? file : file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

const TomlNode* TomlNode::find(std::string_view name) const noexcept {
    for (const Member& member : members)
        if (member.name == name) return &member.value;
    return nullptr;
}

std::string_view TomlNode::type_name() const noexcept {
    switch (type) {
        case Type::String:
            return "a string";
        case Type::Integer:
            return "a number";
        case Type::Float:
            return "a number";
        case Type::Bool:
            return "true or false";
        case Type::Time:
            return "a time";
        case Type::Array:
            return "a list";
        case Type::Table:
            return "a table";
    }
    return "a value";
}

void TomlNode::append_json(Bytes& out) const {
    bool first = true;
    const auto comma = [&] {
        if (!first) out += ',';
        first = false;
    };
    switch (type) {
        case Type::String:
        case Type::Time:
            text::append_json_string(out, this->text);
            return;
        case Type::Array:
            out += '[';
            for (const TomlNode& item : items) {
                comma();
                item.append_json(out);
            }
            out += ']';
            return;
        case Type::Table:
            out += '{';
            for (const Member& member : members) {
                comma();
                text::append_json_string(out, member.name);
                out += ':';
                member.value.append_json(out);
            }
            out += '}';
            return;
        default:
            out += this->text;
    }
}

Spot TomlNode::place_of(std::string_view pointer, bool of_key) const {
    const TomlNode* node = this;
    Spot place = spot;
    while (pointer.starts_with('/')) {
        pointer.remove_prefix(1);
        std::string name(pointer.substr(0, pointer.find('/')));
        pointer.remove_prefix(name.size());
        for (std::size_t at = 0; (at = name.find('~', at)) != std::string::npos; ++at)
            name.replace(at, 2, name.compare(at, 2, "~1") == 0 ? "/" : "~");
        const TomlNode* child = nullptr;
        if (node->type == Type::Array) {
            const auto index = text::parse_u64(name);
            if (index && *index < node->items.size()) child = &node->items[*index];
            if (child != nullptr) place = child->spot;
        } else {
            for (const Member& member : node->members) {
                if (member.name != name) continue;
                child = &member.value;
                place = pointer.empty() && of_key ? member.key : member.value.spot;
            }
        }
        if (child == nullptr) return place;
        node = child;
    }
    return place;
}

std::expected<TomlNode, ConfigComplaint> parse_toml(std::string_view text,
                                                    const std::string& file) {
    if (const auto bad = not_utf8(text, file))
        return std::unexpected(ConfigComplaint{bad->text(), {}, "the file is not UTF-8"});
    const toml::parse_result parsed = toml::parse(text, file);
    if (!parsed) {
        const auto& error = parsed.error();
        const std::string words(error.description());
        Spot spot = spot_of(error.source(), file);
        if (words.find("redefine") != std::string::npos) spot = place_of_name(text, spot);
        return std::unexpected(ConfigComplaint{spot.text(), {}, words});
    }
    return convert(parsed.table(), file);
}

}  // namespace anode::app
