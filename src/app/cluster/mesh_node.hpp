#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "app/cluster/mesh_metrics.hpp"
#include "app/config/config.hpp"
#include "app/engine.hpp"
#include "app/identity.hpp"
#include "app/ledger.hpp"
#include "core/membership/outbox.hpp"
#include "runtime/loop.hpp"
#include "runtime/mesh_driver.hpp"

namespace anode::app {

/// This node's part in the data plane: our blocks go out to the others, theirs come into the engine and the store.
/// Thread:  the mesh has a loop of its own; reads of the store for neighbours have a thread. Public methods from any thread,
///          open(), start() and end() from the one that builds and ends the node.
/// Limits:  what came in and is not stored yet: past 32 MiB repair waits.
class MeshNode final : public Outlet {
public:
    struct World {
        Loop& engine_loop;
        bool
            own_thread;  ///< else it runs on the engine's: two switches less on the way of every message
        Engine& engine;
        Store& store;
        Ledger& ledger;
        metrics::Registry& metrics;
    };
    /// Called on the mesh's thread.
    struct Hooks {
        std::function<void(const NodeId& node)> peer_up;
        std::function<void(const NodeId& node, mesh::LinkEnd end)> peer_down;
        std::function<void(const NodeId& from, std::uint8_t type, BytesView body)> from_peer;
    };
    /// Errors: those of the sockets, the key ring and the certificates, naming the configuration's key.
    static Result<std::unique_ptr<MeshNode>> open(const Config& config, const Identity& identity,
                                                  std::string name, std::vector<Bytes> ring_keys,
                                                  World world);
    ~MeshNode() override;

    void set_hooks(Hooks hooks) { hooks_ = std::move(hooks); }
    void start();
    /// Closes all links and ends the threads.
    void end();

    /// What membership says of a member that takes part in the mesh; of others nothing comes of it.
    void member(const membership::MemberChanged& changed);
    void set_keys(std::vector<Bytes> ring_keys);
    void drain(bool on) { driver_->post(mesh::Drain{on}); }
    void send(const NodeId& to, std::uint8_t type, Bytes body);
    /// Looks at the machine on its thread.
    void look(std::move_only_function<void(const mesh::Mesh&, const MeshTraffic&)> look);

    [[nodiscard]] std::uint16_t port() const noexcept { return driver_->port(); }
    [[nodiscard]] std::size_t peers_up() const noexcept {
        return peers_up_.load(std::memory_order_relaxed);
    }
    /// Our clock less that of the linked node whose clock is farthest from ours. Any thread.
    [[nodiscard]] std::chrono::microseconds clock_offset() const noexcept {
        return std::chrono::microseconds(clock_offset_us_.load(std::memory_order_relaxed));
    }
    [[nodiscard]] const Loop& loop() const noexcept { return loop_; }

    std::size_t peers() const override { return peers_up(); }
    void sealed(const BlockPtr& block, const BlockWirePtr& wire) override;
    void stored(const std::vector<BlockPtr>& blocks) override;
    void await_copies(LogKey log, Seq seq, unsigned copies, Duration timeout,
                      Copies reply) override;

private:
    MeshNode(const Identity& identity, World world);
    void on_output(const mesh::Output& output, const mesh::Outbox& outbox);
    void on(const mesh::Deliver& deliver);
    void judge(const Block& block);
    void blame(const LogKey& log, mesh::Fault fault, std::string_view what, std::string detail);
    void on(const mesh::Remember& remember);
    void on(const mesh::Load& load);
    void on(const mesh::GapOpened& gap);
    void on(const mesh::GapClosed& gap);
    void on(const mesh::ClockOffset& offset);
    void on(const mesh::Notice& notice);
    void hand_in();
    void aside(std::move_only_function<void()> task);
    void work();
    void look_at_retention();
    void count();

    const NodeId self_;
    const World world_;
    Hooks hooks_;
    std::unique_ptr<Loop> own_loop_;
    Loop& loop_;
    MeshMetrics metrics_;
    std::unique_ptr<MeshDriver> driver_;

    // The mesh's thread.
    std::vector<RemoteBlock> inbound_;
    std::vector<Record> records_;
    bool hand_in_due_ = false;
    std::map<std::uint64_t, Copies> copies_;
    std::uint64_t next_copies_ = 1;
    std::map<LogKey, Seq> lowest_;
    bool ended_ = false;
    std::map<NodeId, Duration> offsets_;  ///< of linked nodes
    void weigh_offsets();

    std::atomic<std::uint64_t> unstored_{0};  ///< bytes of blocks that came in and are not synced
    std::atomic<bool> pressed_{false};
    std::atomic<std::size_t> peers_up_{0};
    std::atomic<std::int64_t> clock_offset_us_{0};

    std::mutex mutex_;
    std::condition_variable wakes_;
    std::deque<std::move_only_function<void()>> tasks_;
    bool ending_ = false;
    std::thread worker_;
};

}  // namespace anode::app
