#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

/// What a source machine tells about itself (interfaces, section 10; recipes, sections 4 and 7).
namespace anode::source {

enum class State : std::uint8_t {
    Disabled,
    Pending,
    Connecting,
    Subscribing,
    Live,
    Stale,
    Backoff,
    Limited,
    Failed,
    Draining
};
std::string_view name(State state) noexcept;

/// The classes errors are counted by. Their names are public: `dns`, `too-large`, …
enum class ErrorClass : std::uint8_t {
    Dns,          ///< the name has no address
    Blocked,      ///< the egress policy refuses the address
    Refused,      ///< nobody listens there
    Unreachable,  ///< no route, network down
    Tls,
    Timeout,     ///< no connection or answer in time
    Reset,       ///< the connection broke without a word
    Closed,      ///< the server ended the connection
    Http,        ///< an HTTP status where an upgrade or a body was expected
    Protocol,    ///< WebSocket, SSE or HTTP broken
    TooLarge,    ///< frame, body or line over its limit
    Decode,      ///< gzip, zstd, base64, … broken or over its limit
    Malformed,   ///< no JSON where JSON was expected
    Shape,       ///< JSON, but not what `rows`, `map` or `require` want
    Handshake,   ///< a connect step failed or its time ran out
    Rejected,    ///< the server refused an item
    Feed,        ///< the server said an error of its own
    Silence,     ///< no frame, or no answer to a ping, in time
    Stale,       ///< frames, but no data
    Auth,        ///< credentials refused
    Limited,     ///< told to slow down
    Unknown,     ///< frames that nothing in the definition describes
    Overflow,    ///< our queue was full
    Definition,  ///< a template or secret could not be filled in
    Internal,
};
inline constexpr std::size_t kErrorClasses = 25;
std::string_view name(ErrorClass error) noexcept;

struct ErrorCount {
    ErrorClass error{};
    std::uint64_t count = 0;
    std::string sample;  ///< newest detail, ≤ 512 bytes, secrets redacted
    WallTime first_at = 0, last_at = 0;
};
struct LastError {
    ErrorClass error{};
    std::string detail;
    WallTime at = 0;
};

enum class ItemState : std::uint8_t { Pending, Ok, Rejected, Lost };
std::string_view name(ItemState state) noexcept;
struct ItemStatus {
    std::string item;
    ItemState state = ItemState::Pending;
    std::string reason;
    WallTime since = 0;
};

/// One connect step as it went last, for `:test`.
struct StepStatus {
    std::string what;   ///< "send", "expect", "get", …
    std::string state;  ///< "pending", "running", "ok", "failed"
    std::string detail;
    Duration took{};  ///< from the start of the attempt to its end
};

struct Sample {
    WallTime at = 0;
    std::string kind;   ///< "data", "heartbeat", "unknown", …
    std::string frame;  ///< ≤ 2 KiB, secrets redacted
};

struct Counters {
    std::uint64_t frames = 0, bytes = 0, rows = 0;
    std::uint64_t heartbeats = 0, acks = 0, notices = 0, ignored = 0, unknown = 0;
    std::uint64_t duplicates = 0, late = 0, rejected = 0,
                  dropped = 0;  ///< dropped: unwanted by `drop`
    std::uint64_t overflowed = 0,
                  conflated = 0;  ///< rows lost or replaced because the queue was full
    std::uint64_t gaps = 0, lost = 0;
    std::uint64_t connects = 0, reconnects = 0, requests = 0, sent = 0, errors = 0;
};

/// Outcomes of polls (C41).
struct PollCounts {
    std::uint64_t fresh = 0, same = 0, not_modified = 0, client_error = 0, server_error = 0,
                  timeout = 0, parse = 0;
};

struct Status {
    State state = State::Pending;
    WallTime since = 0;
    std::string why;
    std::optional<LastError> last_error;
    std::vector<ErrorCount> errors;  ///< classes that occurred
    std::uint32_t connections = 0;   ///< open ones
    std::vector<ItemStatus> items;
    std::vector<StepStatus> steps;
    Counters counters;
    PollCounts polls;
    std::optional<WallTime> next_due;  ///< next attempt or poll
    std::optional<WallTime> last_message;
    std::optional<Duration> lag;  ///< our time less source time, of the newest row
    std::uint64_t queued_bytes = 0, queued_rows = 0;
    std::string weakness;                      ///< what this recipe cannot detect
    std::vector<std::string> unknown_samples;  ///< ≤ 5
    std::vector<Sample> samples;               ///< ≤ 20 newest
    std::vector<std::string> warnings;  ///< for `:test`: "no id: duplicates cannot be removed"
};

}  // namespace anode::source
