#include "sim/mesh_cluster.hpp"

/// The faults of MeshCluster: what each does when it begins, while it lasts and when it ends.
namespace anode::sim {
namespace {

using K = FaultKind;

std::vector<bool> set_of(Hosts hosts, std::size_t size) {
    std::vector<bool> set(size);
    for (std::size_t host = 0; host < size && host < 64; ++host)
        set[host] = (hosts >> host & 1) != 0;
    return set;
}

Duration millis(std::uint32_t count) { return std::chrono::milliseconds(count); }

}  // namespace

void MeshCluster::begin_faults() {
    begun_ = true;
    for (std::size_t number = 0; number < plan_.faults.size(); ++number) {
        if (!plan_.live[number]) continue;
        ++left_;
        const Fault& fault = plan_.faults[number];
        world_.schedule(world_.now() + fault.at, [this, number] { begin(number); });
        if (plan_.request.heals)
            world_.schedule(world_.now() + fault.ends(), [this, number] { end(number); });
    }
}

void MeshCluster::begin(std::size_t number) {
    const Fault& fault = plan_.faults[number];
    told(fault.text() + " begins");
    active_[number] = true;
    const auto cut = [&](Hosts from, Hosts to) {
        cuts_[number].push_back(
            world_.network().cut({set_of(from, world_.hosts()), set_of(to, world_.hosts())}));
    };
    switch (fault.kind) {
        case K::Partition:
            cut(fault.who, ~fault.who), cut(~fault.who, fault.who);
            break;
        case K::OneWay:
            cut(fault.who, fault.whom & ~fault.who);
            break;
        case K::Partial:
            cut(fault.who, fault.whom & ~fault.who), cut(fault.whom & ~fault.who, fault.who);
            break;
        case K::Kill:
        case K::PowerOff:
        case K::Wipe:
            each(fault.who, [&](Node& node) {
                ++node.down;
                if (fault.for_good) node.for_good = true;
                take_down(node, fault.kind == K::PowerOff);
            });
            break;
        case K::Leave:
            each(fault.who, [&](Node& node) {
                ++node.down;
                if (fault.for_good) node.for_good = true;
                node.left = true;
                if (plan_.whole())
                    world_.with(node.host, [](Machine& machine, Instant now, Kernel& kernel) {
                        static_cast<WholeNode&>(machine).leave(now, kernel);
                    });
                else
                    use(node, [](MeshNode& machine, Instant now, Kernel& kernel) {
                        machine.tell(mesh::Drain{true}, now, kernel);
                    });
                const Duration patience = plan_.whole() ? 8s : 2s;
                world_.schedule(world_.now() + patience, [this, &node, boots = node.boots] {
                    if (node.boots == boots) take_down(node, false);
                });
            });
            break;
        case K::Pause:
            each(fault.who, [&](Node& node) { hold(node, true); });
            break;
        case K::Starve:
            starve(number, true);
            break;
        case K::ClockJump:
            each(fault.who,
                 [&](Node& node) { world_.jump_clock(node.host, millis(fault.amount)); });
            break;
        case K::WallSkew:
        case K::SlowDisk:
            each(fault.who, [&](Node& node) {
                const Duration by = std::chrono::seconds(fault.amount) * (fault.other ? -1 : 1);
                if (fault.kind == K::SlowDisk)
                    node.sync = millis(fault.amount);
                else
                    node.skew += by;
                use(node, [&](MeshNode& machine, Instant, Kernel&) {
                    if (fault.kind == K::SlowDisk)
                        machine.sync_takes(node.sync);
                    else
                        machine.skew_wall(by);
                });
            });
            break;
        case K::Reset:
        case K::Burst:
            repeat(number);
            break;
        case K::Intruder:
            let_in(fault);
            break;
        case K::Twin:
            start_twin(fault);
            break;
        default:
            weather();
            break;
    }
}

void MeshCluster::end(std::size_t number) {
    const Fault& fault = plan_.faults[number];
    told(fault.text() + " ends");
    active_[number] = false;
    --left_;
    for (const std::uint64_t cut : cuts_[number]) world_.network().heal(cut);
    switch (fault.kind) {
        case K::Kill:
        case K::PowerOff:
        case K::Late:
            each(fault.who, [&](Node& node) { --node.down, bring_up(node); });
            break;
        case K::Leave:
            each(fault.who, [&](Node& node) {
                take_down(node, false);
                --node.down, bring_up(node);
            });
            break;
        case K::Wipe:
            each(fault.who, [&](Node& node) {
                --node.down;
                take_down(node, false);
                lost_disks_.push_back(std::exchange(node.disk, std::make_unique<Disk>()));
                rename(node);
                bring_up(node);
            });
            break;
        case K::Pause:
            each(fault.who, [&](Node& node) { hold(node, false); });
            break;
        case K::WallSkew:
        case K::SlowDisk:
            each(fault.who, [&](Node& node) {
                const Duration by = std::chrono::seconds(fault.amount) * (fault.other ? 1 : -1);
                if (fault.kind == K::SlowDisk)
                    node.sync = 2ms;
                else
                    node.skew += by;
                use(node, [&](MeshNode& machine, Instant, Kernel&) {
                    if (fault.kind == K::SlowDisk)
                        machine.sync_takes(node.sync);
                    else
                        machine.skew_wall(by);
                });
            });
            break;
        case K::Intruder:
            throw_out(fault);
            break;
        case K::Twin:
            end_twin();
            break;
        default:
            weather();
            break;
    }
}

void MeshCluster::weather() {
    Weather now = plan_.weather;
    std::vector<Network::Trouble> troubles(nodes_.size());
    for (std::size_t number = 0; number < plan_.faults.size(); ++number) {
        if (!active_[number]) continue;
        const Fault& fault = plan_.faults[number];
        const double share = fault.amount / 1000.0;
        if (fault.kind == K::Loss) now.loss = std::max(now.loss, share);
        if (fault.kind == K::Duplicate) now.duplicate = std::max(now.duplicate, share);
        if (fault.kind == K::Spikes)
            now.spike = 0.1, now.spike_max = std::max(now.spike_max, millis(fault.amount));
        each(fault.who, [&](Node& node) {
            if (fault.kind == K::Lossy) troubles[index_of(node.host)].loss = share;
            if (fault.kind == K::Slow) troubles[index_of(node.host)].delay = millis(fault.amount);
        });
    }
    world_.network().weather() = now;
    for (const Node& node : nodes_)
        world_.network().trouble(node.host) = troubles[index_of(node.host)];
}

void MeshCluster::starve(std::size_t number, bool blocked) {
    const Fault& fault = plan_.faults[number];
    each(fault.who, [&](Node& node) { hold(node, blocked); });
    if (!blocked && !active_[number]) return;
    world_.schedule(world_.now() + millis(blocked ? fault.amount : fault.other),
                    [this, number, blocked] {
                        if (blocked || active_[number]) starve(number, !blocked);
                    });
}

void MeshCluster::repeat(std::size_t number) {
    if (!active_[number]) return;
    const Fault& fault = plan_.faults[number];
    Duration again = 200ms;
    if (fault.kind == K::Burst) {
        each(fault.who, [&](Node& node) { write(node, fault.amount); });
    } else {
        // One neighbour after another, and hardly ever all at once.
        again = millis(std::max(50u, fault.amount * 10));
        Node& node = nodes_[rng_.below(nodes_.size())];
        if ((fault.who >> index_of(node.host) & 1) != 0) world_.reset_streams(node.host);
    }
    world_.schedule(world_.now() + again, [this, number] { repeat(number); });
}

}  // namespace anode::sim
