#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.hpp"
#include "core/source/budget.hpp"
#include "core/source/clocks.hpp"
#include "core/source/machine.hpp"
#include "core/source/machine_queue.hpp"
#include "core/source/shaper.hpp"

/// What the machines of all types share: the step in hand, the shaper, the books, the queue.
namespace anode::source {

/// Passes secrets on and remembers them, so that what is shown can be cleared of them.
class RememberingSecrets final : public Secrets {
public:
    explicit RememberingSecrets(const Secrets& from) : from_(from) {}
    [[nodiscard]] Result<std::string> value(const SecretRef& reference) const override;
    /// Replaces what looks like one of them by `~hidden~`.
    [[nodiscard]] std::string hide(std::string_view text) const;
    /// A secret that came over the wire (an access token).
    void remember(std::string_view secret) const;

private:
    const Secrets& from_;
    mutable std::vector<std::string> known_;
};

/// Thread: confined to its machine. One step is begin() … end of handle().
class Desk {
public:
    Desk(std::shared_ptr<const Definition> definition, Restored restored, const Secrets& from,
         Budgets& shared, Rng random);

    // -- the step ---------------------------------------------------------------------------------
    void begin(Now time, Effects& effects);
    template <class A>
    void act(A action) {
        out->actions.emplace_back(std::move(action));
    }
    TimerId arm(TimerKind kind, std::uint32_t owner, Duration after);

    // -- telling ------------------------------------------------------------------------------------
    void enter(State to, std::string why);
    void error(ErrorClass which, std::string detail);
    void event(std::string_view kind, std::string detail = {});
    /// For the ledger. A feed that has nothing but gaps is told in sums, once a second.
    void gap(act::GapFound found);
    void sample(std::string_view kind, std::string_view frame);
    void sample_unknown(std::string_view frame);

    // -- rows ----------------------------------------------------------------------------------------
    struct Mark {
        std::size_t rows = 0, letters = 0;
    };
    [[nodiscard]] Mark mark() const noexcept {
        return {out->rows.size(), out->dead_letters.size()};
    }
    /// Shapes into the step's rows, behind what is there, and counts the frame. Nothing is decided yet.
    Shaped shape(const Shaper::Input& input);
    /// Takes rows and letters since `from` back: the frame was talk, not data.
    void discard(Mark from);
    /// Counts rejected input, and thins letters out where they come as a flood.
    void settle_letters(Mark from, const Shaped& shaped);
    /// Counts what a data frame held; what was rejected is an error.
    void settle_data(Mark from, const Shaped& shaped);
    /// A frame that nobody can read.
    void garbage(Mark from, const Shaped& shaped);
    /// Tells the ledger what the chains show.
    void settle_breaks(const Shaped& shaped);
    /// Lets the rows since `from` go: out, or into the queue while the node's intake is full.
    void publish(Mark from);

    /// Keeps bytes or a row until the next step, for rows that point into them.
    BytesView keep(Bytes bytes);
    const Row& keep(std::unique_ptr<KeptRow> row);

    /// The intake is full, or free: what waits goes out bit by bit.
    void set_pressure(bool full);
    /// A Release timer: more of the queue, or what the ledger is still to be told.
    void release_fired(TimerId id);
    /// Everything that waits goes out now: the source ends.
    void flush();
    /// Whether connections should not be read, files not be walked, polls not be started.
    [[nodiscard]] bool paused() const noexcept {
        return pressed && def->limits.full == LimitsSpec::Full::Stop && queue.filling();
    }
    /// Sources that can wait do so before anything is queued.
    [[nodiscard]] bool patient() const noexcept { return pressed || !queue.empty(); }

    void fill(Status& status) const;

    std::shared_ptr<const Definition> def;
    RememberingSecrets secrets;
    Shaper shaper;
    Rng rng;
    Timers timers;
    Budgets& budgets;
    Budgets::Owner& budget;
    std::string budget_name;
    Now now;
    Effects* out = nullptr;

    State state = State::Pending;
    Counters counters;
    PollCounts polls;
    Bytes position;                  ///< of the newest row handed out
    bool position_moved = false;     ///< it came from another owner
    bool restored_position = false;  ///< it came from an earlier run
    RowQueue queue;
    bool pressed = false;
    std::optional<WallTime> next_due;
    std::vector<Restored::Seen> seen;  ///< for machines that keep books of their own (diff)

private:
    void enqueue(Mark from);
    void release_some();
    void tell_losses();
    void tell_gaps();

    WallTime since_ = 0;
    std::string why_;
    std::optional<LastError> last_error_;
    std::array<ErrorCount, kErrorClasses> errors_{};
    std::optional<WallTime> last_message_;
    std::optional<Duration> lag_;
    std::deque<Sample> samples_;
    Instant next_sample_{};
    std::vector<std::string> unknown_;
    Bucket letters_;
    std::vector<std::unique_ptr<Bytes>> kept_bytes_;
    std::vector<std::unique_ptr<KeptRow>> kept_rows_;
    TimerId release_{};
    Bucket events_, gaps_;
    TimerId ledger_{};
    bool ledger_armed_ = false;
    std::uint64_t gaps_untold_ = 0, lost_untold_ = 0;
    std::uint64_t lost_queued_ = 0, conflated_queued_ = 0;  ///< since the pressure began
};

}  // namespace anode::source
