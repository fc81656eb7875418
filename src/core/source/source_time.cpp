#include "core/source/source_time.hpp"

#include <charconv>
#include <cmath>
#include <string>

#include "base/text.hpp"

namespace anode::source {

namespace {

constexpr std::int64_t kWholeMax = 9'000'000'000'000'000'000;

struct Decimal {
    std::int64_t whole = 0;
    std::string_view fraction;
};

std::optional<Decimal> parse_decimal(std::string_view text) {
    Decimal made;
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, made.whole);
    if (error != std::errc() || made.whole < 0 || made.whole > kWholeMax || text.starts_with('-'))
        return std::nullopt;
    if (at == end) return made;
    if (*at != '.') return std::nullopt;
    made.fraction = {at + 1, static_cast<std::size_t>(end - at - 1)};
    for (const char c : made.fraction) {
        if (c < '0' || c > '9') return std::nullopt;
    }
    return made;
}

TimeUnit unit_of(std::int64_t whole) {
    if (whole < 100'000'000'000) return TimeUnit::Seconds;
    if (whole < 100'000'000'000'000) return TimeUnit::Millis;
    if (whole < 100'000'000'000'000'000) return TimeUnit::Micros;
    return TimeUnit::Nanos;
}

std::optional<WallTime> micros_of(const Decimal& time, TimeUnit unit) {
    if (unit == TimeUnit::Auto) unit = unit_of(time.whole);
    if (unit == TimeUnit::Nanos) return time.whole / 1000;
    if (unit == TimeUnit::Micros) return time.whole;
    const int digits = unit == TimeUnit::Seconds ? 6 : 3;
    const std::int64_t scale = unit == TimeUnit::Seconds ? 1'000'000 : 1000;
    if (time.whole > kWholeMax / scale) return std::nullopt;
    std::int64_t fraction = 0;
    for (int i = 0; i < digits; ++i) {
        const auto at = static_cast<std::size_t>(i);
        fraction = fraction * 10 + (at < time.fraction.size() ? time.fraction[at] - '0' : 0);
    }
    return time.whole * scale + fraction;
}

/// `1.6e9`: exponents lose no more than a double does.
std::optional<WallTime> parse_exponent(std::string_view text, TimeUnit unit) {
    const auto value = text::parse_double(text);
    if (!value || !std::isfinite(*value) || *value < 0 || *value > 9e18) return std::nullopt;
    Decimal time{static_cast<std::int64_t>(*value), {}};
    const std::string fraction = std::to_string(*value - std::floor(*value)).substr(2);
    time.fraction = fraction;
    return micros_of(time, unit);
}

std::optional<WallTime> parse_hex(std::string_view text, TimeUnit unit) {
    std::int64_t whole = 0;
    const auto [at, error] = std::from_chars(text.data() + 2, text.data() + text.size(), whole, 16);
    if (error != std::errc() || at != text.data() + text.size() || whole < 0) return std::nullopt;
    return micros_of({whole, {}}, unit);
}

std::optional<WallTime> parse_calendar(std::string_view text) {
    if (text.size() < 16) return std::nullopt;
    if (text[10] == 'T' && text.size() >= 20) {
        if (const auto exact = text::parse_rfc3339(text)) return exact;
    }
    std::string repaired(text);
    if (repaired[10] == ' ') repaired[10] = 'T';
    if (repaired.size() == 16) repaired += ":00";
    if (const auto zoned = text::parse_rfc3339(repaired)) return zoned;
    return text::parse_rfc3339(repaired + "Z");
}

}  // namespace

std::optional<WallTime> parse_source_time(std::string_view text, TimeUnit unit) {
    text = text::trim(text);
    if (text.empty()) return std::nullopt;
    if (unit != TimeUnit::Rfc3339) {
        if (text.starts_with("0x")) return parse_hex(text, unit);
        if (const auto decimal = parse_decimal(text)) return micros_of(*decimal, unit);
        if (text.find_first_of("eE") != std::string_view::npos) return parse_exponent(text, unit);
        if (unit != TimeUnit::Auto) return std::nullopt;
    }
    return parse_calendar(text);
}

}  // namespace anode::source
