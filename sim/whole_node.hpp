#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/node/content_window.hpp"
#include "core/ownership/ownership.hpp"
#include "core/state/state.hpp"
#include "sim/member.hpp"
#include "sim/mesh_node.hpp"
#include "sim/owner_watch.hpp"

namespace anode::sim {

/// What an outsider sees of a whole node, beside what its mesh and its membership tell.
class NodeWatcher {
public:
    virtual ~NodeWatcher() = default;
    virtual void told(const mesh::Output& output) = 0;
    virtual void sealed(const LogKey& log, const mesh::WireBlock& block) = 0;
    /// A listener of this node would get this item of a feed now.
    virtual void shown(const std::string& source, std::uint64_t item) = 0;
    /// The node put this item into its own log.
    virtual void published(const std::string& source, std::uint64_t item, Seq seq) = 0;
    virtual void changed(const state::Item& item) = 0;
    virtual void moved(const std::string& line) = 0;
    /// The number of the newest item that a feed has.
    virtual std::uint64_t newest(const std::string& source) = 0;
};

/// A node of the cluster in one process: the production Membership, Mesh, State and Ownership, wired as the program wires them,
/// with feeds of numbered items in the place of sources.
/// Time: as Member and MeshNode; both see the same clocks.
class WholeNode final : public Machine {
public:
    struct Options {
        membership::Config gossip;  ///< its metadata is made here
        membership::KeyRing keys;
        std::shared_ptr<membership::NamePool> names;
        MeshNode::Options mesh;
        Address data;  ///< where its mesh listens
        std::vector<std::string> sources;
        bool alone = false;
    };
    WholeNode(Options options, Disk& disk, NodeWatcher& watcher);

    void handle(const Happening& happening, Instant now, Kernel& kernel) override;
    [[nodiscard]] Instant due() const noexcept override;

    // Through World::with().
    void use_mesh(const std::function<void(MeshNode&, Instant, Kernel&)>& use, Instant now,
                  Kernel& kernel);
    void write(state::Write wish, Instant now, Kernel& kernel);
    /// Hands its sources over, then says farewell.
    void leave(Instant now, Kernel& kernel);

    [[nodiscard]] const MeshNode& mesh() const noexcept { return mesh_; }
    [[nodiscard]] const membership::Membership& membership() const noexcept {
        return member_.membership();
    }
    [[nodiscard]] const state::State& state() const noexcept { return state_; }
    [[nodiscard]] const ownership::Ownership& owners() const noexcept { return owners_; }
    [[nodiscard]] bool runs(const std::string& source) const { return running_.contains(source); }

private:
    class Door;
    struct Position {
        Hlc at;
        std::uint64_t item = 0;
    };
    void to_member(const Happening& happening, Instant now, Kernel& kernel);
    void to_mesh(const Happening& happening, Instant now, Kernel& kernel);
    void on_member(const membership::Output& output);
    void on_mesh(const mesh::Output& output, const mesh::Outbox& outbox);
    void restore();
    void remember(const LogKey& log, const mesh::WireBlock& wire, bool show);
    void to_state(const state::Input& input);
    void to_owners(const ownership::Input& input);
    void to_owners(const OwnerWatch::Inputs& inputs);
    void perform(state::Output& output);
    void perform(const ownership::Output& output);
    void on_changed(const state::Item& item);
    void tell_sources();
    void declare();
    void run(const ownership::Run& how);
    void own_timers();
    void pump();
    void drain(Instant now, Kernel& kernel);
    void defer(std::function<void()> task) { tasks_.push_back(std::move(task)); }
    void tell_mesh(const mesh::Input& input);
    void publish(Lane lane, std::span<const Draft> drafts);

    Options options_;
    Disk& disk_;
    NodeWatcher& watcher_;
    Member member_;
    MeshNode mesh_;
    state::State state_;
    ownership::Ownership owners_;
    OwnerWatch watch_;
    ContentWindow contents_;
    std::map<std::string, Position> positions_;     ///< the newest of each source, by its stamp
    std::map<std::string, std::uint64_t> running_;  ///< the last item that we brought
    std::set<StreamNumber> of_mesh_;                ///< accepted streams
    std::deque<std::function<void()>> tasks_;       ///< what production posts from loop to loop
    Instant now_{}, started_{}, beat_{}, pump_{};
    Kernel* kernel_ = nullptr;
    bool warm_ = false;
    std::optional<Instant> leaves_;
    std::uint64_t next_write_ = 1;
};

}  // namespace anode::sim
