#include <algorithm>

#include "sim/cluster.hpp"

/// The faults of Cluster: what each does when it begins, while it lasts and when it ends.
namespace anode::sim {
namespace {

namespace m = membership;
using K = FaultKind;

std::vector<bool> set_of(Hosts hosts, std::size_t size) {
    std::vector<bool> set(size);
    for (std::size_t host = 0; host < size && host < 64; ++host)
        set[host] = (hosts >> host & 1) != 0;
    return set;
}

bool disturbs(K kind) noexcept {
    return kind != K::Kill && kind != K::PowerOff && kind != K::Leave && kind != K::Wishes;
}

Duration millis(std::uint32_t count) { return std::chrono::milliseconds(count); }

}  // namespace

void Cluster::begin(std::size_t number) {
    const Fault& fault = plan_.faults[number];
    active_[number] = true;
    if (disturbs(fault.kind)) ++disturbing_;
    const std::size_t hosts = world_.hosts();
    const auto cut = [&](Hosts from, Hosts to) {
        cuts_[number].push_back(world_.network().cut({set_of(from, hosts), set_of(to, hosts)}));
    };
    switch (fault.kind) {
        case K::Loss:
        case K::Duplicate:
        case K::Spikes:
        case K::Lossy:
        case K::Slow:
            weather();
            break;
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
        case K::Move:
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
                world_.with(node.host, [](Machine& machine, Instant now, Kernel& kernel) {
                    static_cast<Member&>(machine).wish(m::Leave{}, now, kernel);
                });
                world_.schedule(world_.now() + 2s, [this, &node, boots = node.boots] {
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
        case K::NoNames:
            world_.name_server(false);
            break;
        case K::Reset:
        case K::Wishes:
        case K::Noise:
        case K::Forgery:
        case K::Replay:
            repeat(number);
            break;
        default:  // of the data plane, which is not here
            break;
    }
}

void Cluster::end(std::size_t number) {
    const Fault& fault = plan_.faults[number];
    active_[number] = false;
    --left_;
    if (disturbs(fault.kind) && --disturbing_ == 0) undisturbed_ = world_.now();
    for (const std::uint64_t cut : cuts_[number]) world_.network().heal(cut);
    switch (fault.kind) {
        case K::Loss:
        case K::Duplicate:
        case K::Spikes:
        case K::Lossy:
        case K::Slow:
            weather();
            break;
        case K::Kill:
        case K::PowerOff:
            each(fault.who, [&](Node& node) { --node.down, bring_up(node); });
            break;
        case K::Leave:
            each(fault.who, [&](Node& node) {
                take_down(node, false);
                --node.down, bring_up(node);
            });
            break;
        case K::Move:
            each(fault.who, [&](Node& node) {
                const unsigned host = index_of(node.host);
                --node.down;
                if (node.down > 0) return;  // somebody else keeps it down: it returns where it was
                const Address to =
                    Address::v4(10, 1, ++moves_, static_cast<std::uint8_t>(host), 7946);
                world_.move(node.host, to);
                world_.add_name("h" + std::to_string(host), {to});
                bring_up(node);
            });
            break;
        case K::Pause:
            each(fault.who, [&](Node& node) { hold(node, false); });
            break;
        case K::NoNames:
            world_.name_server(true);
            break;
        default:
            break;
    }
}

/// Fair weather, and the worst of what is going on.
void Cluster::weather() {
    Weather now = plan_.weather;
    std::vector<Network::Trouble> troubles(nodes_.size());
    for (std::size_t number = 0; number < plan_.faults.size(); ++number) {
        if (!active_[number]) continue;
        const Fault& fault = plan_.faults[number];
        const double share = fault.amount / 1000.0;
        switch (fault.kind) {
            case K::Loss:
                now.loss = std::max(now.loss, share);
                break;
            case K::Duplicate:
                now.duplicate = std::max(now.duplicate, share);
                break;
            case K::Spikes:
                now.spike = 0.1;
                now.spike_max = std::max(now.spike_max, millis(fault.amount));
                break;
            case K::Lossy:
                each(fault.who, [&](Node& node) { troubles[index_of(node.host)].loss = share; });
                break;
            case K::Slow:
                each(fault.who, [&](Node& node) {
                    troubles[index_of(node.host)].delay = millis(fault.amount);
                });
                break;
            default:
                break;
        }
    }
    world_.network().weather() = now;
    for (const Node& node : nodes_)
        world_.network().trouble(node.host) = troubles[index_of(node.host)];
}

/// Blocked and running in turn, until the fault has ended.
void Cluster::starve(std::size_t number, bool blocked) {
    const Fault& fault = plan_.faults[number];
    each(fault.who, [&](Node& node) { hold(node, blocked); });
    if (!blocked && !active_[number]) return;
    world_.schedule(world_.now() + millis(blocked ? fault.amount : fault.other),
                    [this, number, blocked] {
                        if (blocked || active_[number]) starve(number, !blocked);
                    });
}

void Cluster::repeat(std::size_t number) {
    if (!active_[number]) return;
    const Fault& fault = plan_.faults[number];
    act(fault);
    world_.schedule(world_.now() + millis(std::max(1u, fault.amount)),
                    [this, number] { repeat(number); });
}

void Cluster::act(const Fault& fault) {
    const auto one_of = [&](Hosts hosts) -> Node* {
        std::vector<Node*> all;
        each(hosts, [&](Node& node) { all.push_back(&node); });
        return all.empty() ? nullptr : all[rng_.below(all.size())];
    };
    Node* to = one_of(fault.who);
    if (to == nullptr) return;
    const Address& address = world_.address(to->host);
    switch (fault.kind) {
        case K::Reset:
            world_.reset_streams(to->host);
            break;
        case K::Wishes:
            wish(*to);
            break;
        case K::Noise:
            stranger_->noise(address);
            break;
        case K::Replay:
            stranger_->echo(address);
            break;
        case K::Forgery: {
            const Node* about = one_of(fault.whom);
            if (about == nullptr) return;
            std::vector<Stranger::Target> members;
            for (const Node& node : nodes_)
                members.push_back({node.name, world_.address(node.host)});
            stranger_->lie(address, {about->name, world_.address(about->host)}, members);
            break;
        }
        default:
            break;
    }
}

void Cluster::wish(Node& node) {
    const Node& other = nodes_[rng_.below(nodes_.size())];
    m::Input input;
    switch (rng_.below(9)) {
        case 0:
            input = m::SetMeta{Bytes(rng_.below(400), 'm')};
            break;
        case 1:
            input = m::SetMeta{Bytes(700, 'm')};
            break;
        case 2:
            input = m::Broadcast{Bytes(1 + rng_.below(1500), 'b')};
            break;
        case 3: {  // a packet's worth without a stream; more is the caller's own affair
            const bool reliable = rng_.chance(0.5);
            input =
                m::SendUser{other.name, Bytes(rng_.below(reliable ? 50'000 : 1000), 'u'), reliable};
            break;
        }
        case 4:
            input = m::SendUser{"nobody", "x", rng_.chance(0.5)};
            break;
        case 5:
            input = m::LinkLost{other.name};
            break;
        case 6:
            input = m::JoinContact{rng_.chance(0.5) ? "nowhere.example:7946" : "::/:"};
            break;
        case 7:
            input = m::SetUserState{Bytes(rng_.below(100'000), 's')};
            break;
        default:
            input = m::Forget{other.name};
            break;
    }
    world_.with(node.host, [&](Machine& machine, Instant now, Kernel& kernel) {
        static_cast<Member&>(machine).wish(input, now, kernel);
    });
}

}  // namespace anode::sim
