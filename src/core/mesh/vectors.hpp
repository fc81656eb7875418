#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "core/mesh/holders.hpp"
#include "core/mesh/repair.hpp"

namespace anode::mesh {

/// How far an exchange showed the other side ahead of us.
struct Compared {
    std::size_t logs = 0;   ///< in all, ours and theirs
    std::size_t ahead = 0;  ///< those the peer has more than five seconds more of
};

/// Exchange of vectors on a link: up to 512 logs all of them; more, or on a link that is up already, first 256 sums over the
/// logs that stood still for ten seconds, and then only the buckets that differ. Logs that changed lately are always listed.
/// Limits:  frames of a quarter of a megabyte, paced by what waits unsent; a peer starts one exchange in five seconds.
/// Source:  dissemination, section 3.2.
class Vectors {
public:
    using Done = std::function<void(Link&, const Compared&)>;
    Vectors(Shared& shared, RepairPort& port, Holders& holders, Done done)
        : shared_(shared), port_(port), holders_(holders), done_(std::move(done)) {}

    /// `sums`: with VROOT whatever the number of logs, as a link that is up needs it.
    void begin(Link& link, bool sums);
    void on_root(Link& link, const frames::VectorRoot& frame);
    void on_vector(Link& link, const frames::Vector& frame);
    void link_lost(const Link& link) { exchanges_.erase(link.id); }
    /// A log's holes changed.
    void touched(const LogKey& log) { touched_[log] = shared_.now.mono; }

    void tick();
    [[nodiscard]] Instant due() const noexcept { return pump_at_; }

private:
    static constexpr std::size_t kBuckets = 256;
    using Sums = std::array<std::uint64_t, kBuckets>;
    struct Exchange {
        Instant began{};
        std::optional<Sums> sums;  ///< ours, as sent
        bool answered = false;     ///< the peer's sums were compared with ours
        bool closing = false;      ///< nothing is queued any more behind what is
        bool sent = false, got = false, over = false;
        std::deque<std::pair<std::uint16_t, LogKey>> queue;
        Compared compared;
    };
    [[nodiscard]] bool lately(const LogEntry& entry) const;
    [[nodiscard]] Sums sums_now() const;
    void send_root(Link& link, Exchange& exchange);
    void pump(Link& link, Exchange& exchange);
    void finish(Link& link, Exchange& exchange);
    bool take_row(Link& link, Exchange* exchange, const frames::Vector::Row& row);

    Shared& shared_;
    RepairPort& port_;
    Holders& holders_;
    Done done_;
    std::map<LinkId, Exchange> exchanges_;
    std::map<LogKey, Instant> touched_;
    Instant pump_at_ = kNever;
};

}  // namespace anode::mesh
