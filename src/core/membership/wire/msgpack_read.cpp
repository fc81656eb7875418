#include <algorithm>
#include <limits>

#include "core/membership/wire/msgpack.hpp"

namespace anode::membership::wire::msgpack {

namespace {

std::uint64_t load_be(BytesView at, unsigned bytes) noexcept {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < bytes; ++i) value = value << 8 | static_cast<std::uint8_t>(at[i]);
    return value;
}

/// How the bytes from C0 to DF are laid out: what they lead, how many bytes of number follow, and, where a value has a
/// fixed size, that size.
struct Form {
    Kind kind;
    std::uint8_t number_bytes;
    std::uint8_t type_bytes;  ///< of an extension, counted to its head
    std::uint8_t fixed;
};
constexpr std::array<Form, 32> kForms{{
    {Kind::Nil, 0, 0, 0},      {Kind::Bad, 0, 0, 0},      {Kind::False, 0, 0, 0},
    {Kind::True, 0, 0, 0},     {Kind::Raw, 1, 0, 0},      {Kind::Raw, 2, 0, 0},
    {Kind::Raw, 4, 0, 0},      {Kind::Other, 1, 1, 0},    {Kind::Other, 2, 1, 0},
    {Kind::Other, 4, 1, 0},    {Kind::Other, 0, 0, 4},    {Kind::Other, 0, 0, 8},
    {Kind::Unsigned, 1, 0, 0}, {Kind::Unsigned, 2, 0, 0}, {Kind::Unsigned, 4, 0, 0},
    {Kind::Unsigned, 8, 0, 0}, {Kind::Negative, 1, 0, 0}, {Kind::Negative, 2, 0, 0},
    {Kind::Negative, 4, 0, 0}, {Kind::Negative, 8, 0, 0}, {Kind::Other, 0, 1, 1},
    {Kind::Other, 0, 1, 2},    {Kind::Other, 0, 1, 4},    {Kind::Other, 0, 1, 8},
    {Kind::Other, 0, 1, 16},   {Kind::Raw, 1, 0, 0},      {Kind::Raw, 2, 0, 0},
    {Kind::Raw, 4, 0, 0},      {Kind::Array, 2, 0, 0},    {Kind::Array, 4, 0, 0},
    {Kind::Map, 2, 0, 0},      {Kind::Map, 4, 0, 0},
}};

/// A signed number of `bytes` bytes; what is not negative is an unsigned one.
Head signed_head(std::uint64_t value, unsigned bytes) noexcept {
    const unsigned unused = 64 - 8 * bytes;
    const std::int64_t wide = static_cast<std::int64_t>(value << unused) >> unused;
    return {wide < 0 ? Kind::Negative : Kind::Unsigned, static_cast<std::uint8_t>(1 + bytes),
            static_cast<std::uint64_t>(wide)};
}

Head long_head(BytesView at, std::uint8_t lead) noexcept {
    const Form form = kForms[lead - 0xC0U];
    const auto bytes = static_cast<std::uint8_t>(1 + form.number_bytes + form.type_bytes);
    if (at.size() < bytes) return {form.kind, 0, 0};
    if (form.number_bytes == 0) return {form.kind, bytes, form.fixed};
    const std::uint64_t value = load_be(at.substr(1), form.number_bytes);
    if (form.kind == Kind::Negative) return signed_head(value, form.number_bytes);
    return {form.kind, bytes, value};
}

}  // namespace

Head head_of(BytesView at) noexcept {
    if (at.empty()) return {Kind::Other, 0, 0};
    const auto lead = static_cast<std::uint8_t>(at.front());
    if (lead <= 0x7F) return {Kind::Unsigned, 1, lead};
    if (lead <= 0x8F) return {Kind::Map, 1, lead & 0x0FU};
    if (lead <= 0x9F) return {Kind::Array, 1, lead & 0x0FU};
    if (lead <= 0xBF) return {Kind::Raw, 1, lead & 0x1FU};
    if (lead >= 0xE0) {
        const auto wide = static_cast<std::int64_t>(static_cast<std::int8_t>(lead));
        return {Kind::Negative, 1, static_cast<std::uint64_t>(wide)};
    }
    return long_head(at, lead);
}

Walk::Step Walk::go(BytesView bytes) noexcept {
    for (;;) {
        while (depth_ > 0 && left_[depth_] == 0) --depth_;
        if (left_[0] == 0 && depth_ == 0) {
            return used_ <= bytes.size() ? Step::Whole : Step::More;
        }
        if (used_ >= bytes.size()) return Step::More;
        const Head head = head_of(bytes.substr(used_));
        if (head.kind == Kind::Bad) return Step::Malformed;
        if (head.bytes == 0) return Step::More;
        const bool container = head.kind == Kind::Array || head.kind == Kind::Map;
        if (container && head.value > 0 && depth_ == kDepthMax) return Step::TooDeep;
        --left_[depth_];
        used_ += head.bytes;
        if (container && head.value > 0) {
            left_[++depth_] = head.kind == Kind::Map ? 2 * head.value : head.value;
        } else if (head.kind == Kind::Raw || head.kind == Kind::Other) {
            used_ += head.value;
        }
    }
}

void Reader::fail(Errc code, const char* why) noexcept {
    if (failed()) return;
    code_ = code;
    why_ = why;
    rest_ = {};
}

std::unexpected<Error> Reader::error(std::string_view message) const {
    std::string what(message);
    what += ": ";
    if (!where_.empty()) what.append(where_).append(": ");
    return anode::fail(code_, what.append(why_ != nullptr ? why_ : "unknown"));
}

Head Reader::take_head() noexcept {
    if (failed()) return {Kind::Nil, 0, 0};
    const Head head = head_of(rest_);
    if (head.kind == Kind::Bad) {
        fail(Errc::Malformed, "reserved byte C1");
        return {Kind::Nil, 0, 0};
    }
    if (head.bytes == 0) {
        fail(Errc::Truncated, "the input ends inside a value");
        return {Kind::Nil, 0, 0};
    }
    rest_.remove_prefix(head.bytes);
    return head;
}

BytesView Reader::take(std::size_t bytes) noexcept {
    if (bytes > rest_.size()) {
        fail(Errc::Truncated, "the input ends inside a value");
        return {};
    }
    const BytesView taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
}

std::uint64_t Reader::unsigned_number(std::uint64_t max) noexcept {
    const Head head = take_head();
    if (head.kind == Kind::Nil) return 0;
    if (head.kind == Kind::Unsigned && head.value <= max) return head.value;
    fail(Errc::Malformed, head.kind == Kind::Unsigned   ? "the number is too large"
                          : head.kind == Kind::Negative ? "the number is negative"
                                                        : "no number");
    return 0;
}

std::int64_t Reader::number() noexcept {
    const Head head = take_head();
    if (head.kind == Kind::Nil) return 0;
    if (head.kind == Kind::Unsigned || head.kind == Kind::Negative) {
        return static_cast<std::int64_t>(head.value);
    }
    fail(Errc::Malformed, "no number");
    return 0;
}

bool Reader::boolean() noexcept {
    const Head head = take_head();
    if (head.kind == Kind::True || head.kind == Kind::False) return head.kind == Kind::True;
    if (head.kind == Kind::Nil) return false;
    if (head.kind == Kind::Unsigned && head.value <= 1) return head.value == 1;
    fail(Errc::Malformed, "neither true nor false");
    return false;
}

BytesView Reader::text() noexcept {
    const Head head = take_head();
    if (head.kind == Kind::Nil) return {};
    if (head.kind == Kind::Raw) return take(head.value);
    fail(Errc::Malformed, "no text");
    return {};
}

BytesView Reader::bytes() noexcept {
    const Head head = take_head();
    if (head.kind == Kind::Nil) return {};
    if (head.kind != Kind::Raw && head.kind != Kind::Array) {
        fail(Errc::Malformed, "no bytes");
        return {};
    }
    const BytesView taken = take(head.value);
    if (head.kind == Kind::Array &&
        !std::ranges::all_of(taken, [](char c) { return static_cast<std::uint8_t>(c) <= 0x7F; })) {
        fail(Errc::Malformed, "an array that holds more than small numbers");
        return {};
    }
    return taken;
}

std::size_t Reader::copy_bytes(std::span<std::uint8_t> to) noexcept {
    std::ranges::fill(to, std::uint8_t{0});
    const Head head = take_head();
    if (head.kind == Kind::Nil) return 0;
    if (head.kind == Kind::Raw) {
        const BytesView taken = take(head.value);
        std::copy_n(taken.begin(), std::min(taken.size(), to.size()), to.begin());
        return taken.size();
    }
    if (head.kind != Kind::Array) {
        fail(Errc::Malformed, "no bytes");
        return 0;
    }
    for (std::uint64_t i = 0; i < head.value && !failed(); ++i) {
        const std::uint64_t byte = unsigned_number(0xFF);
        if (i < to.size()) to[i] = static_cast<std::uint8_t>(byte);
    }
    return failed() ? 0 : static_cast<std::size_t>(head.value);
}

void Reader::skip() noexcept {
    if (failed()) return;
    Walk walk;
    switch (walk.go(rest_)) {
        case Walk::Step::Whole:
            rest_.remove_prefix(walk.used());
            return;
        case Walk::Step::More:
            return fail(Errc::Truncated, "the input ends inside a value");
        case Walk::Step::Malformed:
            return fail(Errc::Malformed, "reserved byte C1");
        case Walk::Step::TooDeep:
            return fail(Errc::TooDeep, "values nested too deeply");
    }
}

BytesView Reader::key() noexcept {
    const Head head = take_head();
    if (head.kind == Kind::Raw) return take(head.value);
    fail(Errc::Malformed, "a key that is no text");
    return {};
}

std::size_t Reader::find(BytesView key, std::span<const std::string_view> names) noexcept {
    return static_cast<std::size_t>(std::ranges::find(names, key) - names.begin());
}

}  // namespace anode::membership::wire::msgpack
