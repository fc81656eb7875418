#include "core/ownership/ownership.hpp"

#include <array>
#include <utility>

#include "core/ownership/keeper.hpp"

namespace anode::ownership {

std::string_view name_of(StopWhy why) noexcept {
    constexpr std::array<std::string_view, 6> kNames{"disabled", "handed-over", "superseded",
                                                     "draining", "isolated",    "not-ours"};
    return kNames[static_cast<std::size_t>(why)];
}

struct Ownership::Parts {
    Parts(NodeFacts self, Rng rng, Timing timing) : s(std::move(self), rng, timing), keeper(s) {}

    Shared s;
    Keeper keeper;

    void on(const Sources& in);
    void on(const NodeSeen& in);
    void on(const InDoubt& in) { doubt(in.node, true); }
    void on(const DoubtOver& in) { doubt(in.node, false); }
    void on(const Claimed& in);
    void on(const Unclaimed& in) {
        if (Entry* e = s.table.find(in.source)) keeper.on_unclaimed(*e);
    }
    void on(const Isolated& in);
    void on(const Joining& in) {
        if (std::exchange(s.joining, in.on) != in.on) s.table.all();
    }
    void on(const WarmedUp&) {
        s.nodes.warmed_up();
        s.table.all();
    }
    void on(const DrainSelf& in);
    void on(const FromPeer& in) { keeper.on_frame(in.node, in.type, in.body); }
    void on(const Prepared& in) {
        if (Entry* e = s.table.find(in.source)) keeper.on_prepared(*e);
    }
    void on(const Stopped& in) {
        if (Entry* e = s.table.find(in.source)) keeper.on_stopped(*e, in.position);
    }
    void on(const Tick&) {}

    void doubt(const NodeId& node, bool on);
    void urgent_held();
    void finish_step();
};

void Ownership::Parts::on(const Sources& in) {
    std::map<std::string_view, const SourceFacts*> fresh;
    for (const SourceFacts& facts : in.all) fresh[facts.name] = &facts;
    for (auto& [name, entry] : s.table.entries()) {
        if (!entry.listed || fresh.contains(name)) continue;
        entry.listed = false;
        s.table.urgent(entry);
    }
    s.enabled = 0;
    for (const auto& [name, facts] : fresh) {
        if (facts->enabled) ++s.enabled;
        Entry* entry = s.table.find_or_make(name);
        if (!entry) {
            ++s.counters.over_limit;
            continue;
        }
        if (entry->listed && entry->facts == *facts) continue;
        if (entry->facts.pinned != facts->pinned) entry->ask_again = {};
        entry->facts = *facts;
        entry->listed = true;
        s.table.urgent(*entry);
    }
}

void Ownership::Parts::on(const NodeSeen& in) {
    if (!s.nodes.seen(in.facts, s.now)) return;
    s.table.urgent_of(in.facts.node);
    s.table.all();
}

void Ownership::Parts::doubt(const NodeId& node, bool on) {
    if (!s.nodes.doubt(node, on)) return;
    s.table.urgent_of(node);
    s.table.all();
}

void Ownership::Parts::on(const Claimed& in) {
    Entry* entry = s.table.find_or_make(in.claim.source);
    if (!entry) {
        ++s.counters.over_limit;
        return;
    }
    keeper.on_claim(*entry, in.claim);
}

void Ownership::Parts::on(const Isolated& in) {
    if (std::exchange(s.isolated, in.on) == in.on) return;
    urgent_held();
    s.table.all();
}

void Ownership::Parts::on(const DrainSelf& in) {
    if (std::exchange(s.draining, in.on) == in.on) return;
    s.drain_since = s.now;
    s.drain_told = false;
    s.nodes.drain(in.on);
    urgent_held();
    s.table.all();
}

void Ownership::Parts::urgent_held() {
    for (const std::string& source : s.table.held()) s.table.urgent(*s.table.find(source));
}

void Ownership::Parts::finish_step() {
    s.table.begin_step();
    while (Entry* entry = s.table.next(s.now)) {
        const std::string name = entry->facts.name;
        keeper.look(*entry);
        s.table.erase_if_idle(name);
    }
    if (!s.draining || s.drain_told || !s.table.held().empty()) return;
    s.drain_told = true;
    s.out->push_back(HandedOverAll{});
}

Ownership::Ownership(NodeId self, Epoch epoch, std::string zone, Rng rng, Timing timing)
    : parts_(std::make_unique<Parts>(
          NodeFacts{self, epoch, std::move(zone), 100, false, Standing::Alive}, rng, timing)) {}
Ownership::~Ownership() = default;

void Ownership::handle(const Input& input, Instant now, std::vector<Output>& out) {
    Parts& p = *parts_;
    p.s.now = now;
    p.s.out = &out;
    std::visit([&](const auto& in) { p.on(in); }, input);
    p.finish_step();
    p.s.out = nullptr;
}

Instant Ownership::due() const noexcept { return parts_->s.table.due(parts_->s.now); }

Ownership::View Ownership::view(std::string_view source) const {
    const Shared& s = parts_->s;
    View view;
    const Entry* e = s.table.find(source);
    if (!e) return view;
    if (e->claim && !e->claim->released) view.owner = e->claim->owner;
    if (e->claim) view.term = e->claim->term;
    if (e->listed) view.candidates = s.nodes.ranked(e->facts, s.now);
    if (e->listed && e->facts.enabled && e->facts.standby && view.owner)
        if (const auto line = s.nodes.behind(e->facts, s.now, *view.owner); !line.empty())
            view.standby = line.front();
    switch (e->cooling ? Entry::Runs::No : e->runs) {
        case Entry::Runs::Yes:
            view.role = Role::Owner;
            break;
        case Entry::Runs::Claiming:
            view.role = Role::Claiming;
            break;
        case Entry::Runs::Stopping:
            view.role = Role::Releasing;
            break;
        case Entry::Runs::No:
            if (s.ours(*e))
                view.role = Role::Owner;
            else if (e->listed && e->facts.enabled && s.nodes.eligible(e->facts))
                view.role = Role::Standby;
    }
    return view;
}

std::vector<std::string> Ownership::owned() const {
    std::vector<std::string> names;
    for (const std::string& source : parts_->s.table.held())
        if (parts_->s.table.find(source)->runs == Entry::Runs::Yes) names.push_back(source);
    return names;
}

const Ownership::Counters& Ownership::counters() const noexcept { return parts_->s.counters; }

}  // namespace anode::ownership
