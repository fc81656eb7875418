#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "sim/experiments.hpp"
#include "sim/figures.hpp"
#include "sim/mesh_node.hpp"
#include "sim/world.hpp"

/// How far and how fast one message travels in a large mesh, how often its payload is sent, and what the death of a tenth costs.
namespace anode::sim {
namespace {

constexpr WallTime kBegins = 1'800'000'000'000'000;
constexpr unsigned kRings = 6;
constexpr Duration kEvery = 200ms, kQuiet = 5s;

/// Nodes on rings of chance, each told of its neighbours on them and of nobody else: what Overlay wants of a large cluster, without
/// ten thousand copies of ten thousand members.
class Crowd {
public:
    explicit Crowd(const MeshScale& what)
        : what_(what), world_(what.seed, weather_of(what)), rng_(world_.rng(3)) {
        for (unsigned number = 0; number < what.nodes; ++number) {
            world_.add_host(Address::v4(10, 0, static_cast<std::uint8_t>(number >> 8),
                                        static_cast<std::uint8_t>(number & 0xff), 7402));
            NodeId id;
            rng_.fill(id.bytes);
            ids_.push_back(id);
        }
        disks_.resize(what.nodes);
        neighbours_.resize(what.nodes);
        std::vector<unsigned> order(what.nodes);
        for (unsigned ring = 0; ring < (what.nodes <= 1500 ? kRings - 1 : kRings); ++ring) {
            for (unsigned at = 0; at < what.nodes; ++at) order[at] = at;
            for (unsigned at = what.nodes - 1; at > 0; --at)
                std::swap(order[at], order[rng_.below(at + 1)]);
            for (unsigned at = 0; at < what.nodes; ++at) {
                const unsigned one = order[at], next = order[(at + 1) % what.nodes];
                neighbours_[one].insert(next), neighbours_[next].insert(one);
            }
        }
        for (unsigned number = 0; number < what.nodes; ++number) boot(number);
        for (unsigned number = 0; number < what.nodes; ++number)
            for (const unsigned other : neighbours_[number]) introduce(number, other);
    }

    World& world() noexcept { return world_; }
    [[nodiscard]] const std::set<unsigned>& neighbours(unsigned number) const {
        return neighbours_[number];
    }
    [[nodiscard]] MeshNode* node(unsigned number) {
        return static_cast<MeshNode*>(world_.machine(HostId{number}));
    }
    void publish(unsigned number) {
        use(number, [&](MeshNode& node, Instant now, Kernel& kernel) {
            const mesh::WireBlock block = node.publish(kDataLane, {"\"x\""}, "t", now, kernel);
            sent_[{ids_[number], block.first}] = world_.now();
            log_of_.emplace(ids_[number], number);
        });
    }
    void tell_dead(unsigned number, unsigned dead) {
        use(number, [&](MeshNode& node, Instant now, Kernel& kernel) {
            node.tell(mesh::PeerGone{ids_[dead], false}, now, kernel);
        });
    }
    struct Figures {
        std::vector<Duration> latencies;
        unsigned hops = 0;
        std::uint64_t delivered = 0;
    };
    Figures take() { return std::exchange(figures_, {}); }
    [[nodiscard]] mesh::Counters sum() {
        mesh::Counters sum;
        for (unsigned number = 0; number < what_.nodes; ++number) {
            if (node(number) == nullptr) continue;
            const mesh::Counters& one = node(number)->mesh().counters();
            sum.blocks_in += one.blocks_in, sum.duplicates += one.duplicates;
            sum.messages_in += one.messages_in, sum.links += one.links;
            sum.control_out += one.control_out;
        }
        return sum;
    }

private:
    static Weather weather_of(const MeshScale& what) {
        return {
            .latency_min = 100us, .latency_max = 1ms, .jitter = 100us, .loss = what.loss / 100.0};
    }
    void boot(unsigned number) {
        MeshNode::Options options;
        options.config.node = ids_[number];
        options.config.epoch = {1};
        options.config.name = "n" + std::to_string(number);
        options.config.cluster = "orchard";
        options.seed = rng_.next();
        options.wall = kBegins;
        world_.boot(HostId{number},
                    std::make_unique<MeshNode>(
                        std::move(options), disks_[number],
                        [this](const mesh::Output& output, const mesh::Outbox&) { note(output); }),
                    Instant{} + 1s);
    }
    void introduce(unsigned number, unsigned other) {
        use(number, [&](MeshNode& node, Instant now, Kernel& kernel) {
            node.tell(mesh::PeerSeen{{ids_[other],
                                      {1},
                                      "n" + std::to_string(other),
                                      "",
                                      world_.address(HostId{other}).text(),
                                      100,
                                      false,
                                      false}},
                      now, kernel);
        });
    }
    void note(const mesh::Output& output) {
        const auto* deliver = std::get_if<mesh::Deliver>(&output);
        if (deliver == nullptr) return;
        ++figures_.delivered;
        figures_.hops = std::max<unsigned>(figures_.hops, deliver->hops);
        for (Seq seq = deliver->block.first; seq <= deliver->block.last(); ++seq)
            figures_.latencies.push_back(world_.now() - sent_.at({deliver->log.node, seq}));
    }
    template <class F>
    void use(unsigned number, F&& use) {
        world_.with(HostId{number}, [&](Machine& machine, Instant now, Kernel& kernel) {
            use(static_cast<MeshNode&>(machine), now, kernel);
        });
    }

    MeshScale what_;
    World world_;
    Rng rng_;
    std::vector<NodeId> ids_;
    std::vector<Disk> disks_;
    std::vector<std::set<unsigned>> neighbours_;
    std::map<std::pair<NodeId, Seq>, Instant> sent_;
    std::map<NodeId, unsigned> log_of_;
    Figures figures_;
};

std::string millis(Duration span) {
    return fixed(std::chrono::duration<double, std::milli>(span).count(), 1) + " ms";
}

}  // namespace

int mesh_scale(const MeshScale& what, std::ostream& out) {
    const auto began = std::chrono::steady_clock::now();
    Crowd crowd(what);
    crowd.world().run_for(kQuiet);
    out << what.nodes << " nodes, " << crowd.sum().links / what.nodes << " links each, "
        << what.origins << " origins, " << fixed(what.loss, 0)
        << " % of packets lost (so late by 200 ms and more)\n\n"
        << "| | messages | coverage | publish to a node: median, p99, last | hops of the farthest "
           "| "
           "copies per payload |\n| --- | --- | --- | --- | --- | --- |\n";
    std::vector<unsigned> living(what.nodes);
    for (unsigned number = 0; number < what.nodes; ++number) living[number] = number;
    bool whole = true;
    const auto round = [&](std::string_view name, unsigned messages, Duration then) {
        const mesh::Counters before = crowd.sum();
        static_cast<void>(crowd.take());
        for (unsigned count = 0; count < messages; ++count) {
            for (unsigned origin = 0; origin < what.origins; ++origin) crowd.publish(origin);
            crowd.world().run_for(kEvery);
        }
        crowd.world().run_for(then);
        Crowd::Figures figures = crowd.take();
        const mesh::Counters after = crowd.sum();
        const double wanted = static_cast<double>(living.size() - 1) * messages * what.origins;
        const double got = static_cast<double>(figures.latencies.size());
        const double fresh = static_cast<double>(after.messages_in - before.messages_in);
        const double repeats = static_cast<double>(after.duplicates - before.duplicates);
        whole = whole && got >= wanted;
        out << "| " << name << " | " << messages * what.origins << " | "
            << fixed(100 * got / wanted, 3) << " % | " << millis(share_of(figures.latencies, 0.5))
            << ", " << millis(share_of(figures.latencies, 0.99)) << ", "
            << millis(share_of(figures.latencies, 1)) << " | " << figures.hops << " | "
            << fixed(fresh > 0 ? (fresh + repeats) / fresh : 0, 4) << " |\n"
            << std::flush;
    };
    round("the first of each origin", 1, 3s);
    round("steady", 10, 1s);
    // A tenth dies without a word; the links find out for themselves.
    Rng rng = crowd.world().rng(4);
    for (unsigned want = what.nodes / 10; want > 0;) {
        const std::size_t pick = what.origins + rng.below(living.size() - what.origins);
        const unsigned dead = living[pick];
        living.erase(living.begin() + static_cast<std::ptrdiff_t>(pick));
        crowd.world().power_off(HostId{dead});
        --want;
    }
    round("while 10 % are dying, silently", 10, 5s);
    round("after", 10, 1s);
    rusage use{};
    getrusage(RUSAGE_SELF, &use);
    out << "\n"
        << crowd.world().traffic().events << " events in "
        << fixed(std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count(), 0)
        << " s and " << fixed(static_cast<double>(use.ru_maxrss) / 1e6, 1) << " GB\n";
    return whole ? 0 : 1;
}

}  // namespace anode::sim
