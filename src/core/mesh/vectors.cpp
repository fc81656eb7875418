#include "core/mesh/vectors.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "base/varint.hpp"

namespace anode::mesh {
namespace {

constexpr std::size_t kAllUpTo = 512;
constexpr Duration kLately = 10s, kStartsEvery = 5s, kPump = 10ms, kFarAhead = 5s;
constexpr std::size_t kFrameBytes = 256 * 1024, kUnsentMax = 1024 * 1024;
constexpr std::size_t kRowBytes = LogKey::kBytes + 40, kGapBytes = 20;
constexpr std::size_t kGapsMax = 33;
constexpr std::uint16_t kChanged = 0xFFFF;
constexpr Seq kLeapMax = Seq{1} << 40;

std::size_t bucket_of(const LogKey& log) {
    Bytes key;
    log.append_to(key);
    return hash64(key) >> 56;
}

std::uint64_t sum_of(const LogState& state) {
    Bytes flat;
    state.log().append_to(flat);
    put_le(flat, state.head());
    for (const SeqRange& hole : holding_of(state).lacks.ranges()) {
        put_le(flat, hole.first);
        put_le(flat, hole.last);
    }
    return hash64(flat);
}

frames::Vector::Row row_of(const LogState& state) {
    Holding holding = holding_of(state);
    frames::Vector::Row row{state.log(),  holding.lowest,   state.watermark(),
                            state.head(), state.last_hlc(), holding.lacks.ranges()};
    // More holes than fit: the oldest become one, which claims less than there is.
    if (row.gaps.size() > kGapsMax) {
        const auto surplus = static_cast<std::ptrdiff_t>(row.gaps.size() - kGapsMax);
        row.gaps[static_cast<std::size_t>(surplus)].first = row.gaps.front().first;
        row.gaps.erase(row.gaps.begin(), row.gaps.begin() + surplus);
    }
    return row;
}

}  // namespace

bool Vectors::lately(const LogEntry& entry) const {
    const Instant since = shared_.now.mono - kLately;
    // What lay in the store at the start counts as old: nothing came for it yet.
    if (entry.rate_head != 0 && entry.head_at > since) return true;
    const auto touched = touched_.find(entry.log());
    return touched != touched_.end() && touched->second > since;
}

Vectors::Sums Vectors::sums_now() const {
    Sums sums{};
    for (const auto& [log, entry] : shared_.logs.all())
        if (entry->state.head() != 0 && !lately(*entry))
            sums[bucket_of(log)] += sum_of(entry->state);
    return sums;
}

void Vectors::begin(Link& link, bool sums) {
    const auto old = exchanges_.find(link.id);
    if (old != exchanges_.end() && !old->second.over && shared_.now.mono < old->second.began + 60s)
        return;
    Exchange& exchange = exchanges_[link.id] = Exchange{};
    exchange.began = shared_.now.mono;
    if (sums || shared_.logs.size() > kAllUpTo) {
        send_root(link, exchange);
    } else {
        for (const auto& [log, entry] : shared_.logs.all())
            if (entry->state.head() != 0) exchange.queue.emplace_back(kChanged, log);
        exchange.closing = true;
    }
    pump(link, exchange);
}

void Vectors::send_root(Link& link, Exchange& exchange) {
    exchange.sums = sums_now();
    frames::VectorRoot root;
    root.buckets.assign(exchange.sums->begin(), exchange.sums->end());
    shared_.send(link, root);
    if (exchange.closing) return;  // all of them are listed already
    for (const auto& [log, entry] : shared_.logs.all())
        if (entry->state.head() != 0 && lately(*entry)) exchange.queue.emplace_back(kChanged, log);
}

void Vectors::on_root(Link& link, const frames::VectorRoot& frame) {
    if (link.purpose == Purpose::Bulk || frame.buckets.size() != kBuckets) return;
    auto at = exchanges_.find(link.id);
    if (at == exchanges_.end() || at->second.over || at->second.answered) {
        // The peer starts anew; not too often, since every exchange costs us a walk over all logs.
        if (at != exchanges_.end() && shared_.now.mono < at->second.began + kStartsEvery) return;
        at = exchanges_.insert_or_assign(link.id, Exchange{}).first;
        at->second.began = shared_.now.mono;
    }
    Exchange& exchange = at->second;
    exchange.answered = true;
    if (!exchange.sums) send_root(link, exchange);
    const bool listed = exchange.closing;
    exchange.closing = true;
    std::vector<std::pair<LogKey, Seq>> same;
    for (const auto& [log, entry] : shared_.logs.all()) {
        if (entry->state.head() == 0) continue;
        const std::size_t bucket = bucket_of(log);
        if (frame.buckets[bucket] != (*exchange.sums)[bucket]) {
            if (!listed) exchange.queue.emplace_back(static_cast<std::uint16_t>(bucket), log);
        } else if (!lately(*entry)) {
            // Equal sums say as much as the row would: the peer's log is as ours.
            holders_.note_equal(link, *entry);
            same.emplace_back(log, entry->state.head());
        }
    }
    std::ranges::sort(exchange.queue);
    if (link.purpose == Purpose::Main)
        for (const auto& [log, head] : same) port_.heard(link, log, head);
    pump(link, exchange);
}

void Vectors::pump(Link& link, Exchange& exchange) {
    while (!exchange.sent && link.unsent < kUnsentMax && link.ready()) {
        frames::Vector frame;
        std::size_t bytes = 0;
        if (!exchange.queue.empty())
            frame.bucket = exchange.queue.front().first;
        else
            frame.bucket = kChanged;
        while (!exchange.queue.empty() && bytes < kFrameBytes &&
               exchange.queue.front().first == frame.bucket) {
            const LogEntry* entry = shared_.logs.find(exchange.queue.front().second);
            exchange.queue.pop_front();
            if (entry == nullptr) continue;
            frame.rows.push_back(row_of(entry->state));
            bytes += kRowBytes + kGapBytes * frame.rows.back().gaps.size();
        }
        frame.last = exchange.closing && exchange.queue.empty();
        if (!frame.rows.empty() || frame.last) shared_.send(link, frame);
        exchange.sent = frame.last;
        if (exchange.queue.empty() && !exchange.closing) return;
    }
    if (!exchange.queue.empty()) pump_at_ = std::min(pump_at_, shared_.now.mono + kPump);
    finish(link, exchange);
}

void Vectors::on_vector(Link& link, const frames::Vector& frame) {
    if (link.purpose == Purpose::Bulk) return;
    const auto at = exchanges_.find(link.id);
    const bool open = at != exchanges_.end() && !at->second.over;
    for (const auto& row : frame.rows)
        if (!take_row(link, open ? &at->second : nullptr, row)) return;
    if (!open || !frame.last) return;
    at->second.got = true;
    finish(link, at->second);
}

/// False: the row broke the protocol, and the link is over.
bool Vectors::take_row(Link& link, Exchange* exchange, const frames::Vector::Row& row) {
    LogEntry* entry = shared_.logs.find(row.log);
    const Seq ours = entry != nullptr ? entry->state.head() : 0;
    if (row.head > ours + kLeapMax) {
        port_.accuse(link, frames::error_code::kFarAhead,
                     {Errc::Malformed, "vector: head far ahead"});
        return false;
    }
    if (exchange != nullptr) {
        ++exchange->compared.logs;
        const WallTime known = entry != nullptr ? entry->state.last_hlc().micros()
                                                : shared_.now.wall - 2 * (kFarAhead / 1us);
        if (row.head > ours && row.last.micros() > known + kFarAhead / 1us)
            ++exchange->compared.ahead;
    }
    if (row.head == 0) return true;
    if (link.purpose == Purpose::Main) {
        port_.heard(link, row.log, row.head);
        if (link.state == Link::State::Closing) return false;
        entry = shared_.logs.find(row.log);
    } else if (entry == nullptr) {
        const bool ours_now =
            row.log.node == shared_.config.node && row.log.epoch == shared_.config.epoch;
        if (ours_now || row.log.lane > 15 || shared_.logs.refused(row.log, shared_.now.mono) ||
            !shared_.room_for(row.log))
            return true;
        entry = &shared_.logs.add(row.log);
    }
    if (entry != nullptr) holders_.note(link, *entry, row);
    return true;
}

void Vectors::finish(Link& link, Exchange& exchange) {
    if (exchange.over || !exchange.sent || !exchange.got) return;
    exchange.over = true;
    const Compared compared = exchange.compared;
    if (link.purpose == Purpose::Main && link.state == Link::State::Sync) port_.sync_done(link);
    done_(link, compared);
}

void Vectors::tick() {
    std::erase_if(touched_,
                  [&](const auto& one) { return one.second + kLately <= shared_.now.mono; });
    if (shared_.now.mono < pump_at_) return;
    pump_at_ = kNever;
    std::vector<LinkId> waiting;
    for (const auto& [id, exchange] : exchanges_)
        if (!exchange.queue.empty()) waiting.push_back(id);
    for (const LinkId id : waiting) {
        Link* link = shared_.links.find(id);
        const auto at = exchanges_.find(id);
        if (at == exchanges_.end()) continue;
        if (link == nullptr || !link->ready())
            exchanges_.erase(at);
        else
            pump(*link, at->second);
    }
}

}  // namespace anode::mesh
