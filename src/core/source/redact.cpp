#include <array>
#include <utility>

#include "base/text.hpp"
#include "core/source/check.hpp"
#include "core/source/grammar.hpp"
#include "core/source/template_text.hpp"

/// What of a definition is shown to nobody.
namespace anode::source {

namespace {

constexpr std::string_view kHidden = "~hidden~";

/// Names of headers and parameters whose values are credentials wherever they stand.
bool sounds_secret(std::string_view name) {
    constexpr std::array kWords = {"authorization", "cookie",     "token",   "secret",  "password",
                                   "passwd",        "apikey",     "api-key", "api_key", "signature",
                                   "credential",    "access_key", "private"};
    const std::string low = text::lower(name);
    for (const std::string_view word : kWords) {
        if (low.find(word) != std::string::npos) return true;
    }
    return low == "key" || low == "sig" || low == "auth";
}

bool has_placeholder(std::string_view value) { return value.find('{') != std::string_view::npos; }

/// Calls `visit(value, pointer, why)` for every value that is shown to nobody.
enum class Why : std::uint8_t { Reference, Credential };
template <class Visit>
void find_secrets(const json::Value& value, const std::string& pointer, std::string_view around,
                  const Visit& visit) {
    if (read_secret_form(value) && around != "labels" && around != "items")
        return visit(value, pointer, Why::Reference);
    if (!value.is_object() && !value.is_array()) return;
    const bool credentials = around == "headers" || around == "query";
    std::size_t index = 0;
    for (json::Value v = value.first(); v; v = v.next_in(value)) {
        const std::string name = value.is_object() ? v.name() : std::string();
        const std::string at = value.is_object() ? child_pointer(pointer, name)
                                                 : pointer + "/" + std::to_string(index++);
        if (credentials && v.is_string() && sounds_secret(name) && !has_placeholder(v.string())) {
            visit(v, at, Why::Credential);
        } else {
            find_secrets(v, at, value.is_object() ? std::string_view(name) : around, visit);
        }
    }
}

/// A secret that a text was sent for, or what is shown for one.
bool is_mask(const json::Value& v) { return v.is_object() && v["secret"].boolean() == true; }

class Redactor {
public:
    Redactor(const json::Value& root, const Secrets* secrets, Bytes& out)
        : out_(out), secrets_(secrets) {
        find_secrets(root, "", "", [this](const json::Value& v, const std::string& at, Why why) {
            hidden_.emplace_back(at, v, why);
        });
    }

    void write(const json::Value& v, const std::string& pointer, std::string_view name) {
        if (next_ < hidden_.size() && std::get<0>(hidden_[next_]) == pointer) return mask();
        if (v.is_object() || v.is_array()) return container(v, pointer, name);
        if (v.is_string() && v.raw().find("://") != std::string_view::npos)
            return text::append_json_string(out_, redacted_url(v.string()));
        v.append_compact(out_);
    }

private:
    void mask() {
        const auto& [at, value, why] = hidden_[next_++];
        bool found = true;
        if (why == Why::Reference && secrets_ != nullptr)
            found = secrets_->value(*read_secret_form(value)).has_value();
        out_ += found ? R"({"secret":true,"set":true})" : R"({"secret":true,"set":false})";
    }

    void container(const json::Value& v, const std::string& pointer, std::string_view name) {
        const bool object = v.is_object();
        out_ += object ? '{' : '[';
        bool first = true;
        std::size_t index = 0;
        for (json::Value m = v.first(); m; m = m.next_in(v)) {
            if (!std::exchange(first, false)) out_ += ',';
            const std::string member = object ? m.name() : std::to_string(index++);
            if (object) {
                text::append_json_string(out_, member);
                out_ += ':';
            }
            write(m, child_pointer(pointer, member), object ? std::string_view(member) : name);
        }
        out_ += object ? '}' : ']';
    }

    Bytes& out_;
    const Secrets* secrets_;
    std::vector<std::tuple<std::string, json::Value, Why>> hidden_;
    std::size_t next_ = 0;
};

void restore(const json::Value& edited, const json::Value& stored, Bytes& out) {
    if (is_mask(edited) && stored.present()) return stored.append_compact(out);
    if (edited.is_string() && stored.is_string() && edited.raw() != stored.raw() &&
        edited.string() == redacted_url(stored.string())) {
        return stored.append_compact(out);
    }
    if (!edited.is_object() && !edited.is_array()) return edited.append_compact(out);
    const bool object = edited.is_object();
    out += object ? '{' : '[';
    std::uint32_t index = 0;
    for (json::Value m = edited.first(); m; m = m.next_in(edited), ++index) {
        if (index > 0) out += ',';
        if (object) {
            text::append_json_string(out, m.name());
            out += ':';
        }
        restore(m, object ? stored.find(m.name()) : stored.at(index), out);
    }
    out += object ? '}' : ']';
}

}  // namespace

Bytes redacted_json(const json::Value& definition, const Secrets* secrets) {
    Bytes out;
    Redactor(definition, secrets, out).write(definition, "", "");
    return out;
}

Bytes restore_redacted(const json::Value& edited, const json::Value& stored) {
    Bytes out;
    restore(edited, stored, out);
    return out;
}

std::vector<std::string> secret_places(const json::Value& definition) {
    std::vector<std::string> places;
    find_secrets(definition, "", "", [&places](const json::Value&, const std::string& at, Why) {
        places.push_back(at);
    });
    return places;
}

std::string redacted_url(std::string_view url) {
    std::string out(url);
    const std::size_t scheme = out.find("://");
    if (scheme == std::string::npos) return out;
    const std::size_t path = out.find_first_of("/?#", scheme + 3);
    const std::size_t at = out.rfind('@', path == std::string::npos ? out.size() : path);
    if (at != std::string::npos && at >= scheme + 3)
        out.replace(scheme + 3, at - scheme - 3, kHidden);
    std::size_t query = out.find('?');
    while (query != std::string::npos) {
        const std::size_t begin = query + 1;
        std::size_t end = out.find_first_of("&#", begin);
        if (end == std::string::npos) end = out.size();
        const std::size_t equals = out.find('=', begin);
        if (equals < end && sounds_secret(std::string_view(out).substr(begin, equals - begin)) &&
            !has_placeholder(std::string_view(out).substr(equals, end - equals))) {
            out.replace(equals + 1, end - equals - 1, kHidden);
            end = equals + 1 + kHidden.size();
        }
        query = end < out.size() && out[end] == '&' ? end : std::string::npos;
    }
    return out;
}

}  // namespace anode::source
