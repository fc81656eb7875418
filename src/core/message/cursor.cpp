#include "core/message/cursor.hpp"

#include <algorithm>
#include <cstring>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "base/text_put.hpp"
#include "base/varint.hpp"

namespace anode {
namespace {

// Behind the prefix, in base64url: store:4 after:8 watermark:8 (log:25 seq:8)* crc32c:4, little-endian. All lengths
// are multiples of three, so that the text has no odd end.
constexpr std::string_view kPrefix = "c1.";
constexpr std::size_t kHeadBytes = 20;
constexpr std::size_t kCrcBytes = 4;
constexpr std::size_t kBehindBytes = LogKey::kBytes + 8;
constexpr std::size_t kBehindMax =
    ((Cursor::kBytesMax - kPrefix.size()) / 4 * 3 - kHeadBytes - kCrcBytes) / kBehindBytes;
static_assert(kPrefix.size() + (kHeadBytes + kCrcBytes) / 3 * 4 == Cursor::kPlainBytes);

void put_head(char* at, std::uint32_t store, Arrival after, WallTime watermark) noexcept {
    std::memcpy(at, &store, 4);
    std::memcpy(at + 4, &after.value, 8);
    std::memcpy(at + 12, &watermark, 8);
}

WallTime start_of(Epoch epoch) noexcept {
    return static_cast<WallTime>((epoch.value >> 16) * 1000);
}

/// As many as fit; `watermark` goes below all that the others have sent.
std::vector<Cursor::Behind> fitting(std::vector<Cursor::Behind> behind, WallTime& watermark) {
    if (behind.size() <= kBehindMax) return behind;
    std::ranges::sort(behind, {}, [](const Cursor::Behind& b) { return b.log.epoch; });
    watermark = std::min(watermark, start_of(behind[kBehindMax].log.epoch));
    behind.resize(kBehindMax);
    return behind;
}

}  // namespace

char* Cursor::put_text(char* at, std::uint32_t store, Arrival after, WallTime watermark) noexcept {
    char raw[kHeadBytes + kCrcBytes];
    put_head(raw, store, after, watermark);
    const std::uint32_t crc = crc32c({raw, kHeadBytes});
    std::memcpy(raw + kHeadBytes, &crc, kCrcBytes);
    return text::put_base64url(text::put(at, kPrefix), {raw, sizeof raw});
}

void Cursor::append_text(std::string& out, std::uint32_t store, Arrival after, WallTime watermark) {
    char raw[kPlainBytes];
    out.append(raw, put_text(raw, store, after, watermark));
}

std::string Cursor::text() const {
    WallTime below = watermark;
    const std::vector<Behind> kept = fitting(behind, below);
    Bytes raw(kHeadBytes, '\0');
    put_head(raw.data(), store, after, below);
    for (const Behind& origin : kept) {
        origin.log.append_to(raw);
        put_le(raw, origin.seq);
    }
    put_le(raw, crc32c(raw));
    std::string out(kPrefix);
    text::append_base64url(out, raw);
    return out;
}

Result<Cursor> Cursor::parse(std::string_view text) {
    const auto refuse = [](const char* why) {
        return fail(Errc::Malformed, std::string("cursor: ") + why);
    };
    if (!text.starts_with(kPrefix)) return refuse("does not begin with c1.");
    if (text.size() > kBytesMax) return refuse("is longer than 512 bytes");
    const auto raw = text::from_base64url(text.substr(kPrefix.size()));
    if (!raw || raw->size() < kHeadBytes + kCrcBytes ||
        (raw->size() - kHeadBytes - kCrcBytes) % kBehindBytes != 0)
        return refuse("is not whole");
    const BytesView body = BytesView(*raw).substr(0, raw->size() - kCrcBytes);
    ByteReader in(body);
    Cursor out;
    out.store = *in.le<std::uint32_t>();
    out.after.value = *in.le<std::uint64_t>();
    out.watermark = *in.le<std::int64_t>();
    while (!in.at_end()) {
        const auto log = LogKey::from(*in.take(LogKey::kBytes));
        out.behind.push_back({*log, *in.le<std::uint64_t>()});
    }
    ByteReader crc(BytesView(*raw).substr(body.size()));
    if (*crc.le<std::uint32_t>() != crc32c(body))
        return refuse("was changed (its checksum does not match)");
    return out;
}

Result<WallTime> parse_time(std::string_view text, WallTime now) {
    if (text.starts_with('-')) {
        const auto age = text::parse_duration(text.substr(1));
        if (age) return now - std::chrono::duration_cast<std::chrono::microseconds>(*age).count();
    } else if (const auto micros = text::parse_i64(text)) {
        return *micros;
    } else if (const auto time = text::parse_rfc3339(text)) {
        return *time;
    }
    return fail(Errc::Malformed,
                "\"" + text::printable(text.substr(0, 64)) +
                    "\" is no time: RFC 3339, microseconds since 1970 or an age such as -15m");
}

Result<StartAt> parse_start(std::string_view text, WallTime now) {
    StartAt out;
    if (text == "live") return out;
    if (text == "last" || text == "earliest") {
        out.at = text == "last" ? StartAt::At::Last : StartAt::At::Earliest;
        return out;
    }
    if (text.starts_with(kPrefix)) {
        auto cursor = Cursor::parse(text);
        if (!cursor) return std::unexpected(std::move(cursor.error()));
        out.at = StartAt::At::Cursor;
        out.cursor = std::move(*cursor);
        return out;
    }
    const auto time = parse_time(text, now);
    if (!time)
        return fail(Errc::Malformed, time.error().what + "; or live, last, earliest or a cursor");
    out.at = StartAt::At::Time;
    out.time = *time;
    return out;
}

}  // namespace anode
