#include "core/source/values.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace anode::source {

Duration Jittered::draw(Rng& rng) const noexcept {
    const std::int64_t low = std::max<std::int64_t>(0, (value - jitter).count());
    return Duration(rng.between(low, std::max(low, (value + jitter).count())));
}

std::optional<Jittered> parse_jittered(std::string_view text) {
    constexpr std::string_view kSigns[] = {"±", "+-"};
    for (const std::string_view sign : kSigns) {
        const std::size_t at = text.find(sign);
        if (at == std::string_view::npos) continue;
        const auto value = text::parse_duration(text::trim(text.substr(0, at)));
        const auto jitter = text::parse_duration(text::trim(text.substr(at + sign.size())));
        if (!value || !jitter || *jitter > *value) return std::nullopt;
        return Jittered{*value, *jitter};
    }
    const auto value = text::parse_duration(text::trim(text));
    if (!value) return std::nullopt;
    return Jittered{*value, {}};
}

std::optional<Rate> parse_rate(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto count = text::parse_u64(text::trim(text.substr(0, slash)));
    std::string per(text::trim(text.substr(slash + 1)));
    if (!per.empty() && (per[0] < '0' || per[0] > '9')) per.insert(0, "1");
    const auto duration = text::parse_duration(per);
    if (!count || *count == 0 || *count > 1'000'000'000 || !duration || *duration <= Duration{})
        return std::nullopt;
    return Rate{static_cast<std::uint32_t>(*count), *duration};
}

}  // namespace anode::source
