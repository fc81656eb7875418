#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "core/message/hlc.hpp"

/// The little that all nodes agree on: definitions of sources and pipelines, retention, tokens, silences, ownership.
/// Last writer wins by hybrid time; a revocation wins over everything.
namespace anode::state {

/// When and by whom a value was written. The order that decides: time, then node, then a hash of the value.
struct Stamp {
    Hlc hlc;
    NodeId node;
    friend auto operator<=>(const Stamp&, const Stamp&) = default;
    /// What an ETag shows: the same on every node.
    [[nodiscard]] std::string text() const;
};

/// One register. Values are opaque here; who wrote a kind reads it.
struct Item {
    std::string
        kind;  ///< "source", "pipeline", "retention", "token", "silence", "owner", … ≤ 32 bytes
    std::string key;             ///< ≤ 256 bytes
    std::optional<Bytes> value;  ///< none: deleted (a tombstone); ≤ 64 KiB
    std::uint64_t version = 1;   ///< one more than the version it replaced
    bool revoked = false;        ///< once set, no write clears it
    Stamp stamp;
};
/// What a register held before; the newest 16 of a key are kept. `lost`: it was written at the same time elsewhere and gave way.
struct Earlier {
    Item item;
    bool lost = false;
};

// -- what the world tells ---------------------------------------------------------------------------------------------

/// What was persisted, at the start. `in_sync_at`: when all links and an audit last agreed with us.
struct Restore {
    std::vector<Bytes> records;
    WallTime in_sync_at = 0;
};
struct Tick {};
/// A local wish. `if_stamp`: only if the register still has it ("" = only if there is none).
/// `revoke` without a value keeps the value that is there. Claims (kind "owner") follow the number of sources and are not
/// counted against the rate.
struct Write {
    std::uint64_t id = 0;  ///< of the caller; comes back in Written
    std::string kind, key;
    std::optional<Bytes> value;
    bool revoke = false;
    std::optional<std::string> if_stamp;
    bool adopted =
        false;  ///< what a node brings from its files or an earlier version: not counted either
};
/// An entry of a system lane (topic `$state`), ours excluded.
struct Arrived {
    BytesView entry;
};
struct PeerUp {
    NodeId node;
};
struct PeerDown {
    NodeId node;
};
/// Frames 40 (root), 41 (bucket), 42 (delta) of a neighbour.
struct FromPeer {
    NodeId node;
    std::uint8_t type = 0;
    BytesView body;
};
/// An operator's consent after a long absence: our own later writes are proposed again, or dropped.
struct Rejoin {
    bool keep_local = false;
};
using Input = std::variant<Restore, Tick, Write, Arrived, PeerUp, PeerDown, FromPeer, Rejoin>;

// -- what it asks of the world ----------------------------------------------------------------------------------------

/// Write this entry to our system lane (topic `$state`).
struct Spread {
    std::uint64_t write = 0;  ///< id of the Write behind it; 0: none
    Bytes entry;
};
struct SendPeer {
    NodeId to;
    std::uint8_t type = 0;
    Bytes body;
};
/// Keep under `key`; none: forget it.
struct Persist {
    std::string key;
    std::optional<Bytes> record;
};
/// A register changed, by us or by another node.
struct Changed {
    Item item;
    bool local = false;
};
struct Written {
    std::uint64_t id = 0;
    Result<Item>
        item;  ///< Conflict (if_stamp), TooLarge, Overloaded (rate), NoSpace (64 MiB or 100,000 keys), NotFound (delete of nothing)
};
struct InSync {
    WallTime at = 0;  ///< persist it
};
struct Notice {
    std::string_view what;  ///< constant text
    NodeId peer;
    std::string detail;
};
using Output = std::variant<Spread, SendPeer, Persist, Changed, Written, InSync, Notice>;

struct Limits {
    std::size_t bytes_max = 64u << 20, keys_max = 100'000, value_max = 64u << 10;
    unsigned writes_per_second = 100, write_burst = 1'000;
    Duration tombstone = 7 * 24h, drift_max = 10s;
};

/// What was not taken in.
struct Counters {
    std::uint64_t malformed =
        0;  ///< frames and entries that break their form, or are of one we do not know
    std::uint64_t over_limit = 0;   ///< entries of others beyond a quarter more than our own limits
    std::uint64_t out_of_time = 0;  ///< deletions whose time is over, of registers we do not have
    std::uint64_t quarantine_full = 0;
};

/// Replicated registers as one state machine.
/// Thread:  confined to one owner.
/// Time:    `now` read once per step.
/// Errors:  a peer's malformed frame or entry is dropped, counted and told once.
/// Limits:  local writes by Limits; values of others up to a quarter more, as two halves of a cluster may both have been full.
///          Deletions are forgotten after Limits::tombstone, revocations never.
/// Source:  dissemination, section 6; Shapiro et al., "Conflict-free Replicated Data Types", 2011.
class State {
public:
    State(NodeId self, Limits limits = {});
    ~State();

    void handle(const Input& input, Now now, std::vector<Output>& out);
    [[nodiscard]] Instant due() const noexcept;

    /// None if deleted.
    [[nodiscard]] const Item* find(std::string_view kind, std::string_view key) const;
    /// Living items of a kind, by key.
    [[nodiscard]] std::vector<const Item*> all(std::string_view kind) const;
    [[nodiscard]] std::vector<Earlier> history(std::string_view kind, std::string_view key) const;
    /// Equal on nodes that hold the same.
    [[nodiscard]] std::uint64_t hash() const noexcept;
    [[nodiscard]] std::size_t bytes() const noexcept;
    [[nodiscard]] std::size_t keys() const noexcept;
    [[nodiscard]] std::size_t quarantined() const noexcept;
    /// Away for longer than tombstones live: our old map was not merged; Rejoin decides.
    [[nodiscard]] bool estranged() const noexcept;
    [[nodiscard]] const Counters& counters() const noexcept;

    struct Parts;

private:
    std::unique_ptr<Parts> parts_;
};

}  // namespace anode::state
