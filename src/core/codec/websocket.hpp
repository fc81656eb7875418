#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"

/// WebSocket frames, both ways and for both roles, without a socket.
/// See websocket_handshake.hpp for the HTTP part and websocket_deflate.hpp for compression.
/// Source: RFC 6455; RFC 7692 (permessage-deflate).
namespace anode::ws {

/// Which side we are. A server takes masked frames only, a client unmasked ones only.
enum class Role : std::uint8_t { Server, Client };

enum class Opcode : std::uint8_t {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10
};

/// Close codes that the codec itself uses (RFC 6455, section 7.4.1). `kNoStatus` is never sent.
inline constexpr std::uint16_t kNormal = 1000;
inline constexpr std::uint16_t kProtocolError = 1002;
inline constexpr std::uint16_t kUnsupported = 1003;
inline constexpr std::uint16_t kNoStatus = 1005;
inline constexpr std::uint16_t kBadText = 1007;
inline constexpr std::uint16_t kTooBig = 1009;

struct DecoderConfig {
    Role role = Role::Server;
    std::uint32_t frame_bytes_max = 1U << 20;    ///< as declared on the wire; more is 1009
    std::uint32_t message_bytes_max = 1U << 20;  ///< all fragments together, inflated; more is 1009
    std::uint32_t fragments_max = 64;            ///< frames of one message; more is 1002
    bool deflate = false;                        ///< permessage-deflate was agreed: RSV1 may be set
    bool peer_keeps_context = false;  ///< the peer's compressor may refer to its earlier messages
    std::uint16_t ratio_max = 100;    ///< output : input of one message beyond 64 KiB; more is 1009
};

struct Event {
    enum class Kind : std::uint8_t {
        Text,    ///< a whole message, valid UTF-8
        Binary,  ///< a whole message
        Ping,    ///< answer with a pong of the same payload
        Pong,
        Close,   ///< the peer's close: `code` (kNoStatus if it gave none), payload is its reason.
                 ///< Nothing follows.
        Failed,  ///< the peer broke a rule: send a close of `code` and payload as reason, then end.
                 ///< Nothing follows.
    };
    Kind kind = Kind::Text;
    std::uint16_t code = 0;
    bool deflated = false;  ///< the message travelled compressed
    BytesView payload;      ///< valid until the next call of next(), and while the input lives
};

/// Cuts a byte stream into events.
/// Thread:  one owner at a time; never blocks.
/// Memory:  an idle server decoder is its own 48 bytes; buffers exist only inside an unfinished
/// frame or message, and
///          hold at most frame_bytes_max + message_bytes_max. A client decoder keeps its buffer and
///          inflater.
/// Errors:  an Event of kind Failed, once; text fails at its first bad byte, not at the end of the
/// message.
class Decoder {
public:
    explicit Decoder(const DecoderConfig& config) noexcept;
    ~Decoder();
    Decoder(Decoder&&) noexcept;
    Decoder& operator=(Decoder&&) noexcept;

    /// The next event in `input`, which shrinks from the front by what was used; nothing, once it
    /// is used up. Payloads are unmasked where they lie, so `input` must be writable. Call until it
    /// answers nothing:
    ///     while (const auto event = decoder.next(input)) …
    [[nodiscard]] std::optional<Event> next(std::span<char>& input);

    /// True after Close or Failed: whatever else arrives is ignored.
    [[nodiscard]] bool ended() const noexcept { return ended_; }
    /// True inside a frame or a fragmented message.
    [[nodiscard]] bool midway() const noexcept;

private:
    struct Pending;
    struct Head;
    struct Broken;

    bool take_head(std::span<char>& input, Head& head) noexcept;
    [[nodiscard]] Broken rule_broken_by(const Head& head) const noexcept;
    std::optional<Event> begin(const Head& head, std::span<char>& input);
    std::optional<Event> whole_message(const Head& head, std::span<char> payload);
    std::optional<Event> read_on(std::span<char>& input);
    std::optional<Event> take_data(BytesView piece);
    std::optional<Event> end_message();
    std::optional<Event> control(Opcode opcode, BytesView payload);
    std::optional<Event> closed(BytesView payload);
    std::optional<Event> failed(Broken broken);
    std::optional<Event> inflate_failed(const Error& error);
    void settle() noexcept;

    // Exists inside a frame or message, and between those of a client.
    std::unique_ptr<Pending> pending_;
    std::uint32_t frame_bytes_max_;
    std::uint32_t message_bytes_max_;
    std::uint32_t fragments_max_;
    std::uint16_t ratio_max_;
    Role role_;
    bool deflate_;
    bool peer_keeps_context_;
    bool ended_ = false;
    bool settle_ = false;  ///< the last event's buffers may go
    std::uint8_t head_bytes_ = 0;
    std::array<char, 14>
        head_;  ///< the beginning of a frame header that was cut by the end of the input
};

using MaskKey = std::array<char, 4>;

/// Appends one frame. Clients must give a `mask` of fresh random bytes, servers none.
void append_frame(Bytes& out, Opcode opcode, BytesView payload,
                  std::optional<MaskKey> mask = std::nullopt, bool fin = true, bool rsv1 = false);

/// Appends only the header of a server's frame: for payloads that are written from where they lie.
void append_frame_head(Bytes& out, Opcode opcode, std::uint64_t payload_bytes, bool fin = true,
                       bool rsv1 = false);

/// Appends a close frame; `kNoStatus` sends it empty. A reason over 123 bytes is cut at a
/// character.
void append_close(Bytes& out, std::uint16_t code, std::string_view reason = {},
                  std::optional<MaskKey> mask = std::nullopt);

/// May this code stand in a close frame? (1000–1003, 1007–1014, 3000–4999)
[[nodiscard]] bool close_code_is_valid(std::uint16_t code) noexcept;

/// XORs `bytes` with the key, of which byte `phase` comes first. Masks and unmasks; 32 bytes a
/// step.
void apply_mask(std::span<char> bytes, MaskKey key, std::size_t phase = 0) noexcept;

}  // namespace anode::ws
