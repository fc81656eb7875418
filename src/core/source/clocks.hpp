#pragma once

#include <cstdint>
#include <optional>

#include "base/time.hpp"
#include "core/source/machine_io.hpp"

/// Timers of a source machine and the clocks of a connection (C7).
namespace anode::source {

/// What a timer was set for: the upper byte of its id.
enum class TimerKind : std::uint8_t {
    Backoff,
    Connects,
    Step,
    Messages,
    Pace,
    Rotate,
    Overlap,
    ProtocolPing,
    Any,
    Stale,
    PingDue,
    PingAnswer,
    Drain,
    Items,
    Courier,
    Token,
    Poll,
    Settle,
    Resnapshot,
    Tick,
    Generation,
    Release,
};

/// Gives out timer ids: kind, owner (a connection, a slot, a target) and a serial number.
class Timers {
public:
    TimerId next(TimerKind kind, std::uint32_t owner = 0) noexcept {
        serial_ = (serial_ + 1) & 0xffffff;
        return TimerId{std::uint64_t{static_cast<std::uint8_t>(kind)} << 56 |
                       std::uint64_t{owner} << 24 | serial_};
    }
    static TimerKind kind(TimerId id) noexcept {
        return static_cast<TimerKind>(static_cast<std::uint64_t>(id) >> 56);
    }
    static std::uint32_t owner(TimerId id) noexcept {
        return static_cast<std::uint32_t>(static_cast<std::uint64_t>(id) >> 24);
    }

private:
    std::uint64_t serial_ = 0;
};

/// Runs out when nothing happened for a period. touch() is a store: the timer is looked at only when
/// it fires, and then armed for what is left.
class IdleClock {
public:
    void start(Duration period, Instant now) noexcept {
        period_ = period;
        last_ = now;
    }
    void stop() noexcept { period_ = Duration::zero(); }
    void touch(Instant now) noexcept { last_ = now; }
    [[nodiscard]] bool running() const noexcept { return period_ > Duration::zero(); }
    [[nodiscard]] Instant last() const noexcept { return last_; }
    /// Zero: it has run out. Else what is left.
    [[nodiscard]] Duration left(Instant now) const noexcept {
        const Duration idle = now - last_;
        return idle >= period_ ? Duration::zero() : period_ - idle;
    }

    TimerId timer{};  ///< armed for this clock

private:
    Duration period_{};
    Instant last_{};
};

}  // namespace anode::source
