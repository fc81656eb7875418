#include <algorithm>
#include <numeric>

#include "sim/mesh_cluster.hpp"

/// What MeshCluster has to do with whole nodes: how they are made, what is written to their small state, who owns which feed.
namespace anode::sim {
namespace {

using K = FaultKind;

constexpr std::uint16_t kGossipPort = 7946;
/// Twice (detection and ten seconds), I9. Detection: a death is told after 15 s at most where the fast profile is on, and what
/// was cut off is dialled again every 30 s.
constexpr Duration kOwnerBound = 80s;

Address gossip_of(Address data) {
    data.port = kGossipPort;
    return data;
}

bool disturbs_paths(K kind) {
    return kind != K::Kill && kind != K::PowerOff && kind != K::Leave && kind != K::Wipe &&
           kind != K::Late && kind != K::SlowDisk && kind != K::Burst && kind != K::Partition &&
           kind != K::OneWay && kind != K::Partial;
}

}  // namespace

class MeshCluster::Watcher final : public NodeWatcher {
public:
    Watcher(MeshCluster& cluster, Node& node) : cluster_(cluster), node_(node) {}
    void told(const mesh::Output& output) override { cluster_.note(node_, output); }
    void sealed(const LogKey& log, const mesh::WireBlock& block) override {
        cluster_.ledger_.sealed(log, block);
    }
    void shown(const std::string& source, std::uint64_t item) override {
        cluster_.truth_->shown(node_.run, node_.name, source, item);
    }
    void published(const std::string& source, std::uint64_t item, Seq seq) override {
        cluster_.truth_->published(source, item, {{node_.id, node_.epoch, kDataLane}, seq});
    }
    void changed(const state::Item& item) override {
        cluster_.truth_->changed(node_.run, node_.name, item);
    }
    void moved(const std::string& line) override { cluster_.told(node_.name + " " + line); }
    std::uint64_t newest(const std::string& source) override {
        return cluster_.truth_->newest(source, cluster_.world_.now());
    }

private:
    MeshCluster& cluster_;
    Node& node_;
};

void MeshCluster::prepare_hosts() {
    truth_.emplace(broken_, world_.rng(5));
    for (const Node& node : nodes_) {
        const Address gossip = gossip_of(world_.address(node.host));
        world_.add_address(node.host, gossip);
        world_.add_name("h" + std::to_string(index_of(node.host)), {gossip});
    }
}

std::unique_ptr<Machine> MeshCluster::make_whole(Node& node, MeshNode::Options mesh) {
    WholeNode::Options options;
    options.data = world_.address(node.host);
    options.gossip.advertise = gossip_of(options.data);
    for (unsigned contact = 0; contact < std::min(plan_.contacts, plan_.members); ++contact)
        options.gossip.contacts.push_back("h" + std::to_string(contact) + ":" +
                                          std::to_string(kGossipPort));
    options.mesh = std::move(mesh);
    options.sources = truth_->sources();
    options.alone = plan_.members == 1;
    if (plan_.request.scenario == "node-mixed")
        options.gossip.fast.on = (plan_.plain >> index_of(node.host) & 1) == 0;
    node.run = {};
    node.watcher = std::make_unique<Watcher>(*this, node);
    return std::make_unique<WholeNode>(std::move(options), *node.disk, *node.watcher);
}

/// Notes are set and deleted, tokens set and now and then revoked, by everybody at once.
void MeshCluster::write_state(Node& node) {
    state::Write wish;
    if (rng_.chance(0.7)) {
        wish.kind = "note", wish.key = "k" + std::to_string(rng_.below(8));
        if (!rng_.chance(0.3)) wish.value = Bytes(node.name + std::to_string(rng_.next()));
    } else {
        wish.kind = "token", wish.key = "t" + std::to_string(rng_.below(6));
        wish.revoke = rng_.chance(0.1);
        if (!wish.revoke) wish.value = Bytes(std::to_string(rng_.next()));
    }
    world_.with(node.host, [&](Machine& machine, Instant now, Kernel& kernel) {
        static_cast<WholeNode&>(machine).write(std::move(wish), now, kernel);
    });
}

// -- who owns what ---------------------------------------------------------------------------------

/// For each node the least of those it reaches, over however many others; nodes that do not run are alone.
std::vector<unsigned> MeshCluster::components() const {
    auto& network = const_cast<World&>(world_).network();
    std::vector<unsigned> of(nodes_.size());
    std::iota(of.begin(), of.end(), 0u);
    for (bool changed = true; changed;) {
        changed = false;
        for (unsigned a = 0; a < of.size(); ++a)
            for (unsigned b = 0; b < of.size(); ++b) {
                const HostId from = nodes_[a].host, to = nodes_[b].host;
                if (of[a] >= of[b] || !world_.runs(from) || !world_.runs(to) ||
                    !network.open(from, to) || !network.open(to, from))
                    continue;
                of[b] = of[a];
                changed = true;
            }
    }
    return of;
}

bool MeshCluster::disturbed() const {
    for (std::size_t number = 0; number < active_.size(); ++number)
        if (active_[number] && disturbs_paths(plan_.faults[number].kind)) return true;
    return false;
}

/// One owner for each source in each part of the cluster that has been what it is for long enough (I9).
void MeshCluster::look_at_owners() {
    const std::vector<unsigned> of = components();
    std::vector<std::uint64_t> together;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        together.push_back(of[i]);
        together.push_back(world_.runs(nodes_[i].host) && !nodes_[i].left ? nodes_[i].boots : 0);
    }
    if (disturbed() || together != together_) together_since_ = world_.now();
    together_ = std::move(together);
    if (world_.now() - together_since_ <= kOwnerBound) return;
    for (const std::string& source : truth_->sources()) {
        std::map<unsigned, std::string> owners;
        std::map<unsigned, unsigned> count;
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            if (!world_.runs(nodes_[i].host)) continue;
            const auto view = whole(nodes_[i])->owners().view(source);
            owners[of[i]] += " " + nodes_[i].name + ":" +
                             std::to_string(static_cast<int>(view.role)) + "@" +
                             std::to_string(view.term);
            count[of[i]] += whole(nodes_[i])->runs(source) ? 1 : 0;
        }
        for (const auto& [component, running] : count)
            if (running != 1)
                broken_("I9 owner", source + " is run by " + std::to_string(running) + " of" +
                                        owners.at(component));
    }
}

// -- at rest ---------------------------------------------------------------------------------------

std::optional<std::string> MeshCluster::whole_unequal() {
    std::size_t running = 0;
    const WholeNode* first = nullptr;
    std::set<std::string> revoked;
    for (const Node& node : nodes_) {
        if (!world_.runs(node.host)) continue;
        ++running;
        if (first == nullptr) first = whole(node);
        revoked.insert(node.run.revoked.begin(), node.run.revoked.end());
    }
    for (const Node& node : nodes_) {
        const WholeNode* machine = whole(node);
        if (machine == nullptr) continue;
        if (machine->membership().alive() != running)
            return node.name + " sees " + std::to_string(machine->membership().alive()) + " of " +
                   std::to_string(running) + " members";
        if (machine->state().hash() != first->state().hash())
            return node.name +
                   " has another small state: " + std::to_string(machine->state().keys()) +
                   " keys, " + std::to_string(machine->state().quarantined()) + " in quarantine";
        for (const std::string& key : revoked)
            if (const state::Item* item = machine->state().find("token", key);
                item != nullptr && !item->revoked)
                return node.name + " honours " + key + ", which was revoked";
        const auto shelf_has = [&](const Truth::Placed& place) {
            if (place.log == machine->mesh().log(kDataLane))
                return place.seq <= machine->mesh().sealed(kDataLane);
            const auto shelf = node.book.shelves.find(place.log);
            return shelf != node.book.shelves.end() && shelf->second.have.contains(place.seq);
        };
        const auto told_of = [&](const Truth::Placed& place) {
            const auto shelf = node.book.shelves.find(place.log);
            return shelf != node.book.shelves.end() && shelf->second.skipped.contains(place.seq);
        };
        if (auto lack = truth_->lacking(shelf_has, told_of)) return node.name + " lacks " + *lack;
    }
    return std::nullopt;
}

}  // namespace anode::sim
