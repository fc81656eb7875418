#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "core/source/machine_status.hpp"
#include "core/source/shaper.hpp"

/// What goes into a source machine and what it asks of the world.
/// Ownership: views in an input are valid during the handle() they are given to; nothing is kept without a copy.
namespace anode::source {

/// One connection, stream or open file of one machine. Never used again in the machine's life.
enum class ConnId : std::uint32_t {};
/// One HTTP request of one machine. Never used again in the machine's life.
enum class RequestId : std::uint32_t {};
/// Names the fact a timer was set for. No timer is cancelled: a stale one matches nothing.
enum class TimerId : std::uint64_t {};

/// Name and value; names are compared without regard to case.
using Headers = std::vector<std::pair<std::string, std::string>>;

// -- what the world tells us ------------------------------------------------------------------------

/// Headers as they came.
using HeaderView = std::span<const std::pair<std::string, std::string>>;
/// The first header of this name, case aside.
std::optional<std::string_view> find_header(HeaderView headers, std::string_view name) noexcept;

/// Why a connection or request ended. `status`, `headers` and `body` (≤ 64 KiB is enough) where an HTTP answer came
/// instead of an upgrade or a stream.
struct Failure {
    ErrorClass error = ErrorClass::Closed;
    std::string detail;
    int status = 0;                ///< HTTP status, 0: none
    std::uint16_t close_code = 0;  ///< of a WebSocket close frame, 0: none
    Headers headers;
    Bytes body;
};

namespace in {

struct Start {};
/// Ends the source: connections are closed, the state becomes `disabled`, or `draining` if it moves to another node.
struct Stop {
    bool drain = false;
};
struct Restart {};
/// The node cannot see the rest of its cluster (or can again): placement.on_isolation decides.
struct Isolated {
    bool isolated = false;
};
/// The upgrade is done, or the answer head of a stream (200) is here, or the file is open.
struct Opened {
    ConnId conn{};
    HeaderView headers;
};
/// One WebSocket message, or one line of NDJSON.
struct Frame {
    ConnId conn{};
    BytesView data;
    bool binary = false;
};
struct SseEvent {
    ConnId conn{};
    std::string_view id;     ///< the last event id as it stands after this event
    std::string_view event;  ///< "message" if the event names none
    BytesView data;
    Duration retry{};  ///< zero: the stream named none
};
/// A protocol ping or pong, an SSE comment or an empty NDJSON line was seen.
struct Alive {
    ConnId conn{};
};
/// The connection is gone, whoever ended it; nothing more comes from it. Also the answer to an Open that failed. Not
/// sent after our own CloseConn.
struct Closed {
    ConnId conn{};
    Failure why;
};
struct Answered {
    RequestId request{};
    int status = 0;
    HeaderView headers;
    BytesView body;
    std::string_view url;  ///< after redirects
};
struct RequestFailed {
    RequestId request{};
    Failure why;
};
struct TimerFired {
    TimerId id{};
};
/// The node's intake for this source is full, or free again.
struct Pressure {
    bool full = false;
};
/// A body pushed to a webhook source. The same step emits exactly one PushAnswered.
struct Pushed {
    HeaderView headers;
    BytesView body;
};
/// One line of a file; `position` is the byte offset after it (of the uncompressed bytes).
struct FileData {
    ConnId conn{};
    BytesView row;
    std::uint64_t position = 0;
};
/// The end of a file that is not followed.
struct FileEnd {
    ConnId conn{};
};

}  // namespace in

using Input = std::variant<in::Start, in::Stop, in::Restart, in::Isolated, in::Opened, in::Frame,
                           in::SseEvent, in::Alive, in::Closed, in::Answered, in::RequestFailed,
                           in::TimerFired, in::Pressure, in::Pushed, in::FileData, in::FileEnd>;

// -- what we ask of the world -----------------------------------------------------------------------

using TlsOptions = HttpSpec::Tls;

enum class Transport : std::uint8_t { WebSocket, Sse, Ndjson };

struct OpenSpec {
    Transport transport = Transport::WebSocket;
    std::string url;             ///< may hold secrets: never shown
    std::string url_shown;       ///< the same, redacted: for logs and errors
    std::string method = "GET";  ///< of SSE and NDJSON
    Bytes body;
    Headers
        headers;  ///< complete but for those of the protocol (Host, Upgrade, Connection, Sec-WebSocket-*)
    std::string subprotocol, origin;
    bool deflate = false;    ///< offer permessage-deflate
    Duration timeout = 10s;  ///< until Opened, address look-up included
    std::string proxy;
    TlsOptions tls;
    std::uint64_t frame_bytes_max = 16u << 20;  ///< after inflation; over it: Closed with TooLarge
};
struct HttpRequest {
    std::string method = "GET";
    std::string url;
    std::string url_shown;
    Headers headers;
    Bytes body;
    Duration timeout = 10s;
    std::uint64_t body_bytes_max = 16u
                                   << 20;  ///< after decoding; over it: RequestFailed with TooLarge
    std::string proxy;
    TlsOptions tls;
};

namespace act {

struct Open {
    ConnId conn{};
    OpenSpec spec;
};
struct Send {
    ConnId conn{};
    Bytes data;
    bool binary = false;
};
/// A WebSocket ping. The driver answers the server's pings by itself.
struct Ping {
    ConnId conn{};
    Bytes payload;
};
/// Ends a connection, stream or file. Nothing is told about it any more.
struct CloseConn {
    ConnId conn{};
    std::uint16_t code = 1000;
    std::string reason;
};
struct Request {
    RequestId id{};
    HttpRequest what;
};
/// Forgets a request: neither Answered nor RequestFailed may follow.
struct CancelRequest {
    RequestId id{};
};
struct Arm {
    TimerId timer{};
    Duration after{};
};
/// Stops or resumes reading from a connection or file: back pressure. A few inputs already read may still come.
struct Reading {
    ConnId conn{};
    bool on = true;
};
/// Opens a file of lines; `.gz` and `.zst` are unpacked, `-` is standard input.
struct OpenFile {
    ConnId conn{};
    std::string path;
    bool follow = false;
    std::uint64_t from = 0;  ///< position to go on from, as FileData gave it
    std::uint64_t line_bytes_max = 16u << 20;
};
struct StateChanged {
    State from{}, to{};
    std::string why;
};
/// For the ledger, in words. `from` and `to` are the last good and the next good position, or times (RFC 3339) for polls.
struct GapFound {
    std::string key;
    std::string from, to;
    std::uint64_t lost = 0;  ///< 0: unknown
    std::string cause;       ///< "sequence", "reconnect", "too-old", "no-overlap", "queue-full", …
};
/// Something a person may want to know: a line of the source's timeline. `kind` is constant text.
struct Event {
    std::string_view kind;
    std::string detail;
};
/// The answer to Pushed. `Refused`: signature; `Malformed`: not what the definition expects; `Overloaded`: full.
struct PushAnswered {
    bool accepted = false;
    Errc why = Errc::Refused;
    std::string detail;
};

}  // namespace act

using Action = std::variant<act::Open, act::Send, act::Ping, act::CloseConn, act::Request,
                            act::CancelRequest, act::Arm, act::Reading, act::OpenFile,
                            act::StateChanged, act::GapFound, act::Event, act::PushAnswered>;

/// What one step yields. The driver clears and reuses it.
/// Order: publish `rows`, then `dead_letters`, then perform `actions` from first to last.
/// `rows` holds only rows to publish (Fate::Emit). Views in rows and letters are valid until the next handle() and as
/// long as the input's own bytes; one Effects serves one handle().
struct Effects {
    std::vector<Action> actions;
    std::vector<Row> rows;
    std::vector<DeadLetter> dead_letters;

    void clear() {
        actions.clear();
        rows.clear();
        dead_letters.clear();
    }
};

}  // namespace anode::source
