#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>

#include "core/mesh/mesh.hpp"
#include "core/message/message.hpp"
#include "sim/disk.hpp"
#include "sim/machine.hpp"

namespace anode::sim {

/// The production Mesh as a process of the world, with a model of its store and of its way out: the runtime of the data plane on
/// virtual time.
/// Time: the wall clock follows the process's monotonic one and may be skewed.
class MeshNode final : public Machine {
public:
    struct Options {
        mesh::Config config;
        std::uint64_t seed = 0;
        WallTime wall = 0;  ///< when it boots
        Duration sync = 2ms, read = 500us;
        std::uint64_t bytes_per_second = 0;  ///< of its way out; 0: no limit
    };
    /// Every output that is not for the kernel or the store, and Deliver, in order; before the store has what it says.
    using Witness = std::function<void(const mesh::Output&, const mesh::Outbox&)>;

    MeshNode(Options options, Disk& disk, Witness witness);

    void handle(const Happening& happening, Instant now, Kernel& kernel) override;
    [[nodiscard]] Instant due() const noexcept override;

    // Through World::with().
    void tell(const mesh::Input& input, Instant now, Kernel& kernel);
    /// Seals a block of our own run and hands it on; the store gets it as well.
    mesh::WireBlock publish(Lane lane, const std::vector<std::string>& payloads,
                            std::string_view topic, Instant now, Kernel& kernel);
    mesh::WireBlock publish(Lane lane, std::span<const Draft> drafts, Instant now, Kernel& kernel,
                            std::uint8_t flags = 0);
    void skew_wall(Duration by) { options_.wall += by / 1us; }
    void sync_takes(Duration latency) { options_.sync = latency; }
    void keep(std::string key, std::optional<Bytes> value) {
        store_.append(ModelStore::Record{std::move(key), std::move(value)});
    }

    [[nodiscard]] const mesh::Mesh& mesh() const noexcept { return machine_; }
    [[nodiscard]] LogKey log(Lane lane) const {
        return {options_.config.node, options_.config.epoch, lane};
    }
    [[nodiscard]] Seq sealed(Lane lane) const noexcept {
        const auto found = sealed_.find(lane);
        return found == sealed_.end() ? 0 : found->second;
    }
    [[nodiscard]] WallTime wall(Instant now) const noexcept {
        return options_.wall + (now - booted_) / 1us;
    }

private:
    struct Leaving {
        Instant at;
        StreamNumber stream = 0;
        std::optional<Bytes> bytes;  ///< none: close it
    };
    struct Reading {
        Instant at;
        mesh::Load load;
    };
    void step(const mesh::Input& input, Instant now, Kernel& kernel);
    void perform(const mesh::Output& output, Instant now, Kernel& kernel);
    void send(StreamNumber stream, std::optional<Bytes> bytes, Instant now, Kernel& kernel);
    void own_timers(Instant now, Kernel& kernel);
    void check(Kernel& kernel);

    Options options_;
    ModelStore store_;
    Witness witness_;
    mesh::Mesh machine_;
    mesh::Outbox outbox_;
    std::deque<mesh::Input> pending_;
    std::deque<Leaving> leaving_;
    std::map<StreamNumber, std::size_t> unsent_;
    std::set<StreamNumber> open_;
    std::set<StreamNumber> room_;
    std::deque<Reading> reading_;
    std::map<Lane, Seq> sealed_;
    Hlc last_hlc_;
    Instant booted_{}, last_{}, free_at_{};
    unsigned calls_at_once_ = 0;
};

}  // namespace anode::sim
