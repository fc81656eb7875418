#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "core/mesh/frames.hpp"
#include "sim/machine.hpp"

namespace anode::sim {

/// A member of the mesh that wishes it ill, or is broken: it knows the cluster's name and says HELLO as it should. Then it
/// invents heads, skips what others wrote, floods, sends what no honest node sends, or takes all and gives no credit.
/// What it tells of a log is about those of nodes that live: of the dead, any member may say what cannot be disproved.
class MeshStranger final : public Machine {
public:
    enum class Malice : std::uint8_t {
        Heads,     ///< announces and digests of messages that do not exist
        Skips,     ///< says that what others wrote cannot be had
        Damage,    ///< blocks whose checksum is wrong, cut frames, noise
        Future,    ///< well-formed blocks of its own from an hour ahead
        Huge,      ///< frames that say they are of gigabytes
        Flood,     ///< pings, queries and audits without end
        Versions,  ///< protocols to come, frames of unknown types
        Greedy,    ///< grafts everything and never gives credit
        Garbage,   ///< frames of the small state and of ownership that are noise
        Clone,     ///< HELLO with the id of a living node
    };
    static constexpr unsigned kMalices = 10;
    struct Target {
        NodeId id;
        Address address;
        std::vector<std::pair<LogKey, Seq>> logs;  ///< its own, with their heads
    };
    using Look = std::function<std::vector<Target>()>;
    /// It may publish blocks of its own, and says so.
    using Sealed = std::function<void(const LogKey& log, const mesh::WireBlock& block)>;

    MeshStranger(NodeId id, std::uint64_t seed, std::vector<Malice> ways, WallTime wall, Look look,
                 Sealed sealed);

    void handle(const Happening& happening, Instant now, Kernel& kernel) override;
    [[nodiscard]] Instant due() const noexcept override { return next_; }

private:
    struct Line {
        Target target;
        Malice malice{};
        mesh::frames::Alias aliases = 0;
        Bytes unread;
    };
    void dial(Instant now, Kernel& kernel);
    void greet(StreamNumber stream, Line& line, Instant now, Kernel& kernel);
    void harm(StreamNumber stream, Line& line, Instant now, Kernel& kernel);
    /// Names a log on this line; nothing if the other end has none.
    std::optional<std::pair<mesh::frames::Alias, Seq>> name_one(Line& line, Bytes& out);
    void future_block(Line& line, Bytes& out, Instant now);
    Bytes noise(std::size_t bytes_max);

    NodeId id_;
    Rng rng_;
    std::vector<Malice> ways_;
    WallTime wall_;
    Look look_;
    Sealed sealed_;
    std::map<StreamNumber, Line> lines_;
    StreamNumber dialled_ = 0;
    Seq own_ = 0;
    Instant next_{};
};

}  // namespace anode::sim
