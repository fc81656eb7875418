#include "sim/cluster.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "base/hash.hpp"
#include "core/membership/node_meta.hpp"
#include "core/membership/swim/name_pool.hpp"

namespace anode::sim {
namespace {

namespace m = membership;

constexpr std::uint16_t kPort = 7946;

Address address_of(unsigned number) {
    return Address::v4(10, 0, static_cast<std::uint8_t>(number >> 8),
                       static_cast<std::uint8_t>(number & 0xff), kPort);
}

std::string name_of(unsigned number) { return "n" + std::to_string(number); }
std::string host_name(unsigned number) { return "h" + std::to_string(number); }

m::KeyRing ring_of(const Plan& plan) {
    m::KeyRing keys;
    if (plan.sealed) ANODE_ASSERT(keys.add(Bytes(32, 'k')).has_value());
    return keys;
}

}  // namespace

Cluster::Cluster(const Plan& plan, Told told)
    : plan_(plan),
      world_(plan.request.seed, plan.weather),
      told_(std::move(told)),
      rng_(world_.rng(1)),
      names_(std::make_shared<m::NamePool>()),
      keys_(ring_of(plan)) {
    nodes_.resize(plan_.members);
    for (unsigned number = 0; number < plan_.members; ++number) {
        Node& node = nodes_[number];
        node.host = world_.add_host(address_of(number));
        node.name = name_of(number);
        world_.add_name(host_name(number), {address_of(number)});
    }
    if (plan_.has(FaultKind::Noise) || plan_.has(FaultKind::Forgery) ||
        plan_.has(FaultKind::Replay)) {
        stranger_.emplace(world_, rng_.next());
        world_.watch([this](HostId from, const Address& to, BytesView bytes) {
            if (index_of(from) < nodes_.size()) stranger_->overhear(to, bytes);
        });
    }
    active_.assign(plan_.faults.size(), false);
    // Processes start within two seconds, as an operator's loop would do it.
    for (Node& node : nodes_)
        world_.schedule(world_.now() + Duration{rng_.between(0, Duration{2s}.count())},
                        [this, &node] { boot(node); });
}

const Member* Cluster::member(const Node& node) {
    return static_cast<const Member*>(world_.machine(node.host));
}

const Cluster::Node* Cluster::find(std::string_view name) const {
    const auto found = std::ranges::find(nodes_, name, &Node::name);
    return found == nodes_.end() ? nullptr : &*found;
}

void Cluster::boot(Node& node) {
    const unsigned number = index_of(node.host);
    const bool plain = (plan_.plain >> number & 1) != 0;
    m::Config config;
    config.name = node.name;
    config.advertise = world_.address(node.host);
    if (plan_.labelled) config.label = "blue";
    config.fast.on = !plain;
    config.compression = plan_.compressed;
    if (!plain) {
        m::NodeMeta meta;
        meta.capabilities = m::NodeMeta::kFast | m::NodeMeta::kData;
        meta.epoch = Epoch{node.boots + 1};
        config.meta = meta.encode();
    }
    for (unsigned contact = 0; contact < std::min(plan_.contacts, plan_.members); ++contact)
        config.contacts.push_back(host_name(contact) + ":" + std::to_string(kPort));
    node.seen.clear();
    node.since = node.undisturbed = world_.now();
    ++node.boots;
    const std::uint64_t seed = world_.rng(0x1000 + number * 1024 + node.boots).next();
    // A monotonic clock counts from the host's own start.
    const Instant clock = Instant{} + Duration{rng_.between(0, Duration{1'000'000s}.count())};
    world_.boot(
        node.host,
        std::make_unique<Member>(std::move(config), keys_, seed, names_,
                                 [this, &node](const m::Output& output) { note(node, output); }),
        clock);
}

void Cluster::note(Node& node, const m::Output& output) {
    const auto* changed = std::get_if<m::MemberChanged>(&output);
    if (changed == nullptr) return;
    if (told_) told_(node, *changed);
    switch (changed->change) {
        case m::Change::Joined:
        case m::Change::Refuted:
            node.seen[changed->member.name] = false;
            break;
        case m::Change::Suspected:
            node.seen[changed->member.name] = true;
            break;
        case m::Change::Updated:
            break;
        case m::Change::Died:
        case m::Change::Left:
        case m::Change::Forgotten:
            node.seen.erase(changed->member.name);
            break;
    }
}

void Cluster::take_down(Node& node, bool silent) {
    if (runs(node)) node.since = world_.now();
    if (silent)
        world_.power_off(node.host);
    else
        world_.kill(node.host);
    node.seen.clear();
}

void Cluster::bring_up(Node& node) {
    if (node.down > 0 || node.for_good || runs(node)) return;
    boot(node);
    if (node.paused > 0) world_.pause(node.host);
}

void Cluster::hold(Node& node, bool paused) {
    if (paused) {
        if (node.paused++ == 0) world_.pause(node.host);
    } else if (--node.paused == 0) {
        world_.resume(node.host);
        node.undisturbed = world_.now();
    }
}

std::optional<Instant> Cluster::undisturbed() const noexcept {
    if (disturbing_ > 0) return std::nullopt;
    return undisturbed_;
}

void Cluster::begin_faults() {
    begun_ = true;
    undisturbed_ = world_.now();
    for (std::size_t number = 0; number < plan_.faults.size(); ++number) {
        if (!plan_.live[number]) continue;
        ++left_;
        const Fault& fault = plan_.faults[number];
        world_.schedule(world_.now() + fault.at, [this, number] { begin(number); });
        if (plan_.request.heals)
            world_.schedule(world_.now() + fault.ends(), [this, number] { end(number); });
    }
}

bool Cluster::agrees() {
    std::size_t running = 0;
    std::optional<std::uint64_t> hash;
    for (const Node& node : nodes_) running += runs(node) ? 1 : 0;
    for (const Node& node : nodes_) {
        if (!runs(node)) continue;
        const m::Membership& view = member(node)->membership();
        if (view.alive() != running || view.count(m::MemberState::Alive) != running) return false;
        if (hash && *hash != view.view_hash()) return false;
        hash = view.view_hash();
        for (const Node& other : nodes_)
            if (runs(other) && !node.seen.contains(other.name) && &other != &node) return false;
    }
    return true;
}

}  // namespace anode::sim
