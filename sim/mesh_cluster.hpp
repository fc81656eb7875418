#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/ledger.hpp"
#include "sim/mesh_node.hpp"
#include "sim/mesh_stranger.hpp"
#include "sim/scenario.hpp"
#include "sim/truth.hpp"
#include "sim/whole_node.hpp"
#include "sim/world.hpp"

namespace anode::sim {

/// Meshes of one plan in a world, the faults that befall them, and the truth about what was published.
/// Of plans for meshes alone, membership is an oracle: it knows who reaches whom, directly or over one other, and tells each
/// node so after a delay. Plans for whole nodes have the production's membership, small state and ownership instead.
class MeshCluster {
public:
    struct Node {
        HostId host{};
        std::string name;
        NodeId id;
        Epoch epoch;
        std::unique_ptr<Disk> disk = std::make_unique<Disk>();
        Book book;
        std::uint64_t boots = 0;
        unsigned down = 0, paused = 0;
        bool for_good = false, left = false, resigned = false;
        bool spare = false;  ///< a twin's host: it runs only while the fault lasts
        double rate = 0;     ///< blocks a second
        Duration sync = 2ms, skew{};
        std::map<std::uint64_t, std::pair<LogKey, Seq>> awaited;
        std::unique_ptr<NodeWatcher> watcher;  ///< of a whole node's run, with what it saw
        Truth::Run run;
    };
    using Tell = std::function<void(const std::string& line)>;

    MeshCluster(const Plan& plan, Ledger::Broken broken, Tell tell);

    World& world() noexcept { return world_; }
    [[nodiscard]] std::vector<Node>& nodes() noexcept { return nodes_; }
    [[nodiscard]] const Ledger& ledger() const noexcept { return ledger_; }
    [[nodiscard]] const MeshNode* mesh(const Node& node) {
        if (!plan_.whole()) return static_cast<const MeshNode*>(world_.machine(node.host));
        const WholeNode* found = whole(node);
        return found == nullptr ? nullptr : &found->mesh();
    }
    /// Of a plan for whole nodes; null if it does not run.
    [[nodiscard]] const WholeNode* whole(const Node& node) {
        return static_cast<const WholeNode*>(world_.machine(node.host));
    }
    void begin_faults();
    [[nodiscard]] bool quiet() const noexcept { return begun_ && left_ == 0; }
    void end_publishing();
    /// Every log that is written at all gets one message more.
    void last_word();
    /// Checks what must hold at any time.
    void look();
    /// All running nodes are settled and hold the same. Otherwise, in words, why not.
    std::optional<std::string> unequal();
    /// Parents form a tree towards each living origin (I8). A log that nothing was written to since its tree was torn may go in
    /// a circle until the next message, which breaks it.
    std::optional<std::string> crooked();
    [[nodiscard]] const mesh::Counters& totals();
    [[nodiscard]] std::uint64_t feed_items() const noexcept { return truth_ ? truth_->items() : 0; }

private:
    struct Known {
        bool there = false;
        NodeId id;
        Epoch epoch;
        std::optional<Instant> differs;
        Duration delay{};
    };
    class Watcher;
    // Those who do not belong: an intruder, and a node's twin.
    void let_in(const Fault& fault);
    void throw_out(const Fault& fault);
    void start_twin(const Fault& fault);
    void end_twin();
    [[nodiscard]] std::vector<MeshStranger::Target> victims();
    void boot(Node& node);
    void rename(Node& node);
    void take_down(Node& node, bool silent);
    void bring_up(Node& node);
    void hold(Node& node, bool paused);
    void begin(std::size_t number);
    void end(std::size_t number);
    void weather();
    void starve(std::size_t number, bool blocked);
    void repeat(std::size_t number);
    void oracle();
    void tell_of(Node& observer, Known& known, Node& about, bool reached);
    [[nodiscard]] bool reaches(const Node& from, const Node& to) const;
    void write_some();
    void write(Node& node, unsigned blocks);
    void note(Node& node, const mesh::Output& output);
    // Of whole nodes.
    std::unique_ptr<Machine> make_whole(Node& node, MeshNode::Options options);
    void prepare_hosts();
    void write_state(Node& node);
    void look_at_owners();
    [[nodiscard]] std::optional<std::string> whole_unequal();
    [[nodiscard]] std::vector<unsigned> components() const;
    [[nodiscard]] bool disturbed() const;
    void told(const std::string& line);
    void use(Node& node, const std::function<void(MeshNode&, Instant, Kernel&)>& use);
    template <class F>
    void each(Hosts hosts, F&& use) {
        for (Node& node : nodes_)
            if ((hosts >> index_of(node.host) & 1) != 0) use(node);
    }

    Plan plan_;
    World world_;
    Tell tell_;
    Rng rng_;
    Ledger::Broken broken_;
    Ledger ledger_;
    std::vector<Node> nodes_;
    std::vector<std::unique_ptr<Disk>> lost_disks_;
    std::map<std::pair<std::uint32_t, std::uint32_t>, Known> known_;
    std::vector<bool> active_;
    std::map<std::size_t, std::vector<std::uint64_t>> cuts_;
    std::size_t left_ = 0;
    bool begun_ = false, publishing_ = true;
    unsigned rings_above_ = 24;
    std::size_t cache_ = 256u << 20;
    std::uint64_t uplink_ = 0, next_await_ = 1;
    std::size_t filler_ = 0;  ///< bytes of every payload, beside what makes it unlike others
    mesh::Counters totals_;
    std::optional<Truth> truth_;
    std::shared_ptr<membership::NamePool> names_;
    std::optional<HostId> intruder_host_;
    NodeId intruder_;
    unsigned intruders_ = 0, twins_ = 0;
    std::vector<std::uint64_t> together_;  ///< who could reach whom when we looked last
    Instant together_since_{};
};

}  // namespace anode::sim
