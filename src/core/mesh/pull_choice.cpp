#include <algorithm>
#include <tuple>

#include "core/mesh/pull_client.hpp"

/// What to ask for next, and whom.
namespace anode::mesh {
namespace {

constexpr double kEntryBytesGuess = 256;
constexpr std::size_t kUnitEntriesMax = 1 << 20, kRangesMax = 64;
constexpr Duration kOrderLasts = 1s;

std::uint64_t count_of(SeqRange range) { return range.last - range.first + 1; }

/// The highest `entries` sequences of the ranges.
std::vector<SeqRange> newest_of(const std::vector<SeqRange>& parts, std::size_t entries) {
    std::vector<SeqRange> chosen;
    std::uint64_t left = entries;
    for (auto part = parts.rbegin(); part != parts.rend() && left > 0 && chosen.size() < kRangesMax;
         ++part) {
        const std::uint64_t taken = std::min(left, count_of(*part));
        chosen.push_back({part->last - taken + 1, part->last});
        left -= taken;
    }
    std::ranges::reverse(chosen);
    return chosen;
}

}  // namespace

std::vector<PullClient::Source> PullClient::sources() {
    std::vector<Source> found;
    for (const auto& [id, link] : shared_.links.all()) {
        const bool audit = link->purpose == Purpose::Audit && link->ready();
        if (!link->live() && !audit) continue;
        const auto same = std::ranges::find_if(
            found, [&](const Source& one) { return one.link->peer == link->peer; });
        // A peer that was visited and became a neighbour meanwhile is still who was asked for the ends of logs.
        if (same == found.end())
            found.push_back({link.get(), audit});
        else
            same->tail |= audit;
    }
    return found;
}

std::vector<PullClient::Source> PullClient::free_sources() {
    std::vector<Source> found = sources();
    std::erase_if(found, [&](const Source& one) {
        if (units_.contains(one.link->peer)) return true;
        const auto standing = standings_.find(one.link->peer);
        return standing != standings_.end() && shared_.now.mono < standing->second.not_before;
    });
    return found;
}

void PullClient::sort_logs() {
    if (shared_.now.mono < order_until_) return;
    order_until_ = shared_.now.mono + kOrderLasts;
    std::erase_if(holed_, [&](const LogKey& log) {
        const LogEntry* entry = shared_.logs.find(log);
        return entry == nullptr || entry->state.watermark() == entry->state.head();
    });
    order_.assign(holed_.begin(), holed_.end());
    std::erase_if(lost_, [&](const LogKey& log) {
        const LogEntry* entry = shared_.logs.find(log);
        return entry == nullptr || lost_of(entry->state).empty();
    });
    std::ranges::sort(order_, std::greater{}, [&](const LogKey& log) {
        return std::pair(shared_.logs.find(log)->state.last_hlc(), log);
    });
}

std::optional<PullClient::Choice> PullClient::choose() {
    const std::vector<Source> free = free_sources();
    if (free.empty()) return std::nullopt;
    sort_logs();
    for (const LogKey& log : order_) {
        LogEntry* entry = shared_.logs.find(log);
        if (entry == nullptr) continue;
        if (auto choice = choose_for(*entry, entry->state.missing(), free)) return choice;
    }
    for (const LogKey& log : lost_) {
        LogEntry* entry = shared_.logs.find(log);
        if (entry == nullptr) continue;
        if (auto choice = choose_for(*entry, lost_of(entry->state), free)) return choice;
    }
    return choose_tail(free);
}

/// The newest of a log's holes that somebody may fill, from the best of those who may.
std::optional<PullClient::Choice> PullClient::choose_for(LogEntry& entry,
                                                         const std::vector<SeqRange>& holes,
                                                         const std::vector<Source>& sources) {
    const RangeSet asked = in_flight(entry.log());
    for (auto hole = holes.rbegin(); hole != holes.rend(); ++hole) {
        const auto open = asked.missing_of(*hole);
        for (auto range = open.rbegin(); range != open.rend(); ++range) {
            Seq newest = 0;
            std::vector<Source> best;
            for (const Source& source : sources) {
                const auto parts = holders_.parts_of(source.link->peer, entry, *range);
                if (parts.empty() || parts.back().last < newest) continue;
                if (parts.back().last > newest) best.clear();
                newest = parts.back().last;
                best.push_back(source);
            }
            if (best.empty()) continue;
            const NodeId peer = best_of(entry, std::move(best)).link->peer;
            const auto parts = holders_.parts_of(peer, entry, *range);
            return Choice{peer, entry.log(), newest_of(parts, unit_entries(entry))};
        }
    }
    return std::nullopt;
}

/// What a stranger has behind our head comes from its low end, so that no holes arise.
std::optional<PullClient::Choice> PullClient::choose_tail(const std::vector<Source>& sources) {
    for (const Source& source : sources) {
        const auto tails = tails_.find(source.link->peer);
        if (!source.tail || tails == tails_.end()) continue;
        for (const LogKey& log : std::set<LogKey>(tails->second)) {
            LogEntry* entry = shared_.logs.find(log);
            const Seq head = entry != nullptr ? entry->state.head() : 0;
            const auto parts =
                entry == nullptr || entry->own()
                    ? std::vector<SeqRange>{}
                    : holders_.parts_of(source.link->peer, *entry, {head + 1, ~Seq{0}});
            if (parts.empty() || !in_flight(log).empty()) {
                if (parts.empty()) tails->second.erase(log);
                continue;
            }
            SeqRange unit = parts.front();
            unit.last = unit.first + std::min(count_of(unit), unit_entries(*entry)) - 1;
            return Choice{source.link->peer, log, {unit}};
        }
    }
    return std::nullopt;
}

/// Same zone, low load, not who feeds us the log just now, the origin last; dice among equals.
PullClient::Source PullClient::best_of(const LogEntry& entry, std::vector<Source> equals) {
    const auto rank = [&](const Source& source) {
        const Link& link = *source.link;
        return std::tuple(link.zone != shared_.config.zone, link.load / 64,
                          link.id == entry.tree.parent, link.peer == entry.log().node);
    };
    const auto best = rank(*std::ranges::min_element(equals, {}, rank));
    std::erase_if(equals, [&](const Source& one) { return rank(one) != best; });
    return equals[shared_.rng.below(equals.size())];
}

RangeSet PullClient::in_flight(const LogKey& log) const {
    RangeSet asked;
    for (const auto& [peer, unit] : units_)
        if (unit.log == log)
            for (const SeqRange& range : unit.ranges) asked.add(range);
    return asked;
}

std::size_t PullClient::unit_entries(const LogEntry& entry) const {
    const double bytes = entry.entry_bytes > 0 ? entry.entry_bytes : kEntryBytesGuess;
    const double entries = static_cast<double>(shared_.config.unit_bytes) / bytes;
    return static_cast<std::size_t>(std::clamp(entries, 1.0, static_cast<double>(kUnitEntriesMax)));
}

bool PullClient::could_fill() {
    if (!units_.empty()) return true;
    for (const Source& source : sources())
        if (could_fill_from(source.link->peer)) return true;
    return false;
}

std::string PullClient::unrest() {
    std::string text;
    for (const auto& [peer, unit] : units_) text += " a unit of " + peer.text() + ",";
    for (const Source& source : sources())
        if (const auto what = fills(source.link->peer); !what.empty())
            text += " " + std::string(what) + " of " + source.link->peer.text() + ",";
    return text;
}

std::string_view PullClient::fills(const NodeId& peer) {
    const auto may_have = [&](const LogEntry& entry, const std::vector<SeqRange>& holes) {
        return std::ranges::any_of(holes, [&](const SeqRange& hole) {
            return !holders_.parts_of(peer, entry, hole).empty();
        });
    };
    for (const LogKey& log : holed_)
        if (const LogEntry* entry = shared_.logs.find(log))
            if (may_have(*entry, entry->state.missing())) return "holes";
    for (const LogKey& log : lost_)
        if (const LogEntry* entry = shared_.logs.find(log))
            if (may_have(*entry, lost_of(entry->state))) return "what is lost";
    const auto tails = tails_.find(peer);
    return tails != tails_.end() && !tails->second.empty() ? "tails" : "";
}

/// Stamps rise in a log: what lies below a block that is older than the history asked for is older still.
void PullClient::before_join(LogEntry& entry, const WireBlock& block) {
    const std::int64_t age = shared_.now.wall - block.first_hlc.micros();
    if (age <= shared_.config.history / 1us) return;
    for (const SeqRange& hole : entry.state.missing())
        if (hole.last < block.first) port_.give_up(entry, hole, Skip::BeforeJoin);
}

}  // namespace anode::mesh
