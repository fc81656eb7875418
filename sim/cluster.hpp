#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/membership/outbox.hpp"
#include "sim/member.hpp"
#include "sim/scenario.hpp"
#include "sim/stranger.hpp"
#include "sim/world.hpp"

namespace anode::sim {

/// Members of one plan in a world, the faults that befall them, and the truth about who lives.
class Cluster {
public:
    /// One host of the plan and the process on it, by what an outsider can see.
    struct Node {
        HostId host{};
        std::string name;
        std::uint64_t boots = 0;
        unsigned down = 0;    ///< faults that keep it down
        unsigned paused = 0;  ///< faults that keep it paused
        bool for_good = false;
        Instant since{};                   ///< it runs since, or is gone since
        Instant undisturbed{};             ///< it was neither paused nor off since
        std::map<std::string, bool> seen;  ///< names its events told as in; true: under suspicion
    };
    /// A change that a node told of: who, what, and of whom. Called at the world's present.
    using Told = std::function<void(const Node&, const membership::MemberChanged&)>;

    Cluster(const Plan& plan, Told told);

    World& world() noexcept { return world_; }
    [[nodiscard]] const Plan& plan() const noexcept { return plan_; }
    [[nodiscard]] const std::vector<Node>& nodes() const noexcept { return nodes_; }
    [[nodiscard]] const Member* member(const Node& node);
    [[nodiscard]] bool runs(const Node& node) const { return world_.runs(node.host); }
    /// The node with this name, if the plan has it.
    [[nodiscard]] const Node* find(std::string_view name) const;

    /// Faults begin from now on.
    void begin_faults();
    /// Every fault has ended.
    [[nodiscard]] bool quiet() const noexcept { return begun_ && left_ == 0; }
    /// Paths, clocks and truth have been undisturbed since; kills do not count. Nothing: they are disturbed now.
    [[nodiscard]] std::optional<Instant> undisturbed() const noexcept;
    /// Every running node lists exactly the running nodes, and all views have one hash.
    [[nodiscard]] bool agrees();

private:
    void boot(Node& node);
    void take_down(Node& node, bool silent);
    void bring_up(Node& node);
    void begin(std::size_t number);
    void end(std::size_t number);
    void weather();
    void starve(std::size_t number, bool blocked);
    void repeat(std::size_t number);
    void act(const Fault& fault);
    void wish(Node& node);
    void hold(Node& node, bool paused);
    void note(Node& node, const membership::Output& output);
    template <class F>
    void each(Hosts hosts, F&& use) {
        for (Node& node : nodes_)
            if ((hosts >> index_of(node.host) & 1) != 0) use(node);
    }

    Plan plan_;
    World world_;
    Told told_;
    Rng rng_;
    std::shared_ptr<membership::NamePool> names_;
    membership::KeyRing keys_;
    std::vector<Node> nodes_;
    std::optional<Stranger> stranger_;
    std::vector<bool> active_;
    std::map<std::size_t, std::vector<std::uint64_t>> cuts_;
    std::size_t left_ = 0;
    bool begun_ = false;
    unsigned disturbing_ = 0;
    Instant undisturbed_{};
    std::uint8_t moves_ = 0;
};

}  // namespace anode::sim
