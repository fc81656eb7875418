#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "api/doors.hpp"
#include "app/cluster/card.hpp"
#include "app/cluster/gossip_metrics.hpp"
#include "app/config/config.hpp"
#include "app/identity.hpp"
#include "app/ledger.hpp"
#include "core/source/secret.hpp"
#include "runtime/gossip_driver.hpp"
#include "runtime/loop.hpp"

namespace anode::app {

/// This node's place in its cluster: owns the membership protocol, tells the ledger, the log and the metrics what changes in
/// it, answers the API, and keeps the key ring's file.
/// Thread: the protocol has a loop of its own, because an engine that waits for a full store must not make the node look
///         dead. Public methods come from any thread, open(), start() and end() from the one that builds and ends the node.
class Members final : public api::ClusterDoor {
public:
    struct World {
        const api::NodeFacts& facts;
        Ledger& ledger;
        metrics::Registry& metrics;
        const source::Secrets& secrets;
        /// Runs what may wait for the disk, in order, away from the protocol.
        std::function<void(Loop::Task)> aside;
        /// What the mesh wants to hear, on the protocol's thread.
        std::function<void(const membership::MemberChanged&)> changed = {};
        std::function<void(std::vector<Bytes> ring_keys)> keys_changed = {};
        /// More members were lost to death than are alive with us: we may be the smaller side of a cut.
        std::function<void(bool)> minority = {};
        std::uint16_t data_port = 0;  ///< of the mesh; 0: we take no part in it
    };

    /// Reads the key ring and binds the sockets; nobody hears of us before start().
    /// Errors: those of the key ring and the sockets, naming the configuration's key.
    static Result<std::unique_ptr<Members>> open(const Config& config, const Identity& identity,
                                                 World world);
    ~Members() override;

    /// Joins. `listening` are the addresses of our API with their real ports.
    void start(const std::vector<std::string>& listening);
    /// The mesh lost its link to this node: it is asked at once.
    void link_lost(const NodeId& node);
    /// Others see that we drain.
    void set_draining(bool on);
    /// Says goodbye; does not wait for it.
    void begin_to_leave();
    /// Waits for the goodbye to be gossiped, at most this long, and closes.
    void end(Duration patience);

    /// Cheap, no I/O. `fail` until a node with contacts has joined.
    [[nodiscard]] api::Check health() const;
    /// 0: well; higher: it answers late (Lifeguard).
    [[nodiscard]] std::uint32_t health_score() const noexcept {
        return health_score_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] const Loop& loop() const noexcept { return loop_; }
    [[nodiscard]] std::string bound() const { return driver_->bound().text(); }

    void view(Reply<api::ClusterView> reply) override;
    void join(std::vector<std::string> contacts, Reply<Result<void>> reply) override;
    void leave(Reply<Result<void>> reply) override;
    void forget(std::string id, Reply<Result<void>> reply) override;
    void keys(membership::KeyRequest request, Reply<membership::KeyReport> reply) override;
    [[nodiscard]] std::vector<std::string> urls() const override;

private:
    Members(const Config& config, World world);
    Result<void> bind(const Config& config, const Identity& identity);

    void on_output(const membership::Output& output);
    void on(const membership::MemberChanged& changed);
    void on(const membership::NameConflict& conflict);
    void on(const membership::KeyReport& report);
    void on(const membership::Notice& notice) const;
    void keep_keys();
    void has_left();
    void tick();
    void look_around();  ///< counts by state and what follows from them
    void keep_urls();
    void tell();  ///< our card, as it is now
    [[nodiscard]] api::MemberInfo info(const membership::Member& member,
                                       const std::vector<std::string>& keys) const;
    [[nodiscard]] const membership::Membership& machine() const { return driver_->machine(); }
    [[nodiscard]] bool leaving() const noexcept;

    const Config config_;
    const World world_;
    Card card_;
    std::string key_path_;
    Loop loop_;
    GossipMetrics metrics_;
    std::unique_ptr<GossipDriver> driver_;

    // The loop's own.
    bool look_due_ = false;
    std::set<std::string>
        lost_;  ///< nodes of ours that died and neither came back, left nor were forgotten
    bool minority_ = false;
    std::uint64_t next_round_ = 1;
    std::map<std::uint64_t, Reply<membership::KeyReport>> rounds_;
    std::vector<Reply<Result<void>>> leavers_;

    // Read by everybody.
    const bool has_contacts_;
    std::atomic<api::Belonging> belonging_;
    std::atomic<std::size_t> alive_{1};
    std::atomic<std::uint32_t> health_score_{0};
    mutable std::mutex urls_mutex_;  ///< guards urls_
    std::vector<std::string> urls_;
    std::promise<void> left_;
    std::future<void> left_future_ = left_.get_future();
};

}  // namespace anode::app
