#pragma once

#include <string_view>
#include <vector>

#include "core/mesh/delivery.hpp"
#include "core/mesh/digests.hpp"
#include "core/mesh/links.hpp"
#include "core/mesh/streams.hpp"

namespace anode::mesh {

/// What a neighbour said about a log.
struct Heard {
    Seq head = 0;
    std::uint8_t depth = kDepthUnknown;
    bool attached = false;
    bool announced = false;  ///< first hand, on opening; else in passing
    WallTime opened = 0;
};

/// One tree per log: whom each log comes from, and who gets it from us. A parent is adopted only if it is ahead, or equal and
/// not deeper than we were; both ends note an edge when GRAFT or PRUNE is sent or received; receiving never makes an edge.
/// Source: dissemination, sections 2.6 to 2.8 and 3.4.
class Trees {
public:
    Trees(Shared& shared, Streams& streams, Digests& digests, Delivery& delivery, Links& links)
        : shared_(shared),
          streams_(streams),
          digests_(digests),
          delivery_(delivery),
          links_(links) {}

    void know(const KnownLog& known);
    LogEntry& open_own(const LogKey& log);
    void on_sealed(const Sealed& sealed);

    void heard(Link& link, const LogKey& log, const Heard& what);
    void on_digest(Link& link, const frames::Digest& digest);
    void on_data(Link& link, LogEntry& entry, const frames::Data& data);
    void on_skip(Link& link, LogEntry& entry, const frames::SkipFrame& skip);
    void on_graft(Link& link, LogEntry& entry, const frames::Graft& graft);
    void on_graft_ok(Link& link, LogEntry& entry, const frames::GraftOk& ok);
    void on_graft_no(Link& link, LogEntry& entry, const frames::GraftNo& no);
    void on_prune(Link& link, LogEntry& entry, const frames::Prune& prune);
    void on_shed(Link& link, LogEntry& entry, const frames::Shed& shed);
    void on_query(Link& link, const frames::Query& query);
    void on_query_reply(Link& link, const frames::QueryReply& reply);
    void on_race(Link& link, LogEntry& entry, const frames::Race& race);

    /// There is something of a log that was empty so far: who has it without a parent asks for one from now on.
    void begins(LogEntry& entry);

    void link_sync(Link& link);
    void link_up(Link& link);
    void link_down(Link& link);
    /// Children go elsewhere, as far as there is an elsewhere.
    void drain();
    /// The log is about to be dropped: it leaves its tree.
    void forget(LogEntry& entry);
    void tick();
    /// At the end of a step: queries that were gathered.
    void flush();
    [[nodiscard]] Instant due() const noexcept { return shared_.logs.due(); }
    [[nodiscard]] bool settled(const LogEntry& entry) const { return unrest(entry).empty(); }
    /// Why the log is not settled; empty if it is.
    [[nodiscard]] std::string_view unrest(const LogEntry& entry) const;
    /// Nothing more will be written to it: its node runs a newer epoch, or is gone.
    [[nodiscard]] bool over(const LogEntry& entry) const;

private:
    LogEntry* meet(Link& link, const LogKey& log, const Heard& what);
    void open(Link& link, LogEntry& entry, const Heard& what);
    void announce(LogEntry& entry, LinkId except);
    void join(LogEntry& entry, Link& link, frames::Why why);
    Seq graft_from(LogEntry& entry, Link& link);
    void refused(LogEntry& entry, Link& link, Duration ignore);
    void set_parent(LogEntry& entry, Link* link);
    void prune(LogEntry& entry, LinkId from, std::uint8_t why);
    void orphan(LogEntry& entry);
    /// Children learn how deep we are, or that we lead nowhere: they were told once, when they grafted.
    void tell_depth(LogEntry& entry);
    [[nodiscard]] static std::uint8_t depth_told(const LogEntry& entry);
    void query(LogEntry& entry);
    [[nodiscard]] static bool seeks(const LogEntry& entry);
    void ask_later(LogEntry& entry);
    void crossing(Link& link, LogEntry& entry, const frames::Graft& graft);
    void adopt(Link& link, LogEntry& entry, const frames::Graft& graft);
    void refuse(Link& link, LogEntry& entry, std::uint8_t why);
    void leave(Link& link, LogEntry& entry);
    void unasked(Link& link, LogEntry& entry);
    void compare(Link& link, LogEntry& entry, const WireBlock& block);
    void say_ok(Link& link, LogEntry& entry);
    void settle_depth(LogEntry& entry, std::uint8_t of_parent);
    void append(Link& link, LogEntry& entry, WireBlock block, std::uint8_t hops,
                std::uint8_t flags);
    void measure(LogEntry& entry, const WireBlock& block);
    void race_over(Link& link, LogEntry& entry, const WireBlock& block);
    void send_races(Link& link, LogEntry& entry, Seq seq);
    void fire(LogEntry& entry);
    void fire_lag(LogEntry& entry);
    void arm_lag(LogEntry& entry, Seq target);
    /// The neighbour to take the log from: ahead of us (or level, if `level`), spread over equals by log. Nothing if none is.
    Link* candidate(LogEntry& entry, bool level, LinkId except);
    [[nodiscard]] bool counts(const Link& link, const Edge& edge) const;
    /// Past everything that can be: the link is over.
    bool far(Link& link, Seq ours, Seq claimed);
    /// Its heads of this log do not count for a minute.
    void distrust(Link& link, LogEntry& entry, std::string_view what, std::string detail);
    /// Far past what the origin itself, a neighbour, has told of its log. Who claims it is not listened to for a while.
    bool invented(Link& link, LogEntry& entry, Seq claimed);
    [[nodiscard]] Duration lag_time();

    Shared& shared_;
    Streams& streams_;
    Digests& digests_;
    Delivery& delivery_;
    Links& links_;
    bool asked_ = false;  ///< a link has queries to send
};

}  // namespace anode::mesh
