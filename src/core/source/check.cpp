#include "core/source/check.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "core/source/template_text.hpp"

namespace anode::source {

void Complaints::add(const json::Value& at, std::string pointer, std::string detail) {
    add_at(place_of(at), std::move(pointer), std::move(detail));
}

void Complaints::add_at(std::size_t place, std::string pointer, std::string detail) {
    all_.push_back({{place, all_.size()}, {std::move(pointer), "invalid", std::move(detail)}});
}

std::vector<Complaint> Complaints::take() {
    std::ranges::sort(all_, {}, &Placed::place);
    std::vector<Complaint> taken;
    for (Placed& placed : all_) taken.push_back(std::move(placed.complaint));
    return taken;
}

namespace {

constexpr std::pair<std::string_view, std::uint8_t> kTypes[] = {
    {"websocket", kWebsocket}, {"rest", kRest}, {"sse", kSse},
    {"webhook", kWebhook},     {"file", kFile}, {"test", kTest}};

constexpr std::pair<Form, std::string_view> kFormNames[] = {
    {Form::Bool, "true or false"},
    {Form::Number, "a whole number"},
    {Form::Float, "a number"},
    {Form::Text, "a text"},
    {Form::Word, "a word"},
    {Form::Name, "a name"},
    {Form::Duration, "a duration"},
    {Form::Jitter, "a duration"},
    {Form::Size, "a size"},
    {Form::Rate, "a rate"},
    {Form::Percent, "a percentage"},
    {Form::When, "a text such as `idle 25s`"},
    {Form::Path, "a path"},
    {Form::Selector, "a path or an expression"},
    {Form::Expr, "an expression"},
    {Form::Expect, "a word or an expression"},
    {Form::Template, "a template"},
    {Form::Topic, "a topic"},
    {Form::Url, "a URL"},
    {Form::PlainUrl, "a URL"},
    {Form::Secret, "a secret such as { env = \"NAME\" }"},
    {Form::Json, "JSON"},
    {Form::Table, "a table"},
    {Form::List, "a list"},
    {Form::Map, "a table"},
    {Form::Next, "`link`, a path or a URL"},
};

std::string expected(const Key& key) {
    std::vector<std::string_view> names;
    for (const auto& [form, name] : kFormNames) {
        if (key.has(form) && std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
    std::string out;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0) out += i + 1 == names.size() ? " or " : ", ";
        out += names[i];
    }
    return out + " is expected";
}

class Checker {
public:
    Checker(std::uint8_t type, Complaints& complaints, std::vector<TemplateUse>& uses)
        : type_(type), complaints_(complaints), uses_(uses) {}

    void table(const json::Value& object, const Key& key, const std::string& pointer) {
        const std::string_view chosen = choice(object, key, pointer);
        for (json::Value v = object.first(); v; v = v.next_in(object))
            member(v, key, pointer, chosen);
        for (const Key& wanted : key.table) {
            if (!wanted.required || (wanted.types != kAllTypes && (wanted.types & type_) == 0))
                continue;
            if (!wanted.belongs.empty() && !among(wanted.belongs, chosen)) continue;
            if (object.find(wanted.name).is_null()) {
                complaints_.add(object, child_pointer(pointer, wanted.name),
                                "`" + std::string(wanted.name) + "` is required");
            }
        }
    }

private:
    /// Which of its kinds a table is: the one member that says so, or the word of its chooser.
    std::string_view choice(const json::Value& object, const Key& key, const std::string& pointer) {
        if (!key.chooser.empty()) {
            const auto word = object.find(key.chooser).plain();
            return word ? *word : std::string_view();
        }
        if (key.one_of.empty()) return {};
        std::string_view chosen;
        for (const std::string_view name : text::split(key.one_of, ' ')) {
            const json::Value v = object.find(name);
            if (v.is_null()) continue;
            if (!chosen.empty()) {
                complaints_.add(v, child_pointer(pointer, name),
                                "`" + std::string(name) + "` cannot stand beside `" +
                                    std::string(chosen) + "`");
            } else {
                chosen = name;
            }
        }
        if (chosen.empty()) {
            std::string all;
            for (const std::string_view name : text::split(key.one_of, ' '))
                all += (all.empty() ? "`" : ", `") + std::string(name) + "`";
            complaints_.add(object, pointer, "one of " + all + " is required");
        }
        return chosen;
    }

    void member(const json::Value& v, const Key& around, const std::string& pointer,
                std::string_view chosen) {
        const std::string name = v.name();
        const std::string at = child_pointer(pointer, name);
        const Key* key = find_key(around.table, name);
        if (key == nullptr) return complaints_.add(v, at, unknown(name, around));
        if (v.is_null()) return;  // as if it were not there
        if (type_ != 0 && (key->types & type_) == 0) {
            return complaints_.add(v, at,
                                   "`" + name + "` is for " + type_names(key->types) +
                                       " sources; this one is " + type_names(type_));
        }
        if (!key->belongs.empty() && !chosen.empty() && !among(key->belongs, chosen)) {
            return complaints_.add(v, at,
                                   "`" + name + "` does not go with `" + std::string(chosen) + "`");
        }
        value(v, *key, at);
    }

    static std::string unknown(const std::string& name, const Key& around) {
        std::vector<std::string_view> names;
        for (const Key& key : around.table) names.push_back(key.name);
        const std::string_view near = text::nearest(name, names);
        std::string detail = "unknown key `" + text::printable(name) + "`";
        if (!near.empty()) detail += "; did you mean `" + std::string(near) + "`?";
        return detail;
    }

    void value(const json::Value& v, const Key& key, const std::string& pointer) {
        switch (v.type()) {
            case json::Type::String:
                return text(v, key, pointer);
            case json::Type::Number:
                return number(v, key, pointer);
            case json::Type::True:
            case json::Type::False:
                if (!key.has(Form::Bool) && !key.has(Form::Scalar))
                    complaints_.add(v, pointer, expected(key));
                return;
            case json::Type::Array:
                return array(v, key, pointer);
            case json::Type::Object:
                return object(v, key, pointer);
            case json::Type::Null:
                return complaints_.add(v, pointer, expected(key));
        }
    }

    void text(const json::Value& v, const Key& key, const std::string& pointer) {
        const std::string text = v.string();
        std::optional<std::string> wrong;
        for (std::uint32_t bit = 1; bit <= static_cast<std::uint32_t>(Form::Next); bit <<= 1) {
            const Form form = static_cast<Form>(bit);
            constexpr Forms kNoText = Form::Bool | Form::Number | Form::Float | Form::Secret |
                                      Form::Json | Form::Table | Form::List | Form::Map |
                                      Form::Scalar;
            if (!key.has(form) || (kNoText & bit) != 0) continue;
            std::optional<Template> found;
            auto problem = wrong_text(form, text, {key, type_, found});
            if (!problem) {
                if (found) use(v, pointer, found->fields(), found->variables());
                return;
            }
            // The last alternative speaks: a word that is none of the words may still be an expression, which says more.
            wrong = std::move(problem);
        }
        complaints_.add(v, pointer, wrong.value_or(expected(key)));
    }

    void number(const json::Value& v, const Key& key, const std::string& pointer) {
        if (key.has(Form::Scalar) || key.has(Form::Float)) return;
        const auto whole = v.integer();
        if (key.has(Form::Duration) && whole == 0 && key.low == 0) return;
        if (key.has(Form::Percent) && whole && *whole >= 0 && *whole <= 100) return;
        if (!key.has(Form::Number) && !key.has(Form::Size))
            return complaints_.add(v, pointer, expected(key));
        if (!whole) return complaints_.add(v, pointer, "a whole number is expected");
        if (*whole < key.low)
            complaints_.add(v, pointer, "at least " + std::to_string(key.low) + " is expected");
        if (*whole > key.high)
            complaints_.add(v, pointer, "at most " + std::to_string(key.high) + " is expected");
    }

    void array(const json::Value& v, const Key& key, const std::string& pointer) {
        if (key.has(Form::Json)) return json(v, pointer);
        if (!key.has(Form::List)) return complaints_.add(v, pointer, expected(key));
        if (v.size() == 0 && (key.name == "url" || key.name == "by"))
            return complaints_.add(v, pointer, "the list is empty");
        std::size_t index = 0;
        for (json::Value e = v.first(); e; e = e.next_in(v))
            value(e, *key.element, pointer + "/" + std::to_string(index++));
    }

    void object(const json::Value& v, const Key& key, const std::string& pointer) {
        if (key.has(Form::Secret)) {
            if (read_secret_form(v)) return;
            if (v.find("secret").is_bool()) {
                return complaints_.add(v, pointer,
                                       "what is shown for a secret cannot be given; name it: { env "
                                       "= \"NAME\" } or { file = \"/…\" }");
            }
            if (!key.has(Form::Table)) return complaints_.add(v, pointer, expected(key));
        }
        if (key.has(Form::Table)) return table(v, key, pointer);
        if (key.has(Form::Json)) return json(v, pointer);
        if (!key.has(Form::Map)) return complaints_.add(v, pointer, expected(key));
        for (json::Value m = v.first(); m; m = m.next_in(v)) {
            if (key.name == "headers") header(m, child_pointer(pointer, m.name()));
            if (!m.is_null()) value(m, *key.element, child_pointer(pointer, m.name()));
        }
    }

    /// Names are tokens, and values stay on their line; the connection itself speaks for some.
    void header(const json::Value& v, const std::string& pointer) {
        constexpr std::string_view kOwn =
            "host connection upgrade content-length transfer-encoding te trailer sec-websocket-key "
            "sec-websocket-version "
            "sec-websocket-extensions sec-websocket-protocol sec-websocket-accept";
        const std::string name = text::lower(v.name());
        const auto in_token = [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                   std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
        };
        if (name.empty() || !std::ranges::all_of(name, in_token)) {
            complaints_.add(v, pointer,
                            "`" + text::printable(v.name()) + "` is no name of a header");
        } else if (among(kOwn, name)) {
            complaints_.add(v, pointer, "`" + v.name() + "` is a matter of the connection itself");
        }
        if (v.is_string() &&
            v.string().find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
            complaints_.add(v, pointer, "line ends and zero bytes are not possible in a header");
        }
    }

    void json(const json::Value& v, const std::string& pointer) {
        const auto parsed = JsonTemplate::parse(v);
        if (!parsed) {
            const auto& [below, error] = parsed.error();
            return complaints_.add(
                v, pointer + below,
                error.detail + " (at byte " + std::to_string(error.offset) + ")");
        }
        use(v, pointer, parsed->fields(), parsed->variables());
    }

    void use(const json::Value& v, const std::string& pointer,
             const std::vector<std::string_view>& fields,
             const std::vector<std::string_view>& variables) {
        uses_.push_back({pointer,
                         complaints_.place_of(v),
                         {fields.begin(), fields.end()},
                         {variables.begin(), variables.end()}});
    }

    std::uint8_t type_;
    Complaints& complaints_;
    std::vector<TemplateUse>& uses_;
};

}  // namespace

std::uint8_t type_bit(const json::Value& definition) {
    const std::string type = definition.find("type").string();
    for (const auto& [name, bit] : kTypes) {
        if (name == type) return bit;
    }
    return 0;
}

std::string type_names(std::uint8_t types) {
    std::vector<std::string_view> names;
    for (const auto& [name, bit] : kTypes) {
        if ((types & bit) != 0) names.push_back(name);
    }
    std::string out;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0) out += i + 1 == names.size() ? " and " : ", ";
        out += names[i];
    }
    return out;
}

std::string child_pointer(const std::string& pointer, std::string_view name) {
    std::string out = pointer + "/";
    for (const char c : name) {
        if (c == '~') {
            out += "~0";
        } else if (c == '/') {
            out += "~1";
        } else {
            out += c;
        }
    }
    return out;
}

std::optional<SecretRef> read_secret_form(const json::Value& value) {
    if (!value.is_object() || value.size() != 1) return std::nullopt;
    const json::Value only = value.first();
    const std::string name = only.name(), text = only.string();
    if (!only.is_string() || text.empty() || text.find('\0') != std::string::npos)
        return std::nullopt;
    if (name == "env" && text.find('=') == std::string::npos)
        return SecretRef{SecretRef::From::Env, text};
    if (name == "file" && text.starts_with('/')) return SecretRef{SecretRef::From::File, text};
    return std::nullopt;
}

void check_table(const json::Value& definition, std::uint8_t type, Complaints& complaints,
                 std::vector<TemplateUse>& uses) {
    Checker(type, complaints, uses).table(definition, root_key(), "");
}

}  // namespace anode::source
