#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "app/ledger.hpp"
#include "base/metrics.hpp"
#include "core/membership/outbox.hpp"
#include "core/mesh/input.hpp"
#include "core/ownership/ownership.hpp"
#include "runtime/loop.hpp"

namespace anode::app {

/// Who runs which source: feeds the ownership machine with what membership, mesh and small state tell, and hands its wishes to
/// the sources.
/// Thread:  the engine's loop.
/// Source:  dissemination, section 7; reliability, section 8 (F5).
class Owners {
public:
    struct World {
        Loop& loop;
        Ledger& ledger;
        metrics::Registry& metrics;
        NodeId self;
        Epoch epoch;
        std::string name, zone;
        /// Writes a claim to the small state; its echo comes back through claimed(). Claims of sources that are gone are removed.
        std::function<void(const ownership::Claim&)> propose;
        std::function<void(const NodeId& to, std::uint8_t type, Bytes body)> send;
        ownership::Timing timing = {};
    };
    /// What the sources do for it. Calls are not nested in calls of the sources' own.
    struct Work {
        std::function<void(const std::string& source)> prepare;  ///< answered with prepared()
        std::function<void(const ownership::Run& run)> run;
        std::function<void(const std::string& source, ownership::StopWhy why)> stop;  ///< stopped()
    };
    explicit Owners(World world);

    void set_work(Work work) { work_ = std::move(work); }
    /// Sources may run from now on. Alone: at once. Otherwise what an earlier run held is taken up again once the small state
    /// agrees with another node's, or after 2 s; anything else once all is known of the others too: when nobody new has come
    /// for half a second. Without an answer of any contact that is after 2 s, with others that do not agree after 30 s.
    void start(bool alone);

    void know(std::vector<ownership::SourceFacts> sources);
    void prepared(const std::string& source) { handle(ownership::Prepared{source}); }
    void stopped(const std::string& source, Bytes position) {
        handle(ownership::Stopped{source, std::move(position)});
    }

    // -- from the cluster
    void member(const membership::MemberChanged& changed);
    void link_up(const NodeId& node);
    void link_down(const NodeId& node, mesh::LinkEnd end);
    void in_sync();
    void claimed(const ownership::Claim& claim) { handle(ownership::Claimed{claim}); }
    void unclaimed(const std::string& source) { handle(ownership::Unclaimed{source}); }
    void from_peer(const NodeId& node, std::uint8_t type, BytesView body);
    static constexpr std::uint8_t kFirstFrame = 50, kLastFrame = 52;

    void drain(bool on) { handle(ownership::DrainSelf{on}); }
    /// Drains; `done` runs once everything has been handed over, at the latest after `patience`.
    void hand_over_all(Duration patience, std::move_only_function<void()> done);

    using Role = ownership::Ownership::Role;
    using View = ownership::Ownership::View;
    [[nodiscard]] View view(std::string_view source) const { return machine_.view(source); }
    /// For people; empty if we never saw the node.
    [[nodiscard]] std::string name_of(const NodeId& node) const;
    /// By id or by name; nothing if no node that lives is called so.
    [[nodiscard]] std::optional<NodeId> find(std::string_view id_or_name) const;
    /// All that others know was known here once: what is missing is missing everywhere.
    [[nodiscard]] bool warm() const noexcept { return warm_; }
    [[nodiscard]] bool alive(const NodeId& node) const;
    [[nodiscard]] std::vector<NodeId> others_alive() const;
    [[nodiscard]] const NodeId& self() const noexcept { return world_.self; }

private:
    struct Known {
        ownership::NodeFacts facts;
        std::string name;
        bool linked = false;
        bool lost = false;  ///< its link ended as that of a dead process does
    };
    void handle(const ownership::Input& input);
    void tell_own_apart(std::vector<ownership::Output>& outputs) const;
    void perform(ownership::Output& output);
    void moved(const ownership::Moved& moved);
    void judge(const Known& known);
    void look_around();
    void warm_up();
    void beat();
    void arm();

    World world_;
    ownership::Ownership machine_;
    Work work_;
    std::map<NodeId, Known> nodes_;
    bool joined_ = false, warm_ = false, in_sync_ = false, isolated_ = false;
    Instant started_at_{};
    Instant newcomer_at_{};  ///< when a node was last seen for the first time
    bool busy_ = false;
    std::vector<std::function<void()>> later_;  ///< inputs that came while outputs were performed
    bool armed_ = false;
    Instant armed_at_{};
    std::vector<std::move_only_function<void()>> drained_;
};

}  // namespace anode::app
