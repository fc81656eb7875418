#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/cluster/mesh_node.hpp"
#include "app/engine.hpp"
#include "core/state/state.hpp"
#include "runtime/loop.hpp"
#include "store/store.hpp"

namespace anode::app {

/// The registers that all nodes agree on, as the rest of the node uses them: definitions of sources, pipelines and retention,
/// tokens, ownership. Writes are entries of our system lane; other nodes' entries and frames come in through the engine.
/// Thread:  the engine's, unless a comment says otherwise.
class SharedState {
public:
    /// `mesh`: null for a node that has no others.
    SharedState(Loop& engine_loop, Engine& engine, Store& store, MeshNode* mesh,
                const NodeId& self);

    /// Reads what was persisted. Before the loops start; listeners are registered before it.
    void restore();
    /// Hears of every change of a kind, ours included, and at restore() of every living item.
    using Listener = std::function<void(const state::Item& item, bool local)>;
    void on_change(std::string kind, Listener listener) {
        listeners_[std::move(kind)].push_back(std::move(listener));
    }

    /// Hears what other nodes write to their system lanes beside the small state: events, gaps.
    void on_entry(std::function<void(const LogKey& log, const Entry& entry)> listener) {
        entry_listener_ = std::move(listener);
    }
    /// Hears what other nodes ask and answer about our lanes.
    void on_seen(std::function<void(const LogKey& log, const Entry& entry)> listener) {
        seen_listener_ = std::move(listener);
    }
    /// Hears when all linked nodes have agreed with us on everything; at most every ten seconds.
    void on_in_sync(std::function<void()> listener) { in_sync_listener_ = std::move(listener); }

    using Reply = std::move_only_function<void(Result<state::Item> item)>;
    struct Wish {
        std::string kind, key;
        std::optional<Bytes> value = {};  ///< none: delete
        bool revoke = false;
        /// Only if the register has it ("": only if there is none).
        std::optional<std::string> if_stamp = {};
        bool adopted = false;  ///< see state::Write
    };
    /// The reply comes at once, when our own registers have it; Settling is the way to wait for the others.
    void write(Wish wish, Reply reply);
    /// Where in our system lane the last write stands; 0: this run wrote nothing.
    [[nodiscard]] Seq last_entry() const noexcept { return last_entry_; }

    [[nodiscard]] const state::Item* find(std::string_view kind, std::string_view key) const {
        return state_.find(kind, key);
    }
    [[nodiscard]] std::vector<const state::Item*> all(std::string_view kind) const {
        return state_.all(kind);
    }
    [[nodiscard]] std::vector<state::Earlier> history(std::string_view kind,
                                                      std::string_view key) const {
        return state_.history(kind, key);
    }
    [[nodiscard]] const state::State& machine() const noexcept { return state_; }

    /// From the mesh, by post to the engine's loop.
    void peer_up(const NodeId& node) { handle(state::PeerUp{node}); }
    void peer_down(const NodeId& node) { handle(state::PeerDown{node}); }
    void from_peer(const NodeId& node, std::uint8_t type, BytesView body) {
        handle(state::FromPeer{node, type, body});
    }
    /// Frames of the small state.
    static constexpr std::uint8_t kFirstFrame = 40, kLastFrame = 42;

private:
    void handle(const state::Input& input);
    void perform(state::Output& output);
    void arm();

    Loop& loop_;
    Engine& engine_;
    Store& store_;
    MeshNode* mesh_;
    NodeId self_;
    state::State state_;
    std::map<std::string, std::vector<Listener>, std::less<>> listeners_;
    std::function<void(const LogKey&, const Entry&)> entry_listener_, seen_listener_;
    std::function<void()> in_sync_listener_;
    std::map<std::uint64_t, Reply> waiting_;
    std::uint64_t next_write_ = 1;
    Seq last_entry_ = 0;
    bool busy_ = false;
    std::vector<std::function<void()>> later_;  ///< inputs that came while outputs were performed
    bool armed_ = false;
    Instant armed_at_{};
};

}  // namespace anode::app
