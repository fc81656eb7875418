#include "store/rocksdb/log_index.hpp"

#include <algorithm>

#include "base/varint.hpp"

namespace anode::rocks {
namespace {

void join(std::vector<std::pair<Seq, Seq>>& ranges, Seq first, Seq last) {
    ranges.emplace_back(first, last);
    std::ranges::sort(ranges);
    std::vector<std::pair<Seq, Seq>> joined;
    for (const auto& [from, to] : ranges) {
        if (!joined.empty() && from <= joined.back().second + 1)
            joined.back().second = std::max(joined.back().second, to);
        else
            joined.emplace_back(from, to);
    }
    ranges = std::move(joined);
}

Bytes encode_ranges(const std::vector<std::pair<Seq, Seq>>& ranges) {
    Bytes row;
    put_varint(row, ranges.size());
    for (const auto& [first, last] : ranges) {
        put_varint(row, first);
        put_varint(row, last - first);
    }
    return row;
}

}  // namespace

// -- rows -----------------------------------------------------------------------------------------

Bytes LogIndex::encode(const std::vector<Run>& runs) {
    Bytes row;
    put_varint(row, runs.size());
    for (const Run& run : runs) {
        run.log.append_to(row);
        put_le(row, run.first_hlc.value);
        put_le(row, run.last_hlc.value);
        put_varint(row, run.places.size());
        put_varint(row, run.first());
        std::uint64_t arrival = 0;
        for (const Place& place : run.places) {
            put_varint(row, place.count);
            put_varint(row, place.arrival.value - arrival);
            arrival = place.arrival.value;
        }
    }
    return row;
}

Result<std::vector<LogIndex::Run>> LogIndex::decode(BytesView row) {
    const auto damaged = [] { return fail(Errc::Corrupt, "damaged index row: logs of a segment"); };
    ByteReader in(row);
    const auto count = in.varint();
    if (!count || *count > row.size()) return damaged();
    std::vector<Run> runs;
    for (std::uint64_t i = 0; i < *count; ++i) {
        const auto key = in.take(LogKey::kBytes);
        const auto log = key ? LogKey::from(*key) : std::nullopt;
        const auto first_hlc = in.le<std::uint64_t>();
        const auto last_hlc = in.le<std::uint64_t>();
        const auto places = in.varint();
        const auto first = in.varint();
        if (!log || !first_hlc || !last_hlc || !places || !first || *places == 0 ||
            *places > in.rest().size())
            return damaged();
        Run run{*log, {*first_hlc}, {*last_hlc}, {}};
        Seq next = *first;
        std::uint64_t arrival = 0;
        for (std::uint64_t p = 0; p < *places; ++p) {
            const auto entries = in.varint();
            const auto step = in.varint();
            if (!entries || !step || *entries == 0 || *entries > kBlockEntriesMax) return damaged();
            arrival += *step;
            run.places.push_back({next, static_cast<std::uint32_t>(*entries), {arrival}});
            next += *entries;
        }
        runs.push_back(std::move(run));
    }
    return runs;
}

// -- changes --------------------------------------------------------------------------------------

void LogIndex::add(const Block& block) {
    auto& open = logs_[block.log()].open;
    const Place place{block.first_seq(), block.count(), block.first_arrival()};
    if (open.empty() || open.back().last() + 1 != place.first)
        open.push_back({block.log(), block.first_hlc(), {}, {}});
    open.back().places.push_back(place);
    open.back().last_hlc = block.last_hlc();
}

std::vector<LogIndex::Run> LogIndex::open_runs() const {
    std::vector<Run> runs;
    for (const auto& [key, log] : logs_) runs.insert(runs.end(), log.open.begin(), log.open.end());
    return runs;
}

void LogIndex::close(Arrival segment) {
    const std::vector<Run> runs = open_runs();
    for (auto& [key, log] : logs_) log.open.clear();
    load(segment, runs);
}

void LogIndex::load(Arrival segment, const std::vector<Run>& runs) {
    for (const Run& run : runs)
        logs_[run.log].closed.insert_or_assign(
            run.first(), Closed{run.last(), segment, run.first_hlc, run.last_hlc});
}

void LogIndex::load_gone(const LogKey& key, BytesView row) {
    ByteReader in(row);
    const auto count = in.varint();
    for (std::uint64_t i = 0; count && i < *count; ++i) {
        const auto first = in.varint();
        const auto length = in.varint();
        if (!first || !length) return;
        join(logs_[key].gone, *first, *first + *length);
    }
}

std::vector<std::pair<LogKey, Bytes>> LogIndex::free(Arrival segment) {
    std::vector<std::pair<LogKey, Bytes>> rows;
    for (auto& [key, log] : logs_) {
        bool touched = false;
        for (auto run = log.closed.begin(); run != log.closed.end();) {
            if (run->second.segment != segment) {
                ++run;
                continue;
            }
            join(log.gone, run->first, run->second.last);
            run = log.closed.erase(run);
            touched = true;
        }
        if (touched) rows.emplace_back(key, encode_ranges(log.gone));
    }
    return rows;
}

// -- reading --------------------------------------------------------------------------------------

std::vector<LogHolding> LogIndex::holdings() const {
    std::vector<LogHolding> all;
    for (const auto& [key, log] : logs_) {
        LogHolding holding{.log = key, .had = log.gone};
        holding.lowest = ~Seq{0};
        const auto add = [&](Seq first, Seq last, Hlc from, Hlc to) {
            join(holding.had, first, last);
            holding.lowest = std::min(holding.lowest, first);
            if (holding.first_hlc.value == 0 || from < holding.first_hlc) holding.first_hlc = from;
            holding.last_hlc = std::max(holding.last_hlc, to);
        };
        for (const auto& [first, run] : log.closed)
            add(first, run.last, run.first_hlc, run.last_hlc);
        for (const Run& run : log.open) add(run.first(), run.last(), run.first_hlc, run.last_hlc);
        if (holding.had.empty()) continue;
        if (holding.lowest == ~Seq{0}) holding.lowest = holding.had.back().second + 1;
        all.push_back(std::move(holding));
    }
    return all;
}

std::optional<LogIndex::Where> LogIndex::find(const LogKey& key, Seq seq) const {
    const auto found = logs_.find(key);
    if (found == logs_.end()) return std::nullopt;
    const Log& log = found->second;
    // The nearest run that ends at or behind `seq`, closed or open.
    auto closed = log.closed.upper_bound(seq);
    if (closed != log.closed.begin() && std::prev(closed)->second.last >= seq) --closed;
    const Run* open = nullptr;
    for (const Run& run : log.open)
        if (run.last() >= seq && (open == nullptr || run.first() < open->first())) open = &run;
    if (closed != log.closed.end() && (open == nullptr || closed->first < open->first()))
        return Where{closed->second.segment, {}};
    if (open == nullptr) return std::nullopt;
    Where where;
    for (const Place& place : open->places)
        if (place.first + place.count > seq) where.places.push_back(place);
    return where;
}

}  // namespace anode::rocks
