#include "app/replay_file.hpp"

#include <fstream>
#include <sstream>

#include "base/text.hpp"
#include "core/codec/inflate.hpp"
#include "core/codec/lines.hpp"
#include "core/json/json.hpp"
#include "core/source/source_time.hpp"

namespace anode::app {
namespace {

constexpr std::uint64_t kUnpackedMax = 1u << 30;
constexpr WallTime kEarliest = 1'262'304'000'000'000;  // 2010
constexpr WallTime kLatest = 2'524'608'000'000'000;    // 2050
constexpr WallTime kFallback = 1'767'225'600'000'000;  // 2026

Result<Bytes> read_whole(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    if (!in || !(text << in.rdbuf())) return fail(Errc::Io, path + ": cannot be read");
    Bytes bytes = std::move(text).str();
    if (!bytes.starts_with("\x1f\x8b")) return bytes;
    const codec::Coding chain[] = {codec::Coding::Gzip};
    Bytes unpacked;
    const auto done =
        codec::decode_frame(chain, bytes, unpacked, {.bytes_max = kUnpackedMax, .ratio_max = 2000});
    if (!done) return fail(done.error().code, path + ": " + done.error().what);
    return unpacked;
}

std::optional<RecordedRow::Kind> kind_of(std::string_view word) {
    if (word == "open") return RecordedRow::Kind::Open;
    if (word == "sent") return RecordedRow::Kind::Sent;
    if (word == "frame") return RecordedRow::Kind::Frame;
    if (word == "http") return RecordedRow::Kind::Http;
    return std::nullopt;
}

Result<RecordedRow> row_of(const json::Value& line) {
    RecordedRow row;
    const auto kind = kind_of(line["kind"].string());
    if (!kind) return fail(Errc::Malformed, "`kind` is none of open, sent, frame, http");
    row.kind = *kind;
    const double seconds = line["t"].number().value_or(0);
    if (seconds < 0 || seconds > 1e8)
        return fail(Errc::Malformed, "`t` is no time since the beginning");
    row.at = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
    row.url = line["url"].string();
    const json::Value data = line["data"];
    row.data = data.is_string() ? data.string() : Bytes(data.raw());
    if (line["encoding"].equals("base64")) {
        auto bytes = text::from_base64(row.data);
        if (!bytes) return fail(Errc::Malformed, "`data` is no base64");
        row.data = std::move(*bytes);
        row.binary = true;
    }
    row.event = line["event"].string();
    row.id = line["id"].scalar().value_or("");
    row.status = static_cast<int>(line["status"].integer().value_or(200));
    const json::Value headers = line["headers"];
    for (json::Value header = headers.first(); header; header = header.next_in(headers))
        row.headers.emplace_back(header.name(), header.string());
    return row;
}

/// The first time among the values of a frame.
std::optional<WallTime> time_in(const json::Value& value, int depth) {
    if (value.is_object() || value.is_array()) {
        if (depth == 0) return std::nullopt;
        for (json::Value inner = value.first(); inner; inner = inner.next_in(value))
            if (const auto found = time_in(inner, depth - 1)) return found;
        return std::nullopt;
    }
    const auto text = value.scalar();
    if (!text || text->size() < 13) return std::nullopt;
    const auto time = source::parse_source_time(*text, source::TimeUnit::Auto);
    return time && *time > kEarliest && *time < kLatest ? time : std::nullopt;
}

}  // namespace

Result<std::vector<RecordedRow>> parse_recording(BytesView lines) {
    std::vector<RecordedRow> rows;
    codec::LineSplitter splitter(256u << 20);
    json::Document document;
    std::uint64_t number = 0;
    const auto take = [&](BytesView line) -> Result<void> {
        ++number;
        const auto parsed = document.parse(line);
        auto row =
            parsed ? row_of(document.root()) : Result<RecordedRow>(std::unexpected(parsed.error()));
        if (!row)
            return fail(Errc::Malformed,
                        "line " + std::to_string(number) + ": " + row.error().what);
        rows.push_back(std::move(*row));
        return {};
    };
    while (const auto line = splitter.next(lines))
        if (const auto taken = take(*line); !taken) return std::unexpected(taken.error());
    if (const auto last = splitter.finish())
        if (const auto taken = take(*last); !taken) return std::unexpected(taken.error());
    return rows;
}

Result<std::vector<RecordedRow>> read_recording(const std::string& path) {
    const auto bytes = read_whole(path);
    if (!bytes) return std::unexpected(bytes.error());
    auto rows = parse_recording(*bytes);
    if (!rows) return fail(rows.error().code, path + ": " + rows.error().what);
    return rows;
}

WallTime guess_recording_time(const std::vector<RecordedRow>& rows) {
    json::Document document;
    int looked_at = 0;
    for (const RecordedRow& row : rows) {
        if (row.kind == RecordedRow::Kind::Open || row.kind == RecordedRow::Kind::Sent ||
            row.binary)
            continue;
        if (++looked_at > 50) break;
        if (!document.parse(row.data)) continue;
        const auto found = time_in(document.root(), 5);
        if (found)
            return *found - std::chrono::duration_cast<std::chrono::microseconds>(row.at).count();
    }
    return kFallback;
}

}  // namespace anode::app
