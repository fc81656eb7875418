#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "core/mesh/members.hpp"
#include "sim/mesh_node.hpp"
#include "sim/world.hpp"

namespace anode::sim {

/// Many meshes that know each other from the beginning, for measurements: the production overlay over one shared list of
/// members, a store for each, no script and no checks. Membership is an oracle: who dies is told of when the caller says so.
class Crowd {
public:
    struct Options {
        unsigned nodes = 1000, origins = 4, zones = 1;
        std::size_t payload = 200;  ///< bytes of a message
        std::uint64_t seed = 1;
        Weather weather;
    };
    explicit Crowd(const Options& options);

    World& world() noexcept { return world_; }
    [[nodiscard]] std::size_t size() const noexcept { return ids_.size(); }
    [[nodiscard]] bool runs(unsigned number) const { return world_.runs(HostId{number}); }
    [[nodiscard]] const mesh::Mesh& mesh(unsigned number);
    /// Those that run, origins first.
    [[nodiscard]] std::vector<unsigned> living() const;

    void publish(unsigned origin);
    /// The process ends, and its kernel says so; or its host is gone without a word.
    void crash(unsigned number, bool silent);
    void tell_gone(unsigned number, const std::vector<unsigned>& dead);
    /// A node that nobody knows yet, which knows everybody.
    unsigned join();
    void tell_seen(unsigned number, const std::vector<unsigned>& newcomers);

    /// What reached nodes since the last look().
    struct Arrival {
        std::uint32_t node, origin;
        Seq seq;
        Duration late;  ///< since it was published
        Instant at;
        std::uint8_t hops;  ///< links it crossed on its way
        bool filled;        ///< by repair
    };
    [[nodiscard]] std::vector<Arrival> look() { return std::exchange(arrivals_, {}); }
    [[nodiscard]] mesh::Counters sum();

private:
    void boot(unsigned number);
    [[nodiscard]] mesh::Peer peer(unsigned number) const;
    void note(unsigned number, const mesh::Output& output);
    template <class F>
    void use(unsigned number, F&& use);

    Options options_;
    World world_;
    Rng rng_;
    std::vector<NodeId> ids_;
    std::vector<std::unique_ptr<Disk>> disks_;
    std::shared_ptr<const mesh::Directory> all_;
    std::map<NodeId, std::uint32_t> origin_of_;
    std::vector<std::vector<Instant>> sent_;  ///< by origin and sequence
    std::vector<Instant> raced_;              ///< by origin: its last block that said so
    std::vector<Arrival> arrivals_;
};

}  // namespace anode::sim
