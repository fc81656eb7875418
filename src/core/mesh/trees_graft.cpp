#include <algorithm>

#include "core/mesh/trees.hpp"

/// GRAFT and its answers, PRUNE, SHED: how edges of a tree come and go.
namespace anode::mesh {
namespace {

constexpr std::uint32_t kChildrenMesh = 28, kChildrenRings = 16;
constexpr unsigned kFailuresMax = 3;
constexpr Seq kInventedRoom = Seq{1} << 18;
constexpr double kInventedSeconds = 5;
constexpr Duration kDistrustLasts = 60s;
constexpr Seq kLeapMax = Seq{1} << 40;
constexpr std::uint8_t kUnsubscribed = 1;  ///< reasons of PRUNE up to this one come from a child

constexpr std::uint8_t kDuplicate = 0, kSwitched = 1, kClosing = 3;
constexpr std::uint8_t kBusy = 1, kDraining = 2;

}  // namespace

void Trees::on_graft(Link& link, LogEntry& entry, const frames::Graft& graft) {
    if (far(link, entry.state.head(), graft.from - 1)) return;
    Edge& edge = link.edge(entry.number);
    edge.known = true;
    // Nobody has more of a log of ours than we do.
    edge.head = std::max(
        edge.head, entry.own() ? std::min(graft.from - 1, entry.state.head()) : graft.from - 1);
    edge.depth = graft.depth;
    if (shared_.draining && !entry.own()) return refuse(link, entry, kDraining);
    if (link.id == entry.tree.parent || link.id == entry.tree.joining)
        return crossing(link, entry, graft);
    std::uint32_t children = 0;
    for (const auto& [id, other] : shared_.links.all()) {
        const Edge* taken = other->edge_if(entry.number);
        children += taken != nullptr && taken->child && id != link.id ? 1 : 0;
    }
    if (children >= (shared_.full_mesh ? kChildrenMesh : kChildrenRings))
        return refuse(link, entry, kBusy);
    adopt(link, entry, graft);
}

/// Both want the other as parent, or our parent wants us: the larger head is parent, then the smaller depth, then the lower id.
void Trees::crossing(Link& link, LogEntry& entry, const frames::Graft& graft) {
    Tree& tree = entry.tree;
    const bool asked = tree.joining == link.id;
    const Seq ours = asked ? tree.graft_from - 1 : entry.state.head();
    const std::uint8_t depth = asked ? tree.graft_depth : tree.depth;
    const Seq theirs = graft.from - 1;
    const bool parent = ours != theirs         ? ours > theirs
                        : depth != graft.depth ? depth < graft.depth
                                               : shared_.config.node < link.peer;
    if (!parent) return refuse(link, entry, kBusy);
    if (asked) {
        tree.joining = kNoLink;
        tree.join_until = kNever;
    }
    if (tree.parent == link.id) set_parent(entry, nullptr);
    prune(entry, link.id, kSwitched);
    adopt(link, entry, graft);
    if (tree.parent == kNoLink) orphan(entry);
}

/// Without a way to the origin no depth is told: who has the log from us is no parent for those above us.
std::uint8_t Trees::depth_told(const LogEntry& entry) {
    const Tree& tree = entry.tree;
    return tree.state == Tree::State::Orphan || !tree.rooted ? kDepthUnknown : tree.depth;
}

void Trees::tell_depth(LogEntry& entry) {
    for (const auto& [id, link] : shared_.links.all()) {
        const Edge* edge = link->edge_if(entry.number);
        if (link->live() && edge != nullptr && edge->child) say_ok(*link, entry);
    }
}

void Trees::say_ok(Link& link, LogEntry& entry) {
    frames::GraftOk ok;
    ok.lx = shared_.alias(link, entry);
    ok.head = entry.state.head();
    ok.depth = depth_told(entry);
    ok.retained_from = std::max(entry.state.contiguous_from(), entry.state.lowest());
    shared_.send(link, ok);
}

void Trees::adopt(Link& link, LogEntry& entry, const frames::Graft& graft) {
    say_ok(link, entry);
    streams_.start(link, entry, graft.from);
}

void Trees::refuse(Link& link, LogEntry& entry, std::uint8_t why) {
    frames::GraftNo no;
    no.lx = shared_.alias(link, entry);
    no.why = why;
    // Those of our children who have fewest logs to pass on are the best to ask instead.
    std::vector<const Link*> children;
    for (const auto& [id, other] : shared_.links.all()) {
        const Edge* edge = other->edge_if(entry.number);
        if (edge != nullptr && edge->child && id != link.id) children.push_back(other.get());
    }
    std::ranges::sort(children, {},
                      [](const Link* child) { return std::pair(child->load, child->id); });
    for (const Link* child : children)
        if (no.alternatives.size() < 4) no.alternatives.push_back(child->peer);
    ++shared_.counters.refused;
    shared_.send(link, no);
}

void Trees::on_graft_ok(Link& link, LogEntry& entry, const frames::GraftOk& ok) {
    Tree& tree = entry.tree;
    if (entry.own() || tree.joining != link.id) {
        if (entry.own() || tree.parent != link.id)
            prune(entry, link.id, kDuplicate);  // we have moved on since we asked
        else
            settle_depth(entry, ok.depth);
        return;
    }
    if (far(link, entry.state.head(), ok.head)) return;
    Edge& edge = link.edge(entry.number);
    edge.failures = 0;
    edge.head = std::max(edge.head, ok.head);
    // It has no more than we have, and its way to the origin may lead over us.
    if (ok.depth == kDepthUnknown && ok.head <= entry.state.head() && entry.state.head() != 0) {
        prune(entry, link.id, kSwitched);
        edge.attached = false;
        return refused(entry, link, 1s);
    }
    tree.joining = kNoLink;
    tree.join_until = tree.query_at = kNever;
    tree.query_delay = 1s;
    if (tree.parent != kNoLink && tree.parent != link.id) {
        ++shared_.counters.switches;
        prune(entry, tree.parent, kSwitched);
    }
    set_parent(entry, &link);
    settle_depth(entry, ok.depth);
    tree.data_at = shared_.now.mono;
    if (ok.head > entry.state.head()) tree.catch_up_to = std::max(tree.catch_up_to, ok.head);
    shared_.logs.arm(entry);
}

/// Our place below the parent. A circle, which no block ever passes, is one whose depth grows and grows.
void Trees::settle_depth(LogEntry& entry, std::uint8_t of_parent) {
    Tree& tree = entry.tree;
    const std::uint8_t told = depth_told(entry);
    if (of_parent != kDepthUnknown && of_parent >= kDepthMost) {
        prune(entry, tree.parent, kSwitched);
        set_parent(entry, nullptr);
        return orphan(entry);
    }
    tree.rooted = of_parent != kDepthUnknown;
    if (tree.rooted) tree.depth = static_cast<std::uint8_t>(of_parent + 1);
    if (depth_told(entry) != told) tell_depth(entry);
    // The parent looks for a way; but a neighbour of ours may have one.
    if (!tree.rooted) ask_later(entry);
}

void Trees::on_graft_no(Link& link, LogEntry& entry, const frames::GraftNo& no) {
    if (entry.tree.joining != link.id) return;
    for (const NodeId& node : no.alternatives) {
        Link* other = shared_.links.main_of(node);
        if (other == nullptr || other == &link || other->id == entry.tree.parent) continue;
        Edge& edge = other->edge(entry.number);
        if (!counts(*other, edge) || edge.child) continue;
        link.edge(entry.number).ignored_until = shared_.now.mono + 1s;
        return join(entry, *other, entry.tree.joining_why);
    }
    refused(entry, link, 1s);
}

/// A graft came to nothing. Thrice in a row: the neighbour claims heads it cannot serve, and is not believed for a minute.
void Trees::refused(LogEntry& entry, Link& link, Duration ignore) {
    Edge& edge = link.edge(entry.number);
    ++edge.failures;
    const bool hopeless = edge.failures >= kFailuresMax;
    if (hopeless) {
        edge.failures = 0;
        distrust(link, entry, "a peer claims messages that it does not serve",
                 entry.log().node.text());
    } else {
        edge.ignored_until = std::max(edge.ignored_until, shared_.now.mono + ignore);
    }
    entry.tree.joining = kNoLink;
    entry.tree.join_until = kNever;
    if (entry.tree.parent == kNoLink)
        orphan(entry);
    else if (!entry.tree.rooted)
        ask_later(entry);
    shared_.logs.arm(entry);
}

/// A jump to a place that does not exist would make late whatever the origin says from then on. While the origin is a
/// neighbour it knows best; the room is for what others hear before its digest comes.
bool Trees::invented(Link& link, LogEntry& entry, Seq claimed) {
    const Link* origin = shared_.links.main_of(entry.log().node);
    if (origin == nullptr || origin == &link || origin->epoch != entry.log().epoch) return false;
    const Edge* told = origin->edge_if(entry.number);
    if (told == nullptr || !told->known) return false;
    const Seq room = kInventedRoom + static_cast<Seq>(kInventedSeconds * entry.rate);
    if (claimed <= std::max(told->head, entry.state.head()) + room) return false;
    distrust(link, entry, "a peer claims messages that their origin does not know of",
             entry.log().node.text() + " " + std::to_string(claimed));
    return true;
}

void Trees::distrust(Link& link, LogEntry& entry, std::string_view what, std::string detail) {
    Edge& edge = link.edge(entry.number);
    // Told when it begins, not with each frame.
    if (edge.ignored_until <= shared_.now.mono) {
        ++shared_.counters.heads_ignored;
        shared_.blame(link.peer, link.name, Fault::Heads, what);
        shared_.notice(Notice::Level::Warn, what, link.peer, std::move(detail));
    }
    edge.ignored_until = shared_.now.mono + kDistrustLasts;
}

bool Trees::far(Link& link, Seq ours, Seq claimed) {
    if (claimed <= ours + kLeapMax && claimed < frames::kSeqMax) return false;
    links_.accuse(link, frames::error_code::kFarAhead, {Errc::Malformed, "a head far ahead"});
    return true;
}

void Trees::on_prune(Link& link, LogEntry& entry, const frames::Prune& frame) {
    if (frame.why <= kUnsubscribed) return streams_.stop(link, entry);
    if (entry.tree.joining == link.id) return refused(entry, link, 1s);
    if (entry.tree.parent == link.id) {
        set_parent(entry, nullptr);
        orphan(entry);
    }
}

void Trees::on_shed(Link& link, LogEntry& entry, const frames::Shed& shed) {
    if (entry.tree.parent != link.id || entry.tree.joining != kNoLink) return;
    Link* other = shared_.links.main_of(shed.alternative);
    if (other == nullptr || other == &link) return;
    Edge& edge = other->edge(entry.number);
    if (edge.child || shared_.now.mono < edge.ignored_until) return;
    join(entry, *other, frames::Why::Shed);
}

void Trees::set_parent(LogEntry& entry, Link* link) {
    Tree& tree = entry.tree;
    if (Link* old = shared_.links.find(tree.parent)) --old->parents;
    tree.parent = link != nullptr ? link->id : kNoLink;
    if (link != nullptr) {
        ++link->parents;
        tree.state = Tree::State::Attached;
    } else {
        tree.state = tree.joining != kNoLink ? Tree::State::Joining : Tree::State::Orphan;
    }
}

void Trees::prune(LogEntry& entry, LinkId from, std::uint8_t why) {
    Link* link = shared_.links.find(from);
    if (link == nullptr || !link->live()) return;
    link->edge(entry.number).pruned = true;
    ++shared_.counters.prunes;
    const auto lx = shared_.alias(*link, entry);
    shared_.send(*link, frames::Prune{lx, why});
}

void Trees::drain() {
    for (const auto& [log, entry] : shared_.logs.all()) {
        if (entry->own()) continue;
        Link* parent = shared_.links.find(entry->tree.parent);
        for (const auto& [id, link] : shared_.links.all()) {
            const Edge* edge = link->edge_if(entry->number);
            if (!link->live() || edge == nullptr || !edge->child) continue;
            const auto lx = shared_.alias(*link, *entry);
            if (parent != nullptr)
                shared_.send(*link, frames::Shed{lx, parent->peer});
            else
                shared_.send(*link, frames::Prune{lx, kClosing});
        }
    }
}

}  // namespace anode::mesh
