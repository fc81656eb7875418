#pragma once

#include "core/state/frames.hpp"
#include "core/state/shared.hpp"

namespace anode::state {

/// Compares our map with those of the neighbours and completes both.
///
/// Either side shows the hashes of its 256 buckets. Where they differ, the side with the smaller node id lists what it has of
/// those buckets; the other sends what is newer or missing here and asks for what is newer there. So one pass makes both
/// equal, and what is equal costs one frame. Work for a neighbour is done in portions: a large difference neither fills a
/// link's queue nor blocks the loop.
/// Source:  dissemination, sections 3.6, 6.2.
class Exchange {
public:
    static constexpr Duration kPeriod = 10s;     ///< between two looks at a neighbour that agrees
    static constexpr Duration kRetry = 1s;       ///< after one that did not; doubles up to kPeriod
    static constexpr Duration kPause = 50ms;     ///< between two portions
    static constexpr Duration kAgreedFor = 60s;  ///< so long an agreement counts
    static constexpr Duration kInSyncEvery = 10s;
    static constexpr std::size_t kPortion = 512u << 10;

    explicit Exchange(Shared& shared) : s_(shared) {}

    void peer_up(const NodeId& node);
    void peer_down(const NodeId& node);
    void handle(const FromPeer& frame);
    void tick();
    [[nodiscard]] Instant due() const noexcept;
    /// False while our map is not one to compare agreement by.
    void trust(bool on) noexcept { trusted_ = on; }
    [[nodiscard]] bool met() const noexcept { return met_; }

private:
    struct Peer {
        Instant next_look{};
        Instant next_portion = Instant::max();
        Instant window{};      ///< start of the portion in progress
        std::size_t sent = 0;  ///< bytes of it
        Duration retry = kRetry;
        std::optional<Instant> agreed;
        std::set<std::uint8_t> compare;  ///< buckets to list
        std::set<Key, KeyLess> send;     ///< registers to send
        [[nodiscard]] bool has_work() const noexcept { return !send.empty() || !compare.empty(); }
    };

    void look(const NodeId& node, Peer& peer, bool ask);
    void on_root(const NodeId& node, Peer* peer, const frames::Root& root);
    void on_bucket(const NodeId& node, Peer& peer, const frames::Bucket& bucket);
    void on_delta(const NodeId& node, const std::vector<BytesView>& entries);
    void weigh(const frames::Bucket& theirs, Peer& peer, frames::Bucket& wanted) const;
    void portion(const NodeId& node, Peer& peer);
    std::size_t send_delta(const NodeId& node, Peer& peer);
    std::size_t send_bucket(const NodeId& node, std::uint8_t bucket);
    void agreed(Peer& peer);
    void send(const NodeId& node, std::uint8_t type, Bytes body);

    Shared& s_;
    std::map<NodeId, Peer> peers_;
    std::optional<Instant> told_in_sync_;
    bool trusted_ = true, met_ = false;
};

}  // namespace anode::state
