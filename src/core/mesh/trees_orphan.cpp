#include <algorithm>
#include <utility>

#include "core/mesh/trees.hpp"

/// Logs without a parent, links that come and go, and the timers of trees.
namespace anode::mesh {
namespace {

constexpr Duration kQueryLongest = 30s;
constexpr Duration kGather = 2ms;              ///< answers to a query are compared for so long
constexpr std::size_t kReplyRowsMax = 20'000;  ///< of one frame
constexpr std::size_t kQuerySlack = 16;
constexpr std::uint8_t kSwitched = 1;

}  // namespace

void Trees::orphan(LogEntry& entry) {
    Tree& tree = entry.tree;
    if (tree.joining != kNoLink) return;
    tree.state = Tree::State::Orphan;
    if (tree.rooted) {
        tree.rooted = false;
        tell_depth(entry);
    }
    if (Link* link = candidate(entry, false, kNoLink))
        return join(entry, *link, frames::Why::LinkDown);
    query(entry);
}

/// Without a parent, or below one that has none.
bool Trees::seeks(const LogEntry& entry) {
    const Tree& tree = entry.tree;
    return tree.state == Tree::State::Orphan ||
           (tree.state == Tree::State::Attached && !tree.rooted && tree.joining == kNoLink);
}

void Trees::query(LogEntry& entry) {
    asked_ = true;
    for (const auto& [id, link] : shared_.links.all()) {
        if (!link->live()) continue;
        link->queries.push_back(shared_.alias(*link, entry));
        link->edge(entry.number).attached = false;  // what it says now counts
    }
    ask_later(entry);
}

/// Nothing more is written to a log that is over, so nobody is asked; but its origin may be back by then.
void Trees::ask_later(LogEntry& entry) {
    Tree& tree = entry.tree;
    // Whoever gets the first entry of an empty log will say so, but once only.
    const bool empty =
        entry.state.head() == 0 && std::ranges::none_of(shared_.links.all(), [&](const auto& one) {
            const Edge* edge = one.second->edge_if(entry.number);
            return edge != nullptr && edge->head != 0;
        });
    tree.query_at = empty ? kNever : shared_.now.mono + tree.query_delay;
    if (!empty) tree.query_delay = std::min<Duration>(2 * tree.query_delay, kQueryLongest);
    shared_.logs.arm(entry);
}

void Trees::begins(LogEntry& entry) {
    if (entry.tree.query_at == kNever && !entry.tree.fresh && seeks(entry)) ask_later(entry);
}

void Trees::flush() {
    if (!std::exchange(asked_, false)) return;
    for (const auto& [id, link] : shared_.links.all()) {
        if (link->queries.empty()) continue;
        std::ranges::sort(link->queries);
        link->queries.erase(std::ranges::unique(link->queries).begin(), link->queries.end());
        shared_.send(*link, frames::Query{std::move(link->queries)});
        link->queries.clear();
    }
}

void Trees::on_query(Link& link, const frames::Query& query) {
    // A log is asked for once, or twice in an unlucky moment: else a short question makes an answer without end.
    if (query.logs.size() > 2 * link.aliases.size() + kQuerySlack)
        return links_.accuse(link, frames::error_code::kProtocol,
                             {Errc::Malformed, "query: a log again and again"});
    frames::QueryReply reply;
    for (const frames::Alias lx : query.logs) {
        const auto at = link.aliases.find(lx);
        if (at == link.aliases.end())
            return links_.accuse(link, frames::error_code::kUnknownLog,
                                 {Errc::Malformed, "query: unknown log"});
        LogEntry* entry = shared_.logs.find(at->second.log);
        if (entry == nullptr) continue;
        // Who gets the log from the one who asks is no help to it.
        const bool attached = entry->own() || (entry->tree.state == Tree::State::Attached &&
                                               entry->tree.rooted && entry->tree.parent != link.id);
        reply.rows.push_back(
            {shared_.alias(link, *entry), entry->state.head(), entry->tree.depth, attached});
        if (reply.rows.size() < kReplyRowsMax) continue;
        shared_.send(link, reply);
        reply.rows.clear();
    }
    if (!reply.rows.empty()) shared_.send(link, reply);
}

void Trees::on_query_reply(Link& link, const frames::QueryReply& reply) {
    for (const auto& row : reply.rows) {
        const auto at = link.aliases.find(row.lx);
        if (at == link.aliases.end())
            return links_.accuse(link, frames::error_code::kUnknownLog,
                                 {Errc::Malformed, "query answer: unknown log"});
        LogEntry* entry = shared_.logs.find(at->second.log);
        if (entry == nullptr || entry->own()) continue;
        if (far(link, entry->state.head(), row.head)) return;
        Edge& edge = link.edge(entry->number);
        edge.known = true;
        edge.head = std::max(edge.head, row.head);
        edge.depth = row.depth;
        edge.attached = row.attached;
        if (seeks(*entry)) {
            if (candidate(*entry, true, kNoLink) == nullptr) continue;
            entry->tree.choose_at = std::min(entry->tree.choose_at, shared_.now.mono + kGather);
            shared_.logs.arm(*entry);
        } else {
            heard(link, entry->log(), {row.head, row.depth, row.attached, false, 0});
        }
    }
}

void Trees::link_sync(Link& link) {
    for (const auto& [log, entry] : shared_.logs.all()) {
        if (entry->state.head() == 0) continue;
        if (log.node == link.peer) digests_.acknowledge(*entry, false);
        if (!seeks(*entry) || entry->tree.fresh) continue;
        link.queries.push_back(shared_.alias(link, *entry));
        asked_ = true;
    }
}

/// New links do not disturb trees; but in a full mesh nobody is nearer than the origin itself.
void Trees::link_up(Link& link) {
    if (!shared_.full_mesh) return;
    for (const auto& [log, entry] : shared_.logs.all()) {
        if (log.node != link.peer || log.epoch != link.epoch) continue;
        const Tree& tree = entry->tree;
        if (tree.state != Tree::State::Attached || tree.parent == link.id ||
            tree.joining != kNoLink)
            continue;
        Edge& edge = link.edge(entry->number);
        if (counts(link, edge) && edge.head >= entry->state.head())
            join(*entry, link, frames::Why::Race);
    }
}

void Trees::link_down(Link& link) {
    streams_.link_down(link);
    std::vector<LogEntry*> lost;
    for (const auto& [log, entry] : shared_.logs.all()) {
        Tree& tree = entry->tree;
        const bool concerned = tree.parent == link.id || tree.joining == link.id;
        if (tree.joining == link.id) {
            tree.joining = kNoLink;
            tree.join_until = kNever;
        }
        if (tree.parent == link.id) set_parent(*entry, nullptr);
        if (concerned && tree.parent == kNoLink) lost.push_back(entry.get());
    }
    for (LogEntry* entry : lost) {
        orphan(*entry);
        shared_.logs.arm(*entry);
    }
}

void Trees::forget(LogEntry& entry) {
    for (const auto& [id, link] : shared_.links.all()) streams_.stop(*link, entry);
    if (entry.tree.parent != kNoLink) prune(entry, entry.tree.parent, kSwitched);
    set_parent(entry, nullptr);
    entry.tree.joining = kNoLink;
}

void Trees::tick() {
    while (LogEntry* entry = shared_.logs.take_due(shared_.now.mono)) {
        fire(*entry);
        shared_.logs.arm(*entry);
    }
}

void Trees::fire(LogEntry& entry) {
    Tree& tree = entry.tree;
    const Instant now = shared_.now.mono;
    if (now >= tree.hold_until) {
        tree.hold_until = kNever;
        tree.state = Tree::State::Orphan;
        if (Link* link = candidate(entry, true, kNoLink)) {
            join(entry, *link, frames::Why::Open);
            announce(entry, link->id);
        } else {
            query(entry);
        }
    }
    if (now >= tree.join_until) {
        tree.join_until = kNever;
        if (Link* link = shared_.links.find(tree.joining))
            refused(entry, *link, 1s);
        else
            tree.joining = kNoLink;
    }
    if (now >= tree.lag_until) fire_lag(entry);
    if (now >= tree.choose_at) {
        tree.choose_at = kNever;
        if (seeks(entry))
            if (Link* link = candidate(entry, true, kNoLink))
                join(entry, *link, frames::Why::Spread);
    }
    if (now >= tree.query_at) {
        tree.query_at = kNever;
        if (seeks(entry)) over(entry) ? ask_later(entry) : query(entry);
    }
}

void Trees::fire_lag(LogEntry& entry) {
    Tree& tree = entry.tree;
    tree.lag_until = kNever;
    if (tree.state != Tree::State::Attached && tree.state != Tree::State::Joining) return;
    const Seq head = entry.state.head();
    Link* ahead = candidate(entry, false, tree.joining);
    if (head >= tree.lag_target) {
        if (ahead != nullptr) arm_lag(entry, ahead->edge(entry.number).head);
        return;
    }
    // A parent that is pouring the past into us is not slow; we started far behind.
    if (head < tree.catch_up_to && tree.parent != kNoLink &&
        shared_.now.mono - tree.data_at < lag_time())
        return arm_lag(entry, tree.lag_target);
    if (ahead == nullptr) return;
    if (tree.parent != kNoLink) {
        ++shared_.counters.switches;
        prune(entry, tree.parent, kSwitched);
        set_parent(entry, nullptr);
    }
    join(entry, *ahead, frames::Why::Lag);
    arm_lag(entry, ahead->edge(entry.number).head);
}

void Trees::arm_lag(LogEntry& entry, Seq target) {
    entry.tree.lag_target = target;
    const auto time = lag_time().count();
    entry.tree.lag_until =
        shared_.now.mono + Duration(shared_.rng.between(time * 9 / 10, time * 11 / 10));
    shared_.logs.arm(entry);
}

Duration Trees::lag_time() {
    Duration rtt{};
    for (const auto& [id, link] : shared_.links.all())
        if (link->live()) rtt = std::max(rtt, link->rtt);
    return std::max<Duration>(shared_.config.lag_min, 3 * rtt);
}

}  // namespace anode::mesh
