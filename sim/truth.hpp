#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/mesh/range_set.hpp"
#include "core/state/state.hpp"
#include "sim/ledger.hpp"
#include "sim/world.hpp"

namespace anode::sim {

/// Feeds of numbered items, as the world outside of the cluster has them, and what became of each item:
///   feeds  every item of every feed is at every living node, or the node told of the hole it lies in; no run shows one twice.
///   I10    what a node saw revoked stays revoked.
class Truth {
public:
    struct Placed {
        LogKey log;
        Seq seq = 0;
    };
    /// What one run of a node showed and saw.
    struct Run {
        std::map<std::string, mesh::RangeSet> shown;
        std::set<std::string> revoked;
    };

    Truth(Ledger::Broken broken, Rng rng);

    [[nodiscard]] std::vector<std::string> sources() const;
    [[nodiscard]] std::uint64_t newest(const std::string& source, Instant now) const;
    /// Nothing new comes from now on.
    void end_feeds(Instant now) { ended_ = now; }
    void published(const std::string& source, std::uint64_t item, Placed place);
    void shown(Run& run, std::string_view who, const std::string& source, std::uint64_t item);
    void changed(Run& run, std::string_view who, const state::Item& item);
    /// Of a node at rest: what it lacks of the feeds, in words. `have` says whether it holds a message, `told` whether it told of
    /// lacking it.
    [[nodiscard]] std::optional<std::string> lacking(
        const std::function<bool(const Placed&)>& have,
        const std::function<bool(const Placed&)>& told) const;
    [[nodiscard]] std::uint64_t items() const noexcept;

private:
    struct Feed {
        double per_second = 1;
        std::map<std::uint64_t, std::vector<Placed>> items;
    };
    Ledger::Broken broken_;
    std::map<std::string, Feed> feeds_;
    std::optional<Instant> ended_;
};

}  // namespace anode::sim
