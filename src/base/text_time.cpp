#include <algorithm>
#include <array>
#include <chrono>

#include "base/text.hpp"
#include "base/text_put.hpp"

/// RFC 3339 times and the dates of HTTP.
namespace anode::text {
namespace {

using std::chrono::day;
using std::chrono::days;
using std::chrono::month;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::int64_t kSecondsPerDay = 86'400;
// Four digits of year is all that both forms hold.
constexpr WallTime kFirst =
    sys_days(year(0) / 1 / 1).time_since_epoch().count() * kSecondsPerDay * kMicrosPerSecond;
constexpr WallTime kLast =
    sys_days(year(10'000) / 1 / 1).time_since_epoch().count() * kSecondsPerDay * kMicrosPerSecond -
    1;

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> kLongDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Civil {
    int year = 0;
    unsigned month = 1, day = 1, hour = 0, minute = 0, second = 0;
};

/// Seconds since 1970; empty if there is no such day or time. A leap second is the second after it.
std::optional<std::int64_t> seconds_of(const Civil& c) {
    const year_month_day date{year(c.year), month(c.month), day(c.day)};
    if (!date.ok() || c.hour > 23 || c.minute > 59 || c.second > 60) return std::nullopt;
    const std::int64_t whole_days = sys_days(date).time_since_epoch().count();
    return whole_days * kSecondsPerDay + c.hour * 3600 + c.minute * 60 + c.second;
}

struct Split {
    Civil civil;
    unsigned weekday = 0;
    unsigned micros = 0;
};

Split split_time(WallTime micros) {
    micros = std::clamp(micros, kFirst, kLast);
    const auto whole = std::chrono::floor<days>(std::chrono::microseconds(micros));
    const year_month_day date{sys_days(whole)};
    const auto within =
        static_cast<std::uint64_t>((std::chrono::microseconds(micros) - whole).count());
    const std::uint64_t seconds = within / kMicrosPerSecond;
    Split out;
    out.civil = {static_cast<int>(date.year()),
                 static_cast<unsigned>(date.month()),
                 static_cast<unsigned>(date.day()),
                 static_cast<unsigned>(seconds / 3600),
                 static_cast<unsigned>(seconds / 60 % 60),
                 static_cast<unsigned>(seconds % 60)};
    out.weekday = std::chrono::weekday(sys_days(whole)).c_encoding();
    out.micros = static_cast<unsigned>(within % kMicrosPerSecond);
    return out;
}

char* put_digits(char* at, std::uint64_t value, int digits) noexcept {
    for (int i = digits - 1; i >= 0; --i, value /= 10) at[i] = static_cast<char>('0' + value % 10);
    return at + digits;
}

/// Takes a text from the front, piece by piece; after one mismatch nothing matches any more.
class Scanner {
public:
    explicit Scanner(std::string_view rest) : rest_(rest) {}

    unsigned digits(std::size_t count) {
        const auto value = rest_.size() < count ? std::nullopt : parse_u64(rest_.substr(0, count));
        if (!value) return fail();
        rest_.remove_prefix(count);
        return static_cast<unsigned>(*value);
    }
    void literal(std::string_view text) {
        if (rest_.starts_with(text))
            rest_.remove_prefix(text.size());
        else
            fail();
    }
    bool optional(char c) {
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    template <std::size_t N>
    unsigned word(const std::array<std::string_view, N>& words) {
        for (unsigned i = 0; i < N; ++i) {
            if (!rest_.starts_with(words[i])) continue;
            rest_.remove_prefix(words[i].size());
            return i;
        }
        return fail();
    }
    std::size_t digits_ahead() const {
        return std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    }
    unsigned fail() {
        failed_ = true;
        rest_ = {};
        return 0;
    }
    [[nodiscard]] bool done() const { return !failed_ && rest_.empty(); }

private:
    std::string_view rest_;
    bool failed_ = false;
};

void scan_clock(Scanner& in, Civil& c) {
    c.hour = in.digits(2);
    in.literal(":");
    c.minute = in.digits(2);
    in.literal(":");
    c.second = in.digits(2);
}

std::int64_t scan_fraction(Scanner& in) {
    if (!in.optional('.')) return 0;
    const std::size_t count = in.digits_ahead();
    if (count == 0 || count > 9) return in.fail();
    std::int64_t nanos = in.digits(count);
    for (std::size_t i = count; i < 9; ++i) nanos *= 10;
    return nanos / 1000;
}

std::int64_t scan_offset_seconds(Scanner& in) {
    if (in.optional('Z') || in.optional('z')) return 0;
    const bool west = in.optional('-');
    if (!west) in.literal("+");
    const unsigned hours = in.digits(2);
    in.literal(":");
    const unsigned minutes = in.digits(2);
    if (hours > 23 || minutes > 59) return in.fail();
    const std::int64_t offset = hours * 3600 + minutes * 60;
    return west ? -offset : offset;
}

std::optional<Civil> scan_imf(std::string_view text) {
    Scanner in(text);
    Civil c;
    in.word(kDays);
    in.literal(", ");
    c.day = in.digits(2);
    in.literal(" ");
    c.month = in.word(kMonths) + 1;
    in.literal(" ");
    c.year = static_cast<int>(in.digits(4));
    in.literal(" ");
    scan_clock(in, c);
    in.literal(" GMT");
    return in.done() ? std::optional(c) : std::nullopt;
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`. Without a clock at hand the century turns at 1970.
std::optional<Civil> scan_rfc850(std::string_view text) {
    Scanner in(text);
    Civil c;
    in.word(kLongDays);
    in.literal(", ");
    c.day = in.digits(2);
    in.literal("-");
    c.month = in.word(kMonths) + 1;
    in.literal("-");
    const int two = static_cast<int>(in.digits(2));
    c.year = two < 70 ? 2000 + two : 1900 + two;
    in.literal(" ");
    scan_clock(in, c);
    in.literal(" GMT");
    return in.done() ? std::optional(c) : std::nullopt;
}

/// `Sun Nov  6 08:49:37 1994`.
std::optional<Civil> scan_asctime(std::string_view text) {
    Scanner in(text);
    Civil c;
    in.word(kDays);
    in.literal(" ");
    c.month = in.word(kMonths) + 1;
    in.literal(" ");
    c.day = in.optional(' ') ? in.digits(1) : in.digits(2);
    in.literal(" ");
    scan_clock(in, c);
    in.literal(" ");
    c.year = static_cast<int>(in.digits(4));
    return in.done() ? std::optional(c) : std::nullopt;
}

}  // namespace

char* put_rfc3339(char* at, WallTime micros) noexcept {
    const Split time = split_time(micros);
    at = put_digits(at, static_cast<std::uint64_t>(time.civil.year), 4);
    *at++ = '-';
    at = put_digits(at, time.civil.month, 2);
    *at++ = '-';
    at = put_digits(at, time.civil.day, 2);
    *at++ = 'T';
    at = put_digits(at, time.civil.hour, 2);
    *at++ = ':';
    at = put_digits(at, time.civil.minute, 2);
    *at++ = ':';
    at = put_digits(at, time.civil.second, 2);
    *at++ = '.';
    at = put_digits(at, time.micros, 6);
    *at++ = 'Z';
    return at;
}

std::string rfc3339(WallTime micros) {
    char raw[27];
    return {raw, put_rfc3339(raw, micros)};
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
    Scanner in(text);
    Civil c;
    c.year = static_cast<int>(in.digits(4));
    in.literal("-");
    c.month = in.digits(2);
    in.literal("-");
    c.day = in.digits(2);
    if (!in.optional('t') && !in.optional(' ')) in.literal("T");
    scan_clock(in, c);
    const std::int64_t fraction = scan_fraction(in);
    const std::int64_t offset = scan_offset_seconds(in);
    const auto seconds = in.done() ? seconds_of(c) : std::nullopt;
    if (!seconds) return std::nullopt;
    return (*seconds - offset) * kMicrosPerSecond + fraction;
}

std::optional<WallTime> parse_http_date(std::string_view text) {
    auto civil = scan_imf(text);
    if (!civil) civil = scan_rfc850(text);
    if (!civil) civil = scan_asctime(text);
    const auto seconds = civil ? seconds_of(*civil) : std::nullopt;
    if (!seconds) return std::nullopt;
    return *seconds * kMicrosPerSecond;
}

std::string http_date(WallTime micros) {
    const Split time = split_time(micros);
    char raw[29];
    char* at = put(raw, kDays[time.weekday]);
    at = put(at, ", ");
    at = put_digits(at, time.civil.day, 2);
    *at++ = ' ';
    at = put(at, kMonths[time.civil.month - 1]);
    *at++ = ' ';
    at = put_digits(at, static_cast<std::uint64_t>(time.civil.year), 4);
    *at++ = ' ';
    at = put_digits(at, time.civil.hour, 2);
    *at++ = ':';
    at = put_digits(at, time.civil.minute, 2);
    *at++ = ':';
    at = put_digits(at, time.civil.second, 2);
    at = put(at, " GMT");
    return {raw, at};
}

}  // namespace anode::text
