#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "core/source/definition.hpp"
#include "core/source/machine_io.hpp"

/// When to try again (C12). Source: recipes, section 3 (`backoff`); RFC 9110, section 10.2.3.
namespace anode::source {

/// Exponential, with full jitter.
class Backoff {
public:
    explicit Backoff(const BackoffSpec& spec) : spec_(spec) {}

    /// The wait before the next attempt: even between `min` and min · 2^attempt, at most `max`.
    Duration next(Rng& rng);
    void reset() noexcept { attempts_ = 0; }
    [[nodiscard]] std::uint32_t attempts() const noexcept { return attempts_; }

private:
    BackoffSpec spec_;
    std::uint32_t attempts_ = 0;
};

/// What a header that says when to come back means: seconds (fractions allowed), seconds since 1970
/// (as `x-ratelimit-reset` has them), or an HTTP date. Never negative; at most a day.
std::optional<Duration> parse_retry_after(std::string_view value, WallTime now);

/// The wait an answer asks for: the header the definition names, else `Retry-After`.
std::optional<Duration> retry_after(HeaderView headers, const RateSpec& rate, WallTime now);

/// What to do about an answer that is no success, or a connection that failed.
struct Remedy {
    enum class What : std::uint8_t {
        Retry,    ///< back off
        Limit,    ///< wait `after` if given, else back off; the state is `limited`
        Auth,     ///< credentials refused: `failed` once the retries are used up
        Fail,     ///< no use trying
        Restart,  ///< begin anew at once, without the position
        TooOld,   ///< as Restart, and the ledger is told
        Ignore,   ///< no error
    } what = What::Retry;
    std::optional<Duration> after;
    ErrorClass error = ErrorClass::Http;
};
Remedy remedy(const Definition& definition, int status, HeaderView headers, BytesView body,
              WallTime now);

}  // namespace anode::source
