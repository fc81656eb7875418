#include <array>
#include <charconv>
#include <cmath>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"

namespace anode::json {

namespace {
bool inside_object(const std::string& open) { return !open.empty() && (open.back() | 0x20) == 'o'; }
}  // namespace

/// A comma if something stands before, and a mark that something now does.
void Writer::separate() {
    if (after_key_) {
        after_key_ = false;
        return;
    }
    if (open_.empty()) return;
    ANODE_ASSERT(!inside_object(open_));  // a value in an object needs its key first
    if (open_.back() == 'A') out_.push_back(',');
    open_.back() = 'A';
}

void Writer::open(char kind) {
    separate();
    out_.push_back(kind == 'o' ? '{' : '[');
    open_.push_back(kind);
}

void Writer::close(char kind) {
    ANODE_ASSERT(!open_.empty() && (open_.back() | 0x20) == kind && !after_key_);
    open_.pop_back();
    out_.push_back(kind == 'o' ? '}' : ']');
}

Writer& Writer::begin_object() { return open('o'), *this; }
Writer& Writer::end_object() { return close('o'), *this; }
Writer& Writer::begin_array() { return open('a'), *this; }
Writer& Writer::end_array() { return close('a'), *this; }

Writer& Writer::key(std::string_view name) {
    ANODE_ASSERT(inside_object(open_) && !after_key_);
    if (open_.back() == 'O') out_.push_back(',');
    open_.back() = 'O';
    text::append_json_string(out_, name);
    out_.push_back(':');
    after_key_ = true;
    return *this;
}

Writer& Writer::value(std::string_view text) {
    separate();
    text::append_json_string(out_, text);
    return *this;
}

Writer& Writer::value(bool flag) { return raw(flag ? "true" : "false"); }

Writer& Writer::value(std::uint64_t number) {
    separate();
    text::append_u64(out_, number);
    return *this;
}

Writer& Writer::value(std::int64_t number) {
    separate();
    text::append_i64(out_, number);
    return *this;
}

Writer& Writer::value(double number) {
    if (!std::isfinite(number)) return null();
    std::array<char, 32> digits;
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    ANODE_ASSERT(error == std::errc());
    return raw({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

Writer& Writer::null() { return raw("null"); }

Writer& Writer::raw(std::string_view json) {
    separate();
    out_.append(json);
    return *this;
}

}  // namespace anode::json
