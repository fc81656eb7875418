#include "core/source/backoff.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "core/json/json.hpp"

namespace anode::source {

namespace {

constexpr Duration kLongestWait = 24h;
constexpr double kLooksLikeATime = 1e9;  // seconds since 1970 rather than seconds to wait

bool holds(const std::optional<expr::Program>& program, const json::Value& body) {
    if (!program) return false;
    expr::Scope scope;
    scope.root = body;
    return body && program->holds(scope);
}

Remedy from_rule(ErrorRule::Do what, HeaderView headers, const RateSpec& rate, WallTime now) {
    switch (what) {
        case ErrorRule::Do::Fail:
            return {Remedy::What::Fail, {}, ErrorClass::Feed};
        case ErrorRule::Do::Limit:
            return {Remedy::What::Limit, retry_after(headers, rate, now), ErrorClass::Limited};
        case ErrorRule::Do::Restart:
            return {Remedy::What::Restart, {}, ErrorClass::Feed};
        case ErrorRule::Do::Ignore:
            return {Remedy::What::Ignore, {}, ErrorClass::Http};
    }
    return {};
}

}  // namespace

Duration Backoff::next(Rng& rng) {
    const auto doublings = std::min<std::uint32_t>(++attempts_, 30);
    const Duration ceiling = std::min(spec_.max, spec_.min * (std::int64_t{1} << doublings));
    const Duration floor = std::min(spec_.min, ceiling);  // never sooner than `min`
    return Duration(rng.between(floor.count(), std::max(ceiling, floor).count()));
}

std::optional<Duration> parse_retry_after(std::string_view value, WallTime now) {
    value = text::trim(value);
    if (const auto seconds = text::parse_double(value)) {
        const double wall = static_cast<double>(now) / 1e6;
        const double wait = *seconds > kLooksLikeATime ? *seconds - wall : *seconds;
        const double longest = std::chrono::duration<double>(kLongestWait).count();
        return std::chrono::duration_cast<Duration>(
            std::chrono::duration<double>(std::clamp(wait, 0.0, longest)));
    }
    if (const auto date = text::parse_http_date(value)) {
        return std::clamp<Duration>(std::chrono::microseconds(*date - now), 0s, kLongestWait);
    }
    return std::nullopt;
}

std::optional<Duration> retry_after(HeaderView headers, const RateSpec& rate, WallTime now) {
    if (!rate.retry_after.empty()) {
        if (const auto named = find_header(headers, rate.retry_after)) {
            if (const auto wait = parse_retry_after(*named, now)) return wait;
        }
    }
    const auto standard = find_header(headers, "Retry-After");
    return standard ? parse_retry_after(*standard, now) : std::nullopt;
}

Remedy remedy(const Definition& definition, int status, HeaderView headers, BytesView body,
              WallTime now) {
    json::Document document;
    const bool readable = document.parse(body).has_value();
    const json::Value root = readable ? document.root() : json::Value{};
    if (definition.resume && holds(definition.resume->too_old, root)) {
        return {Remedy::What::TooOld, {}, ErrorClass::Feed};
    }
    for (const ErrorRule& rule : definition.errors) {
        if (rule.status && static_cast<int>(*rule.status) != status) continue;
        if (rule.match && !holds(rule.match, root)) continue;
        return from_rule(rule.what, headers, definition.rate, now);
    }
    switch (status) {
        case 401:
        case 403: {
            // Some feeds answer 403 with a time to come back: that is a limit, not a refusal.
            const auto wait = retry_after(headers, definition.rate, now);
            if (status == 403 && wait) return {Remedy::What::Limit, wait, ErrorClass::Limited};
            return {Remedy::What::Auth, {}, ErrorClass::Auth};
        }
        case 451:
            return {Remedy::What::Fail, {}, ErrorClass::Http};
        case 418:
        case 429:
        case 503: {
            const auto wait = retry_after(headers, definition.rate, now);
            if (status == 503 && !wait) return {};
            return {Remedy::What::Limit, wait, ErrorClass::Limited};
        }
        default:
            return {};
    }
}

}  // namespace anode::source
