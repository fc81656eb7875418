#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.hpp"
#include "core/source/probe_parts.hpp"
#include "core/source/rows.hpp"
#include "core/source/source_time.hpp"

/// From frames of one kind to rows, and from rows to what their fields mean.
namespace anode::source::probing {

namespace {

constexpr int kDepthMax = 3;
constexpr std::size_t kDistinctMax = 5000;
constexpr std::size_t kFieldsMax = 200;
constexpr std::size_t kRowsMax = 5000;
constexpr WallTime kNear = 10ll * 60 * 1'000'000;
constexpr WallTime kPast = 400ll * 24 * 3600 * 1'000'000;
constexpr WallTime kFuture = 24ll * 3600 * 1'000'000;

bool among(std::string_view word, std::initializer_list<std::string_view> words) {
    return std::ranges::find(words, word) != words.end();
}
std::string_view last_step(std::string_view path) { return path.substr(path.rfind('.') + 1); }

bool sounds_like_time(std::string_view name) {
    const std::string lower = text::lower(name);
    return among(lower, {"t", "e", "ts", "at", "date", "updated", "created"}) ||
           lower.find("time") != std::string::npos || lower.ends_with("_at") ||
           lower.ends_with("_ts");
}
bool sounds_like_id(std::string_view name) {
    const std::string lower = text::lower(name);
    return among(lower, {"id", "uuid", "guid", "seq", "sequence", "a", "u", "t", "i", "hash", "cid",
                         "rkey", "tradeid", "orderid", "eventid", "msgid"}) ||
           name.ends_with("Id") || name.ends_with("ID") || name.ends_with("_id") ||
           name.ends_with("-id") || lower.find("sequence") != std::string::npos;
}
bool sounds_like_key(std::string_view name) {
    const std::string lower = text::lower(name);
    return among(lower, {"s",
                         "symbol",
                         "sym",
                         "pair",
                         "instid",
                         "inst_id",
                         "product_id",
                         "market",
                         "ticker",
                         "coin",
                         "base",
                         "code",
                         "station",
                         "city",
                         "sensor",
                         "device",
                         "deviceid",
                         "device_id",
                         "mmsi",
                         "vessel",
                         "room",
                         "user",
                         "wiki",
                         "name",
                         "currency_pair",
                         "contract",
                         "instrument",
                         "instrument_name",
                         "did",
                         "host",
                         "peer",
                         "icao24"});
}
bool sounds_like_side(std::string_view name) {
    return among(text::lower(name), {"side", "m", "maker_side", "taker_side", "direction", "type",
                                     "event", "e", "kind", "action", "op", "status"});
}

bool plain_name(std::string_view name) {
    return !name.empty() && name.size() <= 60 && std::ranges::all_of(name, [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '_' || c == '-';
    });
}

// -- rows -----------------------------------------------------------------------------------------------

/// The width of a list of rows that are lists of single values; 0: it is none.
std::uint32_t width_of(const json::Value& array) {
    const json::Value head = array.first();
    if (!head.is_array() || head.size() < 3) return 0;
    for (json::Value row = head; row; row = row.next_in(array)) {
        if (!row.is_array() || row.size() != head.size()) return 0;
        for (json::Value v = row.first(); v; v = v.next_in(row))
            if (v.is_object() || v.is_array()) return 0;
    }
    return head.size();
}
bool all_objects(const json::Value& array) {
    for (json::Value v = array.first(); v; v = v.next_in(array))
        if (!v.is_object()) return false;
    return array.size() > 0;
}

struct Collectors {
    std::map<std::string, RowsCandidate> found;
    double whole = 1;

    static bool inside_list(std::string_view path) {
        return !path.empty() && path.find_first_not_of("0123456789") == std::string_view::npos;
    }
    void offer(const std::string& path, const json::Value& value) {
        const double share = static_cast<double>(value.raw().size()) / whole;
        RowsCandidate* candidate = nullptr;
        if (value.is_array()) {
            const std::uint32_t width = width_of(value);
            if (width == 0 && !all_objects(value)) return;
            candidate = &found.try_emplace(path).first->second;
            candidate->exploded = true;
            candidate->positional = width > 0;
            candidate->columns = width;
            candidate->rows += value.size();
        } else {
            if (!is_envelope(path) && !inside_list(path)) return;
            candidate = &found.try_emplace(path).first->second;
            ++candidate->rows;
        }
        candidate->path = path;
        candidate->share += share;
    }
    /// Objects under these names hold the message; under others they are a part of it.
    static bool is_envelope(std::string_view path) {
        return among(last_step(path),
                     {"data", "payload", "result", "message", "msg", "content", "body", "params",
                      "tick", "item", "value", "update", "details"});
    }
    void walk(const json::Value& value, const std::string& path, int depth) {
        if (!path.empty() || value.is_array()) offer(path, value);
        if (depth == 0) return;
        if (value.is_array() && path.empty() && !all_objects(value) && width_of(value) == 0) {
            std::uint32_t index = 0;
            for (json::Value v = value.first(); v && index < 10; v = v.next_in(value), ++index)
                if (v.is_array() || v.is_object()) walk(v, std::to_string(index), depth - 1);
        }
        if (!value.is_object()) return;
        for (json::Value member = value.first(); member; member = member.next_in(value)) {
            const std::string name = member.name();
            if ((member.is_object() || member.is_array()) && plain_name(name))
                walk(member, path.empty() ? name : path + "." + name, depth - 1);
        }
    }
};

// -- fields ---------------------------------------------------------------------------------------------

TimeUnit unit_of(std::string_view text) {
    if (text.find(':') != std::string_view::npos) return TimeUnit::Rfc3339;
    const std::size_t digits = text.substr(0, text.find('.')).size();
    if (digits <= 10) return TimeUnit::Seconds;
    if (digits <= 13) return TimeUnit::Millis;
    return digits <= 16 ? TimeUnit::Micros : TimeUnit::Nanos;
}

class Survey {
public:
    explicit Survey(WallTime began) : began_(began) {}

    void row(const json::Value& row, WallTime arrival) {
        arrival_ = arrival;
        ++rows_;
        if (!row.is_array()) return walk(row, {}, kDepthMax);
        std::uint32_t column = 0;
        for (json::Value v = row.first(); v; v = v.next_in(row))
            note("c" + std::to_string(column++), v);
    }
    /// What stands in the frame beside the rows, for the row just seen.
    void beside(const json::Value& frame) {
        if (!frame.is_object()) return;
        for (json::Value member = frame.first(); member; member = member.next_in(frame)) {
            const std::string name = member.name();
            const auto known = fields_.find(name);
            if (!plain_name(name) || (known != fields_.end() && !known->second.parent)) continue;
            note(name, member);
            if (const auto noted = fields_.find(name); noted != fields_.end())
                noted->second.parent = true;
        }
    }
    [[nodiscard]] std::uint64_t rows() const noexcept { return rows_; }
    [[nodiscard]] const std::map<std::string, Field>& fields() const noexcept { return fields_; }

private:
    void walk(const json::Value& object, const std::string& path, int depth) {
        if (!object.is_object()) return;
        for (json::Value member = object.first(); member; member = member.next_in(object)) {
            const std::string name = member.name();
            if (!plain_name(name)) continue;
            const std::string here = path.empty() ? name : path + "." + name;
            if (member.is_object() && depth > 1)
                walk(member, here, depth - 1);
            else
                note(here, member);
        }
    }
    void note(const std::string& path, const json::Value& value) {
        if (value.is_object() || value.is_array() || value.is_null() || value.is_bool()) return;
        if (fields_.size() >= kFieldsMax && !fields_.contains(path)) return;
        Field& field = fields_[path];
        const std::string text = value.scalar().value_or("");
        field.path = path;
        ++field.present;
        if (field.distinct.size() < kDistinctMax) field.distinct.insert(text.substr(0, 256));
        if (field.example.empty()) field.example = text.substr(0, 64);
        const auto number = text::parse_i64(text);
        field.fraction = field.fraction || (!number && text.find('.') != std::string::npos &&
                                            text::parse_double(text));
        field.integer = field.integer && number.has_value();
        field.text = field.text && value.is_string() && !text::parse_double(text);
        field.long_text =
            field.long_text || text.size() > 64 || text.find(' ') != std::string::npos;
        if (number && field.last && *number != *field.last + 1) field.one_by_one = false;
        if (!number) field.one_by_one = false;
        field.last = number;
        time(field, text);
    }
    void time(Field& field, const std::string& text) {
        const bool written = text.size() >= 16 && text.find(':') != std::string::npos &&
                             text.find('-') != std::string::npos;
        const bool numbered =
            text.size() >= 10 && text.size() <= 26 && text::parse_double(text).has_value();
        if (!written && !numbered) return;
        const auto time = parse_source_time(text, TimeUnit::Auto);
        if (!time || *time < began_ - kPast || *time > began_ + kFuture) return;
        ++field.times;
        field.unit = unit_of(text);
        if (std::abs(*time - arrival_) < kNear) ++field.near_arrival;
    }

    WallTime began_, arrival_ = 0;
    std::uint64_t rows_ = 0;
    std::map<std::string, Field> fields_;
};

bool is_time(const Field& field, std::uint64_t rows) {
    return field.times * 100 >= field.present * 95 && field.present * 2 >= rows &&
           (field.near_arrival * 2 > field.present || sounds_like_time(last_step(field.path)) ||
            field.unit == TimeUnit::Rfc3339);
}

std::string of_rows(std::uint64_t n) { return std::to_string(n) + (n == 1 ? " row" : " rows"); }

void consider_time(const Field& field, std::uint64_t rows, std::vector<Candidate>& out) {
    if (!is_time(field, rows)) return;
    Candidate found{field.path, {}, 0, field.unit, field.parent};
    const bool near = field.near_arrival * 2 > field.present;
    found.score = (near ? 4 : 0) + (sounds_like_time(last_step(field.path)) ? 2 : 0) +
                  (field.distinct.size() > 1 ? 1 : 0) + (field.present == rows ? 1 : 0);
    found.reason = near ? "close to the time of arrival in " + of_rows(field.near_arrival)
                        : "a time in the past in " + of_rows(field.times);
    found.reason += "; " + std::string(unit_name(field.unit)) +
                    (field.unit == TimeUnit::Rfc3339 ? " by its look" : " by its digits") +
                    ", as in " + field.example;
    out.push_back(std::move(found));
}

void consider_id(const Field& field, std::uint64_t rows, std::vector<Candidate>& out) {
    if (rows < 3 || field.present != rows || field.distinct.size() != rows || field.fraction)
        return;
    const std::string_view step = last_step(field.path);
    const bool named = sounds_like_id(step);
    if (is_time(field, rows) && !(named && (!sounds_like_time(step) || field.one_by_one))) return;
    if (field.long_text && !named) return;
    Candidate found{field.path, "different in each of " + of_rows(rows), 0, {}, field.parent};
    found.score = (named ? 4 : 0) + (field.one_by_one ? 3 : 0) +
                  (field.path.find('.') == std::string::npos ? 1 : 0);
    if (field.one_by_one) found.reason += ", each one above the last";
    if (named) found.reason += ", and named like an id";
    if (found.score > 1) out.push_back(std::move(found));
}

void consider_key(const Field& field, std::uint64_t rows, std::vector<Candidate>& out) {
    const std::string_view step = last_step(field.path);
    const bool named = sounds_like_key(step);
    if (field.long_text || field.present != rows || sounds_like_side(step) || is_time(field, rows))
        return;
    if (!field.text && !(field.integer && named)) return;
    const std::size_t values = field.distinct.size();
    const bool repeats = values * 2 <= rows;
    if (!named && (!repeats || values < 3)) return;
    if (named && values == rows && (rows >= 10 || (rows > 4 && !field.text))) return;
    Candidate found{field.path, {}, 0, {}, field.parent};
    found.score = (named ? 4 : 0) + (repeats && values > 1 ? 2 : 0) +
                  (field.path.find('.') == std::string::npos ? 1 : 0);
    found.reason = std::to_string(values) + (values == 1 ? " value" : " values") + " in " +
                   of_rows(rows) + ", such as " + field.example;
    if (named) found.reason += "; named like an entity";
    out.push_back(std::move(found));
}

void best_first(std::vector<Candidate>& candidates) {
    std::ranges::sort(candidates, [](const Candidate& a, const Candidate& b) {
        return std::tie(b.score, a.path) < std::tie(a.score, b.path);
    });
    if (candidates.size() > 5) candidates.resize(5);
}

template <class Visit>
void each_row(const Kind& kind, const RowsCandidate& rows, const Visit& visit) {
    const auto path = expr::Path::parse(rows.path);
    std::vector<json::Value> found;
    for (const ReadFrame* frame : kind.frames) {
        found.clear();
        if (path && (rows.exploded || !rows.path.empty()))
            (void)collect(*path, rows.positional ? Ends::Positional : Ends::Rows,
                          frame->document.root(), found, kRowsMax);
        else
            found.push_back(frame->document.root());
        for (const json::Value& row : found) visit(row, *frame);
    }
}

/// A number that rises by one within each key.
std::optional<Candidate> find_counter(const Kind& kind, const RowsCandidate& rows,
                                      const Survey& survey, const std::string& key) {
    for (const auto& [path, field] : survey.fields()) {
        if (!field.integer || field.parent || field.present != survey.rows() ||
            field.times == field.present || field.distinct.size() < 3)
            continue;
        if (field.one_by_one) return Candidate{path, "rises by one from row to row", 2, {}};
        if (key.empty() || rows.positional || survey.fields().at(key).parent) continue;
        const auto at = expr::Path::parse(path), by = expr::Path::parse(key);
        std::map<std::string, std::int64_t> last;
        std::uint64_t steps = 0;
        bool good = true;
        each_row(kind, rows, [&](const json::Value& row, const ReadFrame&) {
            const auto number = text::parse_i64(at->get(row).scalar().value_or(""));
            const std::string entity = by->get(row).scalar().value_or("");
            if (!number) return void(good = false);
            const auto [before, fresh] = last.try_emplace(entity, *number);
            if (!fresh) {
                good = good && *number == before->second + 1;
                before->second = *number;
                ++steps;
            }
        });
        if (good && steps >= 5)
            return Candidate{
                path,
                "rises by one within each " + key + ", " + std::to_string(steps) + " times",
                1,
                {}};
    }
    return std::nullopt;
}

}  // namespace

std::string_view unit_name(TimeUnit unit) noexcept {
    switch (unit) {
        case TimeUnit::Seconds:
            return "s";
        case TimeUnit::Millis:
            return "ms";
        case TimeUnit::Micros:
            return "us";
        case TimeUnit::Nanos:
            return "ns";
        case TimeUnit::Rfc3339:
            return "rfc3339";
        case TimeUnit::Auto:
            break;
    }
    return "auto";
}

std::vector<RowsCandidate> find_rows(const Kind& kind) {
    Collectors collectors;
    std::uint64_t frames = 0;
    for (const ReadFrame* frame : kind.frames) {
        if (!frame->json) continue;
        ++frames;
        collectors.whole = static_cast<double>(std::max<std::size_t>(1, frame->text.size()));
        collectors.walk(frame->document.root(), {}, kDepthMax);
    }
    std::vector<RowsCandidate> all;
    for (auto& [path, candidate] : collectors.found) {
        candidate.share /= static_cast<double>(std::max<std::uint64_t>(1, frames));
        const std::string percent =
            std::to_string(static_cast<int>(candidate.share * 100)) + " % of the bytes";
        if (candidate.positional)
            candidate.reason =
                "lists of " + std::to_string(candidate.columns) + " values, " + percent;
        else if (candidate.exploded)
            candidate.reason = "a list of objects, " + of_rows(candidate.rows) + ", " + percent;
        else
            candidate.reason = "an object, " + percent;
        if (candidate.share >= 0.4) all.push_back(std::move(candidate));
    }
    RowsCandidate whole;
    whole.rows = frames;
    whole.share = 1;
    whole.reason = "the frame itself";
    if (kind.frames.front()->json && kind.frames.front()->document.root().is_array()) {
        const json::Value root = kind.frames.front()->document.root();
        whole.positional = true;
        whole.columns = root.size();
    }
    // A list beats an object, the outermost of its sort beats what it holds, the frame comes last.
    std::ranges::sort(all, [](const RowsCandidate& a, const RowsCandidate& b) {
        if (a.exploded != b.exploded) return a.exploded;
        return std::pair(a.path.size(), a.path) < std::pair(b.path.size(), b.path);
    });
    const bool listed =
        std::ranges::any_of(all, [](const RowsCandidate& one) { return one.path.empty(); });
    if (!listed) all.push_back(std::move(whole));
    return all;
}

Fields find_fields(const Kind& kind, const RowsCandidate& rows, WallTime began) {
    Survey survey(began);
    each_row(kind, rows, [&](const json::Value& row, const ReadFrame& frame) {
        const auto since =
            std::chrono::duration_cast<std::chrono::microseconds>(frame.frame->at).count();
        if (survey.rows() >= kRowsMax) return;
        survey.row(row, began + since);
        if (!rows.path.empty()) survey.beside(frame.document.root());
    });
    Fields found;
    found.rows = survey.rows();
    for (const auto& [path, field] : survey.fields()) {
        consider_time(field, survey.rows(), found.time);
        consider_id(field, survey.rows(), found.id);
        consider_key(field, survey.rows(), found.key);
    }
    // What is unique and named like an id is no time where there is another.
    const auto is_id = [&](const Candidate& time) {
        return std::ranges::any_of(found.id,
                                   [&](const Candidate& id) { return id.path == time.path; });
    };
    if (!std::ranges::all_of(found.time, is_id)) std::erase_if(found.time, is_id);
    best_first(found.time);
    best_first(found.id);
    best_first(found.key);
    found.counter = find_counter(kind, rows, survey,
                                 found.key.empty() ? std::string() : found.key.front().path);
    return found;
}

}  // namespace anode::source::probing
