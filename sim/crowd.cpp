#include "sim/crowd.hpp"

#include "base/assert.hpp"
#include "core/message/block.hpp"

namespace anode::sim {
namespace {

constexpr Duration kRaceEvery = 2s;
constexpr WallTime kBegins = 1'800'000'000'000'000;
constexpr std::size_t kCacheBytes =
    64 * 1024;  ///< of one node; what is older is read from its store

Address address_of(std::size_t number) {
    return Address::v4(10, static_cast<std::uint8_t>(number >> 16),
                       static_cast<std::uint8_t>(number >> 8 & 0xff),
                       static_cast<std::uint8_t>(number & 0xff), 7402);
}

}  // namespace

Crowd::Crowd(const Options& options)
    : options_(options), world_(options.seed, options.weather), rng_(world_.rng(3)) {
    std::vector<mesh::Peer> peers;
    for (unsigned number = 0; number < options_.nodes; ++number) {
        world_.add_host(address_of(number));
        rng_.fill(ids_.emplace_back().bytes);
        peers.push_back(peer(number));
        if (number < options_.origins) origin_of_.emplace(ids_[number], number);
    }
    sent_.assign(options_.origins, {Instant{}});
    raced_.assign(options_.origins, Instant{});
    all_ = std::make_shared<const mesh::Directory>("orchard", std::move(peers));
    for (unsigned number = 0; number < options_.nodes; ++number) boot(number);
}

mesh::Peer Crowd::peer(unsigned number) const {
    mesh::Peer peer;
    peer.node = ids_[number];
    peer.epoch = {1};
    peer.name = "n" + std::to_string(number);
    if (options_.zones > 1) peer.zone = "zone" + std::to_string(number % options_.zones);
    peer.address = address_of(number).text();
    return peer;
}

void Crowd::boot(unsigned number) {
    const mesh::Peer self = peer(number);
    MeshNode::Options options;
    options.config.node = self.node;
    options.config.epoch = self.epoch;
    options.config.name = self.name;
    options.config.cluster = "orchard";
    options.config.zone = self.zone;
    options.config.cache_bytes = kCacheBytes;
    options.seed = rng_.next();
    options.wall = kBegins + world_.now().time_since_epoch() / 1us;
    disks_.push_back(std::make_unique<Disk>());
    world_.boot(
        HostId{number},
        std::make_unique<MeshNode>(std::move(options), *disks_.back(),
                                   [this, number](const mesh::Output& output, const mesh::Outbox&) {
                                       note(number, output);
                                   }),
        world_.now() + 1s);
    use(number, [&](MeshNode& node, Instant now, Kernel& kernel) {
        node.tell(mesh::PeersKnown{all_}, now, kernel);
    });
}

const mesh::Mesh& Crowd::mesh(unsigned number) {
    return static_cast<const MeshNode*>(world_.machine(HostId{number}))->mesh();
}

std::vector<unsigned> Crowd::living() const {
    std::vector<unsigned> living;
    for (unsigned number = 0; number < ids_.size(); ++number)
        if (runs(number)) living.push_back(number);
    return living;
}

void Crowd::publish(unsigned origin) {
    use(origin, [&](MeshNode& node, Instant now, Kernel& kernel) {
        sent_[origin].push_back(world_.now());
        // As a whole node does it.
        const bool races = world_.now() >= raced_[origin] + kRaceEvery;
        if (races) raced_[origin] = world_.now();
        Draft draft;
        draft.topic = "t";
        const std::string payload(options_.payload, 'x');
        draft.payload = payload;
        const auto block = node.publish(kDataLane, std::span(&draft, 1), now, kernel,
                                        races ? block_flag::kRace : 0);
        ANODE_ASSERT(block.last() + 1 == sent_[origin].size());
    });
}

void Crowd::crash(unsigned number, bool silent) {
    if (silent)
        world_.power_off(HostId{number});
    else
        world_.kill(HostId{number});
}

void Crowd::tell_gone(unsigned number, const std::vector<unsigned>& dead) {
    use(number, [&](MeshNode& node, Instant now, Kernel& kernel) {
        for (const unsigned one : dead) node.tell(mesh::PeerGone{ids_[one], false}, now, kernel);
    });
}

unsigned Crowd::join() {
    const auto number = static_cast<unsigned>(ids_.size());
    world_.add_host(address_of(number));
    rng_.fill(ids_.emplace_back().bytes);
    boot(number);
    return number;
}

void Crowd::tell_seen(unsigned number, const std::vector<unsigned>& newcomers) {
    use(number, [&](MeshNode& node, Instant now, Kernel& kernel) {
        for (const unsigned one : newcomers)
            if (one != number) node.tell(mesh::PeerSeen{peer(one)}, now, kernel);
    });
}

mesh::Counters Crowd::sum() {
    mesh::Counters sum;
    for (const unsigned number : living()) {
        const mesh::Counters& one = mesh(number).counters();
        sum.blocks_in += one.blocks_in, sum.duplicates += one.duplicates;
        sum.messages_in += one.messages_in, sum.links += one.links;
        sum.payload_out += one.payload_out, sum.control_out += one.control_out;
        sum.switches += one.switches, sum.races += one.races, sum.repaired += one.repaired;
    }
    return sum;
}

void Crowd::note(unsigned number, const mesh::Output& output) {
    const auto* deliver = std::get_if<mesh::Deliver>(&output);
    if (deliver == nullptr || deliver->log.lane != kDataLane) return;
    const std::uint32_t origin = origin_of_.at(deliver->log.node);
    for (Seq seq = deliver->block.first; seq <= deliver->block.last(); ++seq)
        arrivals_.push_back({number, origin, seq, world_.now() - sent_[origin].at(seq),
                             world_.now(), static_cast<std::uint8_t>(deliver->hops + 1),
                             deliver->late});
}

template <class F>
void Crowd::use(unsigned number, F&& use) {
    world_.with(HostId{number}, [&](Machine& machine, Instant now, Kernel& kernel) {
        use(static_cast<MeshNode&>(machine), now, kernel);
    });
}

}  // namespace anode::sim
