#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/source/machine_desk.hpp"
#include "core/source/machine_request.hpp"

/// Rows of a key that wait for a snapshot (C13, C24) or for what a gap lost (C27). Source: recipes,
/// section 6.
namespace anode::source {

/// Thread: as its machine. Memory: `limits.queue` of held rows in all; over it a key gives up, which
/// the ledger is told.
class Holds {
public:
    static constexpr std::size_t kKeysMax = 100'000;

    Holds(Desk& desk, Courier& courier, TokenKeeper& token);

    [[nodiscard]] bool wanted() const noexcept { return snapshots_ || backfills_; }
    /// Takes rows of keys that wait out of the step's rows since `from`, and starts what is due.
    void rows(std::uint64_t connection, std::span<const Item> items, Desk::Mark from,
              const Shaped& shaped);
    void answered(const Purpose& purpose, const in::Answered& answer);
    void request_failed(const Purpose& purpose, const Failure& why);
    void fired(TimerId id);
    /// The stream was broken: what was in step with a snapshot no longer is.
    void broken();
    /// Lets go of everything that is held.
    void stop();

private:
    struct Held {
        std::unique_ptr<KeptRow> row;
        std::optional<std::uint64_t> first, last;
    };
    struct Key {
        enum class Phase : std::uint8_t {
            New,  ///< needs a snapshot before its rows may go
            Live,
            Settling,  ///< waits before it asks
            Asking,    ///< rows are held until the answer
        } phase = Phase::New;
        std::string key, topic, item;
        std::optional<Item> subject;
        std::uint64_t connection = 0;
        std::deque<Held> held;
        bool overfull = false;  ///< gives up as soon as the frame at hand is through
        unsigned tries = 0;
        TimerId timer{};
        bool backfill = false;  ///< what is asked for
        std::string from, to;   ///< of the backfill
        unsigned pages = 0;
        std::optional<WallTime> last_time;
    };

    std::uint32_t number_of(const Row& row);
    [[nodiscard]] bool is_delta(const Row& row) const;
    void begin_key(std::uint32_t number, const Row& first);
    void hold(std::uint32_t number, const Row& row);
    void start_snapshot(std::uint32_t number, Duration after);
    void start_backfill(std::uint32_t number, const ChainBreak& found, const Row* after);
    void gaps(const Shaped& shaped, Desk::Mark from);
    void ask(std::uint32_t number);
    void take_snapshot(std::uint32_t number, BytesView body);
    void take_backfill(std::uint32_t number, BytesView body);
    void try_again(std::uint32_t number, std::string why);
    void give_up(std::uint32_t number, std::string why);
    void let_go(std::uint32_t number);

    Desk& desk_;
    Courier& courier_;
    TokenKeeper& token_;
    bool snapshots_ = false, backfills_ = false;
    std::map<std::string, std::uint32_t, std::less<>> numbers_;
    std::deque<Key> keys_;
    std::uint64_t held_bytes_ = 0;
    TimerId again_{};
    bool again_armed_ = false;
};

}  // namespace anode::source
