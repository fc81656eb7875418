#include "sim/mesh_cluster.hpp"

#include <algorithm>
#include <cstdio>

#include "base/assert.hpp"

namespace anode::sim {
namespace {

constexpr WallTime kBegins = 1'800'000'000'000'000;
constexpr Duration kOracleEvery = 100ms, kWriteEvery = 50ms;

Address address_of(std::uint32_t number) {
    return Address::v4(10, 0, static_cast<std::uint8_t>(number >> 8),
                       static_cast<std::uint8_t>(number & 0xff), 7402);
}

/// What may keep a mesh from being settled, for people.
std::string unrest(const mesh::Mesh& mesh) {
    std::string out;
    for (const mesh::LinkView& link : mesh.links())
        out += " " + link.name + "=" + std::string(name_of(link.purpose)) + "/" +
               std::string(link.state);
    out += ";" + mesh.unrest();
    for (const mesh::LogView& log : mesh.logs())
        if (!log.missing.empty())
            out +=
                " " + text_of(log.log) + " has " + std::to_string(log.missing.size()) + " holes,";
    return out;
}

}  // namespace

MeshCluster::MeshCluster(const Plan& plan, Ledger::Broken broken, Tell tell)
    : plan_(plan),
      world_(plan.request.seed, plan.weather),
      tell_(std::move(tell)),
      rng_(world_.rng(2)),
      broken_(broken),
      ledger_(std::move(broken)) {
    if (plan_.members >= 5 && rng_.chance(0.4)) rings_above_ = 2;
    if (rng_.chance(0.3)) cache_ = 4096;
    if (rng_.chance(0.2)) uplink_ = 2'000'000;
    if (rng_.chance(0.3)) filler_ = 1 + rng_.below(16'000);
    // A way out that what is published does not fit through.
    if (plan_.request.scenario == "node-hot" || plan_.request.scenario == "node-starved")
        uplink_ = 300'000, filler_ = 3'000;
    const bool twins = plan_.has(FaultKind::Twin);
    nodes_.resize(plan_.members + (twins ? 1 : 0));
    for (std::uint32_t number = 0; number < nodes_.size(); ++number) {
        Node& node = nodes_[number];
        node.host = world_.add_host(address_of(number));
        node.name = "n" + std::to_string(number);
        node.rate = rng_.chance(0.3) ? 0 : rng_.unit() * 5;
        rename(node);
        node.spare = number >= plan_.members;
        node.down = node.spare ? 1 : 0;
    }
    if (plan_.has(FaultKind::Intruder)) {
        intruder_host_ = world_.add_host(Address::v4(10, 9, 9, 9, 7402));
        rng_.fill(intruder_.bytes);
    }
    if (plan_.whole()) prepare_hosts();
    active_.assign(plan_.faults.size(), false);
    for (std::size_t number = 0; number < plan_.faults.size(); ++number)
        if (plan_.live[number] && plan_.faults[number].kind == FaultKind::Late)
            each(plan_.faults[number].who, [](Node& node) { ++node.down; });
    for (Node& node : nodes_)
        world_.schedule(world_.now() + Duration{rng_.between(0, Duration{2s}.count())},
                        [this, &node] { bring_up(node); });
    if (!plan_.whole()) oracle();
    write_some();
}

void MeshCluster::end_publishing() {
    publishing_ = false;
    if (truth_) truth_->end_feeds(world_.now());
}

void MeshCluster::rename(Node& node) { rng_.fill(node.id.bytes); }

void MeshCluster::told(const std::string& line) {
    if (!tell_) return;
    char stamp[32];
    std::snprintf(stamp, sizeof stamp, "%10.3f ",
                  std::chrono::duration<double>(world_.now().time_since_epoch()).count());
    tell_(stamp + line);
}

void MeshCluster::boot(Node& node) {
    const WallTime wall = kBegins + (world_.now().time_since_epoch() + node.skew) / 1us;
    node.epoch = {std::max((static_cast<std::uint64_t>(wall) / 1000) << 16 | rng_.below(65536),
                           node.disk->last_epoch + 1)};
    node.disk->last_epoch = node.epoch.value;
    node.left = false;
    ++node.boots;
    node.book = Book::of(*node.disk);
    node.awaited.clear();
    MeshNode::Options options;
    options.config.node = node.id;
    options.config.epoch = node.epoch;
    options.config.name = node.name;
    options.config.cluster = "orchard";
    options.config.full_mesh_up_to = rings_above_;
    options.config.cache_bytes = cache_;
    options.seed = rng_.next();
    options.wall = wall;
    options.sync = node.sync;
    options.bytes_per_second = uplink_;
    for (auto& [pair, known] : known_)
        if (pair.first == index_of(node.host)) known = {};
    told(node.name + " boots as " + node.id.text());
    std::unique_ptr<Machine> machine;
    if (plan_.whole())
        machine = make_whole(node, std::move(options));
    else
        machine = std::make_unique<MeshNode>(
            std::move(options), *node.disk,
            [this, &node](const mesh::Output& output, const mesh::Outbox&) { note(node, output); });
    world_.boot(node.host, std::move(machine),
                Instant{} + Duration{rng_.between(0, Duration{1'000'000s}.count())});
}

void MeshCluster::take_down(Node& node, bool silent) {
    if (world_.runs(node.host)) told(node.name + (silent ? " loses power" : " is killed"));
    silent ? world_.power_off(node.host) : world_.kill(node.host);
}

void MeshCluster::bring_up(Node& node) {
    if (node.down > 0 || node.for_good || world_.runs(node.host)) return;
    boot(node);
    if (node.paused > 0) world_.pause(node.host);
}

void MeshCluster::hold(Node& node, bool paused) {
    if (paused) {
        if (node.paused++ == 0) world_.pause(node.host);
    } else if (--node.paused == 0) {
        world_.resume(node.host);
    }
}

void MeshCluster::use(Node& node, const std::function<void(MeshNode&, Instant, Kernel&)>& use) {
    world_.with(node.host, [&](Machine& machine, Instant now, Kernel& kernel) {
        if (plan_.whole())
            static_cast<WholeNode&>(machine).use_mesh(use, now, kernel);
        else
            use(static_cast<MeshNode&>(machine), now, kernel);
    });
}

// -- membership ------------------------------------------------------------------------------------

bool MeshCluster::reaches(const Node& from, const Node& to) const {
    const auto alive = [&](const Node& node) {
        return world_.runs(node.host) && !world_.paused(node.host) && !node.left;
    };
    const auto both_ways = [&](const Node& a, const Node& b) {
        auto& network = const_cast<World&>(world_).network();
        return network.open(a.host, b.host) && network.open(b.host, a.host);
    };
    if (!alive(from) || !alive(to)) return false;
    if (both_ways(from, to)) return true;
    return std::ranges::any_of(nodes_, [&](const Node& over) {
        return alive(over) && both_ways(from, over) && both_ways(over, to);
    });
}

void MeshCluster::oracle() {
    for (Node& observer : nodes_)
        for (Node& about : nodes_)
            if (&observer != &about && world_.runs(observer.host) && !world_.paused(observer.host))
                tell_of(observer, known_[{index_of(observer.host), index_of(about.host)}], about,
                        reaches(observer, about));
    world_.schedule(world_.now() + kOracleEvery, [this] { oracle(); });
}

void MeshCluster::tell_of(Node& observer, Known& known, Node& about, bool reached) {
    const bool same = known.there == reached &&
                      (!reached || (known.id == about.id && known.epoch == about.epoch));
    if (same) {
        known.differs.reset();
        return;
    }
    if (!known.differs) {
        known.differs = world_.now();
        known.delay = Duration{reached || about.left
                                   ? rng_.between(Duration{20ms}.count(), Duration{1s}.count())
                                   : rng_.between(Duration{800ms}.count(), Duration{4s}.count())};
    }
    if (world_.now() - *known.differs < known.delay) return;
    known.differs.reset();
    use(observer, [&](MeshNode& machine, Instant now, Kernel& kernel) {
        if (known.there && (!reached || known.id != about.id))
            machine.tell(mesh::PeerGone{known.id, about.left}, now, kernel);
        if (reached)
            machine.tell(mesh::PeerSeen{{about.id, about.epoch, about.name, "",
                                         world_.address(about.host).text(), 100, false, false}},
                         now, kernel);
    });
    known.there = reached, known.id = about.id, known.epoch = about.epoch;
}

// -- publishing ------------------------------------------------------------------------------------

void MeshCluster::write_some() {
    if (publishing_)
        for (Node& node : nodes_)
            if (rng_.chance(node.rate * std::chrono::duration<double>(kWriteEvery).count()))
                plan_.whole() && rng_.chance(0.5) ? write_state(node) : write(node, 1);
    world_.schedule(world_.now() + kWriteEvery, [this] { write_some(); });
}

void MeshCluster::last_word() {
    for (Node& node : nodes_)
        use(node, [&](MeshNode& machine, Instant now, Kernel& kernel) {
            for (const Lane lane : {kSystemLane, kDataLane})
                if (machine.sealed(lane) > 0)
                    ledger_.sealed(machine.log(lane),
                                   machine.publish(lane, {"\"last\""}, "t", now, kernel));
        });
}

void MeshCluster::write(Node& node, unsigned blocks) {
    use(node, [&](MeshNode& machine, Instant now, Kernel& kernel) {
        for (; blocks > 0; --blocks) {
            const Lane lane = rng_.chance(0.1) ? kSystemLane : kDataLane;
            std::vector<std::string> payloads;
            for (std::uint64_t count = 1 + rng_.below(3); count > 0; --count)
                payloads.push_back("\"" + node.name + " " + std::to_string(rng_.next()) +
                                   std::string(filler_, '.') + "\"");
            // The ledger comes first: a neighbour may hear of the block before publish() returns.
            const Seq first = machine.sealed(lane) + 1;
            const mesh::WireBlock block = machine.publish(lane, payloads, "t", now, kernel);
            ANODE_ASSERT(block.first == first);
            ledger_.sealed(machine.log(lane), block);
            if (!rng_.chance(0.1) || lane != kDataLane) continue;
            const std::uint64_t id = next_await_++;
            node.awaited[id] = {machine.log(lane), block.last()};
            machine.tell(mesh::AwaitCopies{id, machine.log(lane), block.last(),
                                           2 + static_cast<unsigned>(rng_.below(2)), 2s},
                         now, kernel);
        }
    });
}

void MeshCluster::note(Node& node, const mesh::Output& output) {
    if (const auto* deliver = std::get_if<mesh::Deliver>(&output)) {
        ledger_.delivered(node.book, node.name, *deliver);
    } else if (const auto* opened = std::get_if<mesh::GapOpened>(&output)) {
        ledger_.gap(node.book, *opened);
    } else if (const auto* closed = std::get_if<mesh::GapClosed>(&output)) {
        ledger_.gap(node.book, *closed);
        if (!closed->repaired)
            told(node.name + " gives up " + text_of(closed->log) + " " +
                 std::to_string(closed->range.first) + "-" + std::to_string(closed->range.last) +
                 " " + std::string(mesh::name_of(closed->why)));
    } else if (const auto* copies = std::get_if<mesh::CopiesReached>(&output)) {
        const auto awaited = node.awaited.extract(copies->id);
        if (awaited.empty()) return broken_("I11 copies", node.name + " answers what nobody asked");
        if (!copies->met) return;
        const auto& [log, seq] = awaited.mapped();
        std::size_t holders = 0;
        for (const Node& other : nodes_) holders += other.disk->holds(log, seq) ? 1 : 0;
        for (const auto& disk : lost_disks_) holders += disk->holds(log, seq) ? 1 : 0;
        if (holders < copies->copies)
            broken_("I11 copies", node.name + ": " + text_of(log) + " " + std::to_string(seq) +
                                      " is said to be on " + std::to_string(copies->copies) +
                                      " disks and is on " + std::to_string(holders));
    } else if (const auto* notice = std::get_if<mesh::Notice>(&output)) {
        told(node.name + ": " + std::string(notice->what) + " " + notice->peer.text() + " " +
             notice->detail);
    } else if (const auto* up = std::get_if<mesh::PeerUp>(&output)) {
        told(node.name + " linked with " + up->node.text());
    } else if (const auto* down = std::get_if<mesh::PeerDown>(&output)) {
        told(node.name + " lost " + down->node.text() + " " + std::string(name_of(down->end)));
    }
}

// -- checks ----------------------------------------------------------------------------------------

void MeshCluster::look() {
    if (world_.misused()) broken_("door", *world_.misused());
    for (const Node& node : nodes_) {
        const MeshNode* machine = mesh(node);
        if (machine == nullptr) continue;
        ledger_.compare(node.book, node.name, machine->mesh().logs());
        const mesh::Counters& counters = machine->mesh().counters();
        if (counters.cache_bytes > cache_ + (64u << 10))
            broken_("I4 cache", node.name + " caches " + std::to_string(counters.cache_bytes));
        if (counters.protocol_errors > 0 && !plan_.has(FaultKind::Intruder) &&
            !plan_.has(FaultKind::Twin))
            broken_("door", node.name + " sees a protocol error of an honest peer");
    }
    if (plan_.whole()) look_at_owners();
}

std::optional<std::string> MeshCluster::unequal() {
    const MeshNode* first = nullptr;
    std::map<LogKey, mesh::RangeSet> all;
    for (const Node& node : nodes_) {
        const MeshNode* machine = mesh(node);
        if (machine == nullptr) continue;
        if (!machine->mesh().settled())
            return node.name + " is not settled:" + unrest(machine->mesh());
        if (first != nullptr && machine->mesh().content_hash() != first->mesh().content_hash())
            return node.name + " holds something else";
        first = machine;
        // What of it is published by itself: the store of a run knows it without being told.
        for (const auto& [log, shelf] : node.book.shelves)
            for (const mesh::SeqRange& range : shelf.have.ranges()) all[log].add(range);
    }
    for (const Node& node : nodes_) {
        if (mesh(node) == nullptr) continue;
        for (const Lane lane : {kSystemLane, kDataLane})
            if (const Seq head = mesh(node)->sealed(lane); head > 0)
                all[mesh(node)->log(lane)].add({1, head});
    }
    for (const Node& node : nodes_) {
        if (mesh(node) == nullptr) continue;
        for (const auto& [log, have] : all) {
            if (log.node == node.id && log.epoch == node.epoch) continue;
            const auto shelf = node.book.shelves.find(log);
            for (const mesh::SeqRange& range : have.ranges())
                if (shelf == node.book.shelves.end() || !shelf->second.have.covers(range))
                    return node.name + " lacks of " + text_of(log) + " " +
                           std::to_string(range.first) + "-" + std::to_string(range.last);
        }
    }
    if (plan_.whole()) return whole_unequal();
    return std::nullopt;
}

std::optional<std::string> MeshCluster::crooked() {
    std::map<NodeId, std::map<LogKey, mesh::LogView>> views;
    for (const Node& node : nodes_)
        if (mesh(node) != nullptr)
            for (mesh::LogView& view : mesh(node)->mesh().logs())
                if (view.head > 0) views[node.id].emplace(view.log, std::move(view));
    for (const auto& [id, logs] : views)
        for (const auto& [log, view] : logs) {
            const auto origin = views.find(log.node);
            if (origin == views.end() || !origin->second.contains(log) ||
                origin->second.at(log).state != "origin")
                continue;
            const mesh::LogView* at = &view;
            std::string path = id.text();
            for (std::size_t steps = 0; at->state != "origin"; ++steps) {
                const auto parent = views.find(at->parent);
                path += " (" + std::string(at->state) + " at " + std::to_string(at->depth) +
                        ") < " + at->parent.text();
                if (at->state != "attached" || parent == views.end() || steps > views.size())
                    return "no path to the origin of " + text_of(log) + ": " + path;
                at = &parent->second.at(log);
            }
        }
    return std::nullopt;
}

const mesh::Counters& MeshCluster::totals() {
    totals_ = {};
    for (const Node& node : nodes_) {
        if (mesh(node) == nullptr) continue;
        const mesh::Counters& counters = mesh(node)->mesh().counters();
        totals_.messages_in += counters.messages_in;
        totals_.duplicates += counters.duplicates;
        totals_.repaired += counters.repaired;
        totals_.links_lost += counters.links_lost;
        totals_.switches += counters.switches;
    }
    return totals_;
}

}  // namespace anode::sim
