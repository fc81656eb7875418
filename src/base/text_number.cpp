#include <charconv>
#include <cmath>
#include <limits>

#include "base/text.hpp"
#include "base/text_put.hpp"

/// Numbers, durations and sizes.
namespace anode::text {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

// From the largest to the smallest, as the shortest form is looked for.
constexpr Unit kDurations[] = {{"d", 86'400'000'000'000},
                               {"h", 3'600'000'000'000},
                               {"m", 60'000'000'000},
                               {"s", 1'000'000'000},
                               {"ms", 1'000'000},
                               {"us", 1'000},
                               {"ns", 1}};
constexpr Unit kBinarySizes[] = {{"PiB", 1ull << 50}, {"TiB", 1ull << 40}, {"GiB", 1ull << 30},
                                 {"MiB", 1ull << 20}, {"KiB", 1ull << 10}, {"B", 1}};
constexpr Unit kDecimalSizes[] = {{"PB", 1'000'000'000'000'000},
                                  {"TB", 1'000'000'000'000},
                                  {"GB", 1'000'000'000},
                                  {"MB", 1'000'000},
                                  {"KB", 1'000},
                                  {"kB", 1'000}};

std::size_t digits_in_front(std::string_view text) {
    std::size_t n = 0;
    while (n < text.size() && text[n] >= '0' && text[n] <= '9') ++n;
    return n;
}

std::optional<std::uint64_t> scaled(std::uint64_t count, std::string_view unit,
                                    std::span<const Unit> units, std::uint64_t max) {
    for (const Unit& candidate : units) {
        if (candidate.name != unit) continue;
        if (count > max / candidate.factor) return std::nullopt;
        return count * candidate.factor;
    }
    return std::nullopt;
}

std::string shortest(std::uint64_t value, std::span<const Unit> units, std::string_view zero) {
    if (value == 0) return std::string(zero);
    for (const Unit& unit : units) {
        if (value % unit.factor != 0) continue;
        std::string out;
        append_u64(out, value / unit.factor);
        out += unit.name;
        return out;
    }
    return {};
}

constexpr char kPairs[] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546"
    "474849"
    "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596"
    "979899";

}  // namespace

char* put_u64(char* at, std::uint64_t value) noexcept {
    char raw[20];
    char* first = raw + sizeof raw;
    while (value >= 100) {
        first -= 2;
        std::memcpy(first, kPairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (value >= 10) {
        first -= 2;
        std::memcpy(first, kPairs + value * 2, 2);
    } else {
        *--first = static_cast<char>('0' + value);
    }
    return put(at, {first, static_cast<std::size_t>(raw + sizeof raw - first)});
}

char* put_i64(char* at, std::int64_t value) noexcept {
    const auto bits = static_cast<std::uint64_t>(value);
    if (value >= 0) return put_u64(at, bits);
    *at = '-';
    return put_u64(at + 1, 0 - bits);
}

void append_u64(std::string& out, std::uint64_t value) {
    char raw[20];
    out.append(raw, static_cast<std::size_t>(put_u64(raw, value) - raw));
}

void append_i64(std::string& out, std::int64_t value) {
    char raw[20];
    out.append(raw, static_cast<std::size_t>(put_i64(raw, value) - raw));
}

std::optional<std::uint64_t> parse_u64(std::string_view text) {
    if (text.empty() || digits_in_front(text) != text.size()) return std::nullopt;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{}) return std::nullopt;
    return value;
}

std::optional<std::int64_t> parse_i64(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<double> parse_double(std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
        return std::nullopt;
    return value;
}

std::optional<Duration> parse_duration(std::string_view text) {
    const std::size_t digits = digits_in_front(text);
    const auto count = parse_u64(text.substr(0, digits));
    if (!count) return std::nullopt;
    if (digits == text.size())
        return *count == 0 ? std::optional<Duration>(Duration{0}) : std::nullopt;
    const auto nanos =
        scaled(*count, text.substr(digits), kDurations, std::numeric_limits<Duration::rep>::max());
    if (!nanos) return std::nullopt;
    return Duration{static_cast<Duration::rep>(*nanos)};
}

std::string duration(Duration value) {
    const auto bits = static_cast<std::uint64_t>(value.count());
    if (value.count() < 0) return "-" + shortest(0 - bits, kDurations, "0s");
    return shortest(bits, kDurations, "0s");
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    const std::size_t digits = digits_in_front(text);
    const auto count = parse_u64(text.substr(0, digits));
    if (!count || digits == text.size()) return count;
    constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
    const auto binary = scaled(*count, text.substr(digits), kBinarySizes, kMax);
    return binary ? binary : scaled(*count, text.substr(digits), kDecimalSizes, kMax);
}

std::string size(std::uint64_t bytes) { return shortest(bytes, kBinarySizes, "0B"); }

}  // namespace anode::text
