#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"

/// As much msgpack as the protocol speaks: what is emitted is its old profile, what is read is everything.
/// Nothing here allocates. Source: msgpack specification; memberlist protocol, sections 3.2 and 3.3.
namespace anode::membership::wire::msgpack {

inline constexpr unsigned kDepthMax = 32;  ///< of containers inside one value

void put_map(Bytes& out, std::uint32_t pairs);
void put_raw(Bytes& out, BytesView bytes);           ///< text and bytes alike, never str8 or bin
void put_raw_head(Bytes& out, std::size_t bytes);    ///< for a value that is appended afterwards
void put_raw_or_nil(Bytes& out, BytesView bytes);    ///< empty becomes nil, as an absent slice does
void put_unsigned(Bytes& out, std::uint32_t value);  ///< shortest form
void put_counter(Bytes& out, std::uint64_t value);   ///< shortest signed form
void put_bool(Bytes& out, bool value);

enum class Kind : std::uint8_t {
    Nil,
    False,
    True,
    Unsigned,
    Negative,
    Raw,
    Array,
    Map,
    Other,
    Bad
};

/// The first bytes of a value.
struct Head {
    Kind kind = Kind::Bad;
    std::uint8_t bytes = 0;   ///< of the head itself; 0: the input ends inside it
    std::uint64_t value = 0;  ///< number, length of what follows, or count of what follows
};
[[nodiscard]] Head head_of(BytesView at) noexcept;

/// Finds the end of one value in input that comes in pieces; no byte is looked at twice.
class Walk {
public:
    enum class Step : std::uint8_t { Whole, More, Malformed, TooDeep };
    /// `bytes`: the value from its first byte, as much of it as has come.
    Step go(BytesView bytes) noexcept;
    /// Where the value ends, as far as is known by now; may lie beyond what has come.
    [[nodiscard]] std::uint64_t used() const noexcept { return used_; }

private:
    std::uint64_t used_ = 0;
    unsigned depth_ = 0;
    std::array<std::uint64_t, kDepthMax + 1> left_{1};  ///< values still to come on each level
};

/// Reads values one after the other. The first error sticks; after it everything reads as zero.
/// A nil reads as the zero of whatever was asked for.
class Reader {
public:
    explicit Reader(BytesView in) noexcept : rest_(in) {}

    [[nodiscard]] BytesView rest() const noexcept { return rest_; }
    [[nodiscard]] bool failed() const noexcept { return why_ != nullptr; }
    /// The error in words: message, key, reason.
    [[nodiscard]] std::unexpected<Error> error(std::string_view message) const;
    void fail(Errc code, const char* why) noexcept;

    [[nodiscard]] std::uint64_t unsigned_number(std::uint64_t max) noexcept;
    /// Any integer; those of 2^63 and above wrap to negative ones, as they do for our peers.
    [[nodiscard]] std::int64_t number() noexcept;
    [[nodiscard]] bool boolean() noexcept;
    [[nodiscard]] BytesView text() noexcept;
    /// Raw, or an array of numbers up to 127 (these lie in the input as bytes do).
    [[nodiscard]] BytesView bytes() noexcept;
    /// Raw, or an array of numbers up to 255, as far as `to` holds. Returns how many there were.
    std::size_t copy_bytes(std::span<std::uint8_t> to) noexcept;
    void skip() noexcept;
    [[nodiscard]] BytesView take(std::size_t bytes) noexcept;

    /// One struct: a map by name, or an array in the order of `names`, or nil. `field(i)` reads the value of names[i].
    template <class Field>
    void fields(std::span<const std::string_view> names, Field&& field) {
        const Head head = take_head();
        if (head.kind == Kind::Nil || failed()) return;
        const bool map = head.kind == Kind::Map;
        if (!map && head.kind != Kind::Array) return fail(Errc::Malformed, "the body is no map");
        for (std::uint64_t i = 0; i < head.value && !failed(); ++i) {
            const std::size_t index = map ? find(key(), names) : static_cast<std::size_t>(i);
            if (index >= names.size()) {
                skip();
                continue;
            }
            field(index);
            if (failed()) where_ = names[index];
        }
    }

private:
    Head take_head() noexcept;
    BytesView key() noexcept;
    static std::size_t find(BytesView key, std::span<const std::string_view> names) noexcept;

    BytesView rest_;
    std::string_view where_;
    const char* why_ = nullptr;
    Errc code_ = Errc::Malformed;
};

}  // namespace anode::membership::wire::msgpack
