#include "core/source/template.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "core/message/topic.hpp"
#include "core/source/template_text.hpp"

namespace anode::source {

const std::string* Item::find(std::string_view name) const noexcept {
    for (const auto& [field, value] : fields) {
        if (field == name) return &value;
    }
    return nullptr;
}

namespace {

using Part = Template::Part;
using Kind = Part::Kind;
using Form = Part::Form;

bool is_word(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_';
    });
}

std::optional<Form> parse_form(std::string_view text) {
    constexpr std::pair<std::string_view, Form> kForms[] = {{"number", Form::Number},
                                                            {"json", Form::Json},
                                                            {"lower", Form::Lower},
                                                            {"upper", Form::Upper},
                                                            {"raw", Form::Raw}};
    for (const auto& [name, form] : kForms) {
        if (text == name) return form;
    }
    return std::nullopt;
}

bool is_time_unit(std::string_view text) {
    constexpr std::string_view kUnits[] = {"s", "ms", "us", "ns", "rfc3339"};
    return std::ranges::find(kUnits, text) != std::end(kUnits);
}

/// What stands between the braces, but for the forms after the colon.
std::expected<Part, std::string> parse_name(std::string_view name) {
    Part part;
    if (name.empty()) return std::unexpected("an empty placeholder");
    if (name == "now" || name == "uuid" || name == "n") {
        part.kind = name == "now" ? Kind::Now : name == "n" ? Kind::Counter : Kind::Uuid;
        part.text = name == "now" ? "ms" : "";
        return part;
    }
    if (name.front() == '$') {
        part.kind = Kind::Variable;
        part.text = name.substr(1);
        if (!is_word(part.text))
            return std::unexpected("`" + std::string(name) + "` is no name of a variable");
        return part;
    }
    if (name.starts_with("tokens[") && name.ends_with(']')) {
        const auto index = text::parse_u64(name.substr(7, name.size() - 8));
        if (!index || *index >= kTopicTokensMax)
            return std::unexpected("`" + std::string(name) + "` is no token of a topic");
        part.kind = Kind::Token;
        part.token = static_cast<std::uint32_t>(*index);
        part.text = name;
        return part;
    }
    part.kind = Kind::Field;
    part.explicit_row = name.front() == '.';
    part.text = name.substr(part.explicit_row ? 1 : 0);
    auto path = expr::Path::parse(part.text);
    if (!path || path->empty()) return std::unexpected("`" + std::string(name) + "` is no path");
    part.path = std::move(*path);
    return part;
}

std::expected<Part, std::string> parse_placeholder(std::string_view inner) {
    const std::vector<std::string_view> pieces = text::split(inner, ':');
    auto part = parse_name(text::trim(pieces.front()));
    if (!part) return part;
    for (std::size_t i = 1; i < pieces.size(); ++i) {
        const std::string_view piece = text::trim(pieces[i]);
        if (part->kind == Kind::Now && i == 1 && is_time_unit(piece)) {
            part->text = piece;
            continue;
        }
        const auto form = parse_form(piece);
        if (!form) return std::unexpected("unknown form `" + std::string(piece) + "`");
        part->form = *form;
    }
    return part;
}

/// Whether text after `literal` still stands in front of a URL's path, where values go in as they are.
bool before_path(std::string_view literal) {
    const std::size_t scheme = literal.find("://");
    return scheme == std::string_view::npos
               ? literal.find_first_of("/?") == std::string_view::npos
               : literal.find_first_of("/?#", scheme + 3) == std::string_view::npos;
}

}  // namespace

std::expected<Template, TemplateError> Template::parse(std::string_view text, Place place) {
    Template made;
    made.source_ = text;
    made.place_ = place;
    std::string literal, so_far;
    const auto flush = [&] {
        if (literal.empty()) return;
        so_far += literal;
        Part& part = made.parts_.emplace_back();
        part.text = std::exchange(literal, {});
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '{') {
            literal += text[i];
            continue;
        }
        if (i + 1 < text.size() && text[i + 1] == '{') {
            literal += text[i++];
            continue;
        }
        const std::size_t end = text.find('}', i);
        if (end == std::string_view::npos)
            return std::unexpected(TemplateError{i, "`{` is not closed; a brace is written `{{`"});
        auto part = parse_placeholder(text.substr(i + 1, end - i - 1));
        if (!part) return std::unexpected(TemplateError{i, part.error()});
        flush();
        part->offset = i;
        part->raw = place == Place::Url && before_path(so_far);
        if (part->raw) so_far += "x";
        made.parts_.push_back(std::move(*part));
        i = end;
    }
    flush();
    return made;
}

// -- filling ------------------------------------------------------------------------------------------------

namespace {

void append_value(std::string& out, std::string_view value, const Part& part, Place place) {
    if (part.form == Form::Lower || part.form == Form::Upper) {
        std::string changed = text::lower(value);
        if (part.form == Form::Upper) {
            changed.assign(value);
            for (char& c : changed) {
                if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
            }
        }
        Part plain = part;
        plain.form = Form::Plain;
        return append_value(out, changed, plain, place);
    }
    if (part.raw || part.form == Form::Raw || place == Place::Text) {
        out += value;
    } else if (place == Place::Topic) {
        append_escaped_token(out, value);
    } else {
        out += text::percent_encode(value);
    }
}

std::string shown(const Part& part) {
    switch (part.kind) {
        case Kind::Variable:
            return "variable `" + part.text + "`";
        case Kind::Token:
            return "`" + part.text + "`";
        default:
            return "field `" + part.text + "`";
    }
}

void append_now(std::string& out, std::string_view unit, WallTime wall) {
    if (unit == "rfc3339") {
        out += text::rfc3339(wall);
        return;
    }
    text::append_i64(out, unit == "s"    ? wall / 1'000'000
                          : unit == "ms" ? wall / 1000
                          : unit == "ns" ? wall * 1000
                                         : wall);
}

void append_uuid(std::string& out, Rng& rng) {
    std::uint8_t bytes[16];
    rng.fill(bytes);
    bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);
    bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
    const std::string hex =
        text::hex(BytesView(reinterpret_cast<const char*>(bytes), sizeof bytes));
    const std::string_view view = hex;
    out.append(view.substr(0, 8))
        .append("-")
        .append(view.substr(8, 4))
        .append("-")
        .append(view.substr(12, 4));
    out.append("-").append(view.substr(16, 4)).append("-").append(view.substr(20));
}

const NamedValue* named(std::span<const NamedValue> values, std::string_view name) {
    for (const NamedValue& value : values) {
        if (value.name == name) return &value;
    }
    return nullptr;
}

}  // namespace

FoundField find_field(const Part& part, const Context& context) {
    if (context.row.present()) {
        if (const json::Value value = part.path.get(context.row); value.present())
            return {value, {}, true};
    }
    if (!context.parents.empty()) {
        if (const NamedValue* parent = named(context.parents, part.text))
            return {parent->value, parent->text, true};
    }
    if (part.text == "key" && !context.key.empty()) return {{}, context.key, true};
    if (part.text == "id" && !context.id.empty()) return {{}, context.id, true};
    if (part.text == "version" && !context.version.empty()) return {{}, context.version, true};
    if (context.variables != nullptr && !part.explicit_row) {
        if (const auto at = context.variables->find(part.text); at != context.variables->end())
            return {{}, at->second, true};
    }
    return {};
}

Result<void> Template::append_field(std::string& out, const Part& part,
                                    const Context& context) const {
    if (!part.explicit_row && !context.items.empty() &&
        context.items.front().find(part.text) != nullptr) {
        bool first = true;
        for (const Item& item : context.items) {
            if (!std::exchange(first, false)) out += ',';
            if (const std::string* value = item.find(part.text))
                append_value(out, *value, part, place_);
        }
        return {};
    }
    const FoundField found = find_field(part, context);
    if (!found.present) return fail(Errc::NotFound, shown(part) + " is missing");
    std::string scratch;
    std::string_view value = found.text;
    if (found.value.present()) {
        const auto scalar = found.value.scalar_view(scratch);
        if (!scalar) {
            return fail(
                Errc::Malformed,
                shown(part) + (found.value.is_null() ? " is null" : " is no text or number"));
        }
        value = *scalar;
    }
    if (place_ == Place::Topic && value.empty())
        return fail(Errc::Malformed, shown(part) + " is empty");
    append_value(out, value, part, place_);
    return {};
}

Result<void> Template::append_part(std::string& out, const Part& part,
                                   const Context& context) const {
    switch (part.kind) {
        case Kind::Literal:
            out += part.text;
            return {};
        case Kind::Field:
            return append_field(out, part, context);
        case Kind::Variable: {
            if (context.variables == nullptr)
                return fail(Errc::NotFound, shown(part) + " is missing");
            const auto at = context.variables->find(part.text);
            if (at == context.variables->end())
                return fail(Errc::NotFound, shown(part) + " is missing");
            append_value(out, at->second, part, place_);
            return {};
        }
        case Kind::Now:
            append_now(out, part.text, context.wall);
            return {};
        case Kind::Uuid:
            if (context.rng == nullptr)
                return fail(Errc::NotFound, "no source of random numbers for `uuid`");
            append_uuid(out, *context.rng);
            return {};
        case Kind::Counter:
            if (context.counter == nullptr) return fail(Errc::NotFound, "no counter for `n`");
            text::append_u64(out, (*context.counter)++);
            return {};
        case Kind::Token:
            if (part.token >= context.tokens.size())
                return fail(Errc::NotFound, shown(part) + " is missing");
            // Tokens are escaped already; in a topic they stay as they are.
            if (place_ == Place::Topic) {
                out += context.tokens[part.token];
            } else {
                append_value(out, context.tokens[part.token], part, place_);
            }
            return {};
    }
    std::unreachable();
}

Result<void> Template::append(std::string& out, const Context& context) const {
    for (const Part& part : parts_) {
        if (part.kind == Kind::Literal) {
            out += part.text;
            continue;
        }
        if (auto done = append_part(out, part, context); !done) return done;
    }
    return {};
}

Result<std::string> Template::text(const Context& context) const {
    std::string out;
    if (auto done = append(out, context); !done) return std::unexpected(done.error());
    return out;
}

bool Template::constant() const noexcept {
    return std::ranges::all_of(parts_, [](const Part& part) { return part.kind == Kind::Literal; });
}

bool Template::mentions(std::string_view name) const noexcept {
    return std::ranges::any_of(parts_, [name](const Part& part) {
        return part.kind == Kind::Field && !part.explicit_row && part.text.starts_with(name) &&
               (part.text.size() == name.size() || part.text[name.size()] == '.');
    });
}

std::vector<std::string_view> Template::variables() const {
    std::vector<std::string_view> names;
    for (const Part& part : parts_) {
        if (part.kind == Kind::Variable) names.push_back(part.text);
    }
    return names;
}

std::vector<std::string_view> Template::fields() const {
    std::vector<std::string_view> names;
    for (const Part& part : parts_) {
        if (part.kind == Kind::Field) names.push_back(part.text);
    }
    return names;
}

Result<std::string> Filler::text(const Context& context) const {
    const auto* filled = std::get_if<Template>(&what);
    auto made =
        filled != nullptr ? filled->text(context) : secret_text(std::get<SecretRef>(what), context);
    // Captured values come from servers: in a header a line end would begin another one.
    if (made && made->find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
        return fail(Errc::Malformed, "a value for a header or query holds a line end");
    }
    return made;
}

Result<std::string> secret_text(const SecretRef& reference, const Context& context) {
    if (context.secrets == nullptr) return fail(Errc::NotFound, "no secrets can be had here");
    return context.secrets->value(reference);
}

}  // namespace anode::source
