#include <charconv>
#include <cmath>
#include <limits>

#include "base/assert.hpp"
#include "core/json/json.hpp"
#include "core/json/scan.hpp"
#include "core/json/unescape.hpp"

namespace anode::json {

Type Value::type() const noexcept { return present() ? node().type : Type::Null; }

std::string_view Value::raw() const noexcept {
    if (!present()) return {};
    const Document::Node& n = node();
    return {document_->text_.data() + n.begin, n.end - n.begin};
}

std::uint32_t Value::size() const noexcept { return is_object() || is_array() ? node().count : 0; }

/// Most members are scalars and most names differ in length or first byte: the walk asks those first.
Value Value::find(std::string_view name) const {
    if (!is_object()) return {};
    const auto* const nodes = document_->nodes_.data();
    const char* const text = document_->text_.data();
    const std::uint32_t end = nodes[index_].next;
    const std::size_t quoted = name.size() + 2;
    const char initial = name.empty() ? '"' : name.front();
    std::uint32_t last = 0;
    for (std::uint32_t key = index_ + 1; key < end;) {
        const auto& n = nodes[key];
        const bool same = n.count == 0
                              ? n.end - n.begin == quoted && text[n.begin + 1] == initial &&
                                    std::string_view(text + n.begin + 1, name.size()) == name
                              : Value(document_, key).equals(name);
        if (same) last = key + 1;
        const auto& value = nodes[key + 1];
        if (value.type < Type::Array) [[likely]] {
            key += 2;
        } else {
            key = value.next;
        }
    }
    return last == 0 ? Value() : Value(document_, last);
}

Value Value::at(std::uint32_t index) const {
    if (!is_array() || index >= node().count) return {};
    Value element = first();
    while (index-- != 0) element = element.next_in(*this);
    return element;
}

Value Value::first() const noexcept {
    if (size() == 0) return {};
    return {document_, index_ + (node().type == Type::Object ? 2U : 1U)};
}

Value Value::next_in(const Value& parent) const noexcept {
    if (!present() || !parent.present()) return {};
    const std::uint32_t next = node().next;
    if (next >= parent.node().next) return {};
    return {document_, parent.node().type == Type::Object ? next + 1 : next};
}

// -- names: the key node stands before its value -------------------------------------------------

std::string Value::name() const {
    return present() && index_ != 0 ? Value(document_, index_ - 1).string() : std::string();
}

std::string_view Value::raw_name() const noexcept {
    return present() && index_ != 0 ? Value(document_, index_ - 1).raw() : std::string_view();
}

bool Value::is_named(std::string_view text) const {
    return present() && index_ != 0 && Value(document_, index_ - 1).equals(text);
}

std::optional<std::string_view> Value::plain_name() const noexcept {
    return present() && index_ != 0 ? Value(document_, index_ - 1).plain() : std::nullopt;
}

// -- scalars -------------------------------------------------------------------------------------

std::optional<std::string_view> Value::plain() const noexcept {
    if (!is_string() || node().count != 0) return std::nullopt;
    const std::string_view text = raw();
    return text.substr(1, text.size() - 2);
}

std::string Value::string() const {
    if (!is_string()) return {};
    if (const auto text = plain()) return std::string(*text);
    std::string out;
    const std::string_view text = raw();
    append_unescaped(out, text.substr(1, text.size() - 2));
    return out;
}

bool Value::equals(std::string_view text) const {
    if (!is_string()) return false;
    if (const auto own = plain()) return *own == text;
    return string() == text;
}

std::optional<std::string> Value::scalar() const {
    std::string scratch;
    const auto view = scalar_view(scratch);
    if (!view) return std::nullopt;
    return std::string(*view);
}

std::optional<std::string_view> Value::scalar_view(std::string& scratch) const {
    switch (type()) {
        case Type::Null:
        case Type::Array:
        case Type::Object:
            return std::nullopt;
        case Type::String:
            if (const auto text = plain()) return text;
            scratch = string();
            return scratch;
        case Type::Number:
        case Type::True:
        case Type::False:
            return raw();
    }
    return std::nullopt;
}

std::optional<std::int64_t> Value::integer() const noexcept {
    if (!is_number()) return std::nullopt;
    const std::string_view text = raw();
    std::int64_t value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<double> Value::number() const noexcept {
    if (!is_number()) return std::nullopt;
    return nearest_double(raw());
}

std::optional<bool> Value::boolean() const noexcept {
    if (!is_bool()) return std::nullopt;
    return type() == Type::True;
}

// -- white space ---------------------------------------------------------------------------------

namespace {

/// The string at the start of `p`, which is known to be valid, with its quotes.
const char* past_string(const char* p, const char* end) noexcept {
    bool beyond_ascii = false;
    for (++p;;) {
        p = scan::string_run(p, end, beyond_ascii);
        if (*p == '"') return p + 1;
        p += 2;
    }
}

}  // namespace

void Value::append_compact(Bytes& out) const {
    const std::string_view text = raw();
    if (!present() || !node().spaced) {
        out.append(text);
        return;
    }
    out.reserve(out.size() + text.size());
    const char* p = text.data();
    const char* const end = p + text.size();
    while (p != end) {
        const char* const from = p;
        while (p != end && !scan::is_space(*p)) p = *p == '"' ? past_string(p, end) : p + 1;
        out.append(from, static_cast<std::size_t>(p - from));
        p = scan::spaces(p, end);
    }
}

Result<Bytes> compact(std::string_view text, const Limits& limits) {
    Document document;
    if (auto parsed = document.parse(text, limits); !parsed)
        return std::unexpected(std::move(parsed.error()));
    Bytes out;
    document.root().append_compact(out);
    return out;
}

}  // namespace anode::json
