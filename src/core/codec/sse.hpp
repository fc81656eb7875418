#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.hpp"

/// Server-sent events, both ways.
/// Source: WHATWG HTML, section 9.2 (event streams).
namespace anode::sse {

struct Limits {
    std::size_t line_bytes_max = 16U << 20;
    std::size_t event_bytes_max = 16U << 20;  ///< all data lines of one event
};

struct Item {
    enum class Kind : std::uint8_t {
        Event,    ///< `type`, `data`, and `id`: the last one seen, of this event or an earlier one
        Comment,  ///< a line that begins with a colon, in `data`; servers use them as heartbeat
        Retry,    ///< `retry_ms`
        Failed,   ///< a limit was passed; `data` says which. Nothing follows.
    };
    Kind kind = Kind::Event;
    std::string_view type;  ///< `message` if the server names none
    std::string_view id;
    BytesView data;  ///< lines joined by LF
    std::uint64_t retry_ms = 0;
};

/// Cuts an event stream into items. Views live until the next call.
/// Thread: one owner. Limits: as given; an unfinished event at the end of the stream is dropped, as
/// the standard says.
class Parser {
public:
    explicit Parser(const Limits& limits = {}) : limits_(limits) {}

    /// The next item in `input`, which shrinks by what was used; nothing, once it is used up.
    [[nodiscard]] std::optional<Item> next(BytesView& input);

    /// For Last-Event-ID after a reconnect.
    [[nodiscard]] std::string_view last_event_id() const noexcept { return last_id_; }
    void set_last_event_id(std::string_view id);
    /// A new connection: forgets everything but the last event id.
    void reset();

private:
    std::optional<Item> line(BytesView text);
    std::optional<Item> dispatch();
    std::optional<Item> failed(std::string_view why);
    bool take_line(BytesView& input, BytesView& line);

    Limits limits_;
    Bytes partial_;  ///< a line cut by the end of the input
    Bytes data_;     ///< of the open event, each line followed by LF
    Bytes type_;
    Bytes id_;  ///< of the open event; becomes last_id_ when the event ends
    Bytes last_id_;
    Bytes shown_data_;  ///< what the last item's views point to
    Bytes shown_type_;
    bool begun_ = false;       ///< a byte order mark can no longer come
    bool after_cr_ = false;    ///< an LF now belongs to the CR before
    bool line_taken_ = false;  ///< partial_ was read and goes at the next line
    bool ended_ = false;
};

/// Appends one event. Line ends inside `data` (CR, LF, CRLF) become further data lines; `id` and
/// `type` must be one line each and are left out when empty.
void append_event(Bytes& out, std::string_view id, std::string_view type, BytesView data);
/// `: text`, then an empty line.
void append_comment(Bytes& out, std::string_view text);
void append_retry(Bytes& out, std::uint64_t milliseconds);

}  // namespace anode::sse
