#pragma once

#include <map>
#include <set>

#include "core/ownership/claim.hpp"

namespace anode::ownership {

/// What we do about one source.
struct Entry {
    enum class Runs : std::uint8_t { No, Claiming, Yes, Stopping };
    struct Asking {
        NodeId owner;
        std::uint64_t term = 0;
        Instant until{};
    };
    struct Giving {
        NodeId to;
        Instant until{};
    };

    SourceFacts facts;
    bool listed = false;
    std::optional<Claim> claim;  ///< the shared record
    std::uint64_t term_seen = 0;

    Runs runs = Runs::No;
    std::uint64_t term = 0;  ///< of our own claim
    Instant proposed_at{};
    std::string_view why;  ///< of our own claim
    NodeId from;           ///< whose place we take
    std::optional<Bytes> position;

    std::optional<Instant> orphan_since;  ///< nobody runs it, as far as we know
    bool preparing = false, prepared = false;
    bool cooling =
        false;            ///< a prepared connection is being closed: a Run must not cross that Stop
    Instant cold_at{};    ///< then it is closed, answered or not
    bool paused = false;  ///< ours, stopped because we are isolated
    Instant resume_at{};

    std::optional<Asking> asking;
    unsigned failures = 0;  ///< of hand-overs asked for
    Instant ask_again{};
    std::optional<Giving> giving;
    bool handed = false;  ///< let go for another node, which has not claimed it yet

    Instant wake = Instant::max();

    [[nodiscard]] bool stopping(Instant now) const noexcept {
        return runs == Runs::Stopping && !(cooling && now >= cold_at);
    }
};

/// All sources, and which of them are to be looked at: the urgent ones, those whose time has come, and, after a change that
/// concerns all, everyone in turn.
class Table {
public:
    static constexpr std::size_t kEntriesMax = 200'000;

    Entry* find(std::string_view source);
    [[nodiscard]] const Entry* find(std::string_view source) const;
    /// None if there are too many.
    Entry* find_or_make(std::string_view source);
    void erase_if_idle(const std::string& source);

    void set_claim(Entry& entry, const Claim& claim);
    void drop_claim(Entry& entry);
    void urgent(const Entry& entry) { urgent_.insert(entry.facts.name); }
    void urgent_of(const NodeId& owner);
    void all() { sweep_left_ = entries_.size(); }
    void wake_at(Entry& entry, Instant when);  ///< the earlier of both holds
    void asleep(Entry& entry);

    /// The next to look at, at most `kPerStep` of each kind in a step.
    static constexpr unsigned kPerStep = 256;
    void begin_step() { urgent_done_ = sweep_done_ = woken_ = 0; }
    Entry* next(Instant now);
    [[nodiscard]] Instant due(Instant now) const noexcept;

    /// Sources that we run, start, stop, or hold a claim of.
    void hold(const Entry& entry, bool on);
    [[nodiscard]] const std::set<std::string>& held() const noexcept { return held_; }
    std::map<std::string, Entry, std::less<>>& entries() noexcept { return entries_; }

private:
    std::map<std::string, Entry, std::less<>> entries_;
    std::map<NodeId, std::set<std::string>> by_owner_;
    std::set<std::string> urgent_, held_;
    std::set<std::pair<Instant, std::string>> wakes_;
    std::string cursor_;
    std::size_t sweep_left_ = 0;
    unsigned urgent_done_ = 0, sweep_done_ = 0, woken_ = 0;
};

}  // namespace anode::ownership
