#include <algorithm>
#include <cstring>

#include "base/assert.hpp"
#include "base/varint.hpp"
#include "core/codec/message_inflater.hpp"
#include "core/codec/utf8.hpp"
#include "core/codec/websocket.hpp"

namespace anode::ws {
namespace {

constexpr std::size_t kControlBytesMax = 125;
constexpr std::size_t kKeptBufferBytesMax = 64U << 10;

bool is_control(unsigned opcode) noexcept { return opcode >= 8; }
bool is_reserved(unsigned opcode) noexcept { return (opcode > 2 && opcode < 8) || opcode > 10; }

/// Bytes of a header, known from its second byte on.
std::size_t head_length(unsigned char second) noexcept {
    const unsigned length = second & 0x7fU;
    return 2U + (length == 126 ? 2U : length == 127 ? 8U : 0U) + ((second & 0x80U) != 0 ? 4U : 0U);
}

}  // namespace

struct Decoder::Broken {
    std::uint16_t code = 0;  ///< 0: no rule is broken
    std::string_view reason;
};

struct Decoder::Head {
    bool fin = false;
    bool rsv1 = false;
    bool rsv23 = false;
    bool masked = false;
    bool shortest = true;  ///< the length is in its shortest form
    unsigned opcode = 0;
    std::uint64_t length = 0;
    MaskKey key{};

    /// Reads a complete header.
    explicit Head(const char* at) noexcept {
        const auto first = static_cast<unsigned char>(at[0]);
        const auto second = static_cast<unsigned char>(at[1]);
        fin = (first & 0x80U) != 0;
        rsv1 = (first & 0x40U) != 0;
        rsv23 = (first & 0x30U) != 0;
        opcode = first & 0x0fU;
        masked = (second & 0x80U) != 0;
        length = second & 0x7fU;
        at += 2;
        if (length == 126) {
            length = static_cast<std::uint64_t>(static_cast<unsigned char>(at[0])) << 8U |
                     static_cast<unsigned char>(at[1]);
            shortest = length >= 126;
            at += 2;
        } else if (length == 127) {
            length = load_be64(at);
            shortest = length > 0xffff && length >> 63U == 0;
            at += 8;
        }
        if (masked) std::memcpy(key.data(), at, key.size());
    }
    Head() = default;
};

/// What an unfinished frame or message needs.
struct Decoder::Pending {
    Bytes message;                 ///< its payload so far, inflated
    std::uint64_t frame_left = 0;  ///< payload bytes of the open frame that have not come yet
    std::size_t phase = 0;         ///< of the mask
    std::uint32_t fragments = 0;   ///< frames of the open message; 0: none is open
    MaskKey key{};
    bool in_frame = false;
    bool fin = false;
    bool deflated = false;
    Opcode frame = Opcode::Text;
    Opcode kind = Opcode::Text;  ///< of the open message
    std::uint8_t control_bytes = 0;
    Utf8Check utf8;
    std::array<char, kControlBytesMax> control;
    std::unique_ptr<MessageInflater> inflater;

    void begin_message(Opcode opcode, bool rsv1) {
        kind = opcode;
        deflated = rsv1;
        utf8.reset();
        message.clear();
        if (rsv1 && !inflater) inflater = std::make_unique<MessageInflater>();
    }
};

Decoder::Decoder(const DecoderConfig& config) noexcept
    : frame_bytes_max_(config.frame_bytes_max),
      message_bytes_max_(config.message_bytes_max),
      fragments_max_(config.fragments_max),
      ratio_max_(config.ratio_max),
      role_(config.role),
      deflate_(config.deflate),
      peer_keeps_context_(config.peer_keeps_context) {
    ANODE_ASSERT(ratio_max_ > 0);
}
Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

bool Decoder::midway() const noexcept {
    return head_bytes_ > 0 || (pending_ && (pending_->in_frame || pending_->fragments > 0));
}

std::optional<Event> Decoder::next(std::span<char>& input) {
    if (settle_) settle();
    while (!ended_ && !input.empty()) {
        if (pending_ && pending_->in_frame) {
            if (auto event = read_on(input)) return event;
            continue;
        }
        Head head;
        if (!take_head(input, head)) return std::nullopt;
        const Broken broken = rule_broken_by(head);
        if (broken.code != 0) return failed(broken);
        if (auto event = begin(head, input)) return event;
    }
    if (ended_) {
        pending_.reset();
        input = {};
    }
    return std::nullopt;
}

/// Takes a complete header off the front of `input`, or keeps what there is of it.
bool Decoder::take_head(std::span<char>& input, Head& head) noexcept {
    if (head_bytes_ == 0 && input.size() >= 2) {
        const std::size_t length = head_length(static_cast<unsigned char>(input[1]));
        if (input.size() >= length) {
            head = Head(input.data());
            input = input.subspan(length);
            return true;
        }
    }
    while (!input.empty()) {
        head_[head_bytes_++] = input.front();
        input = input.subspan(1);
        if (head_bytes_ >= 2 && head_bytes_ == head_length(static_cast<unsigned char>(head_[1]))) {
            head = Head(head_.data());
            head_bytes_ = 0;
            return true;
        }
    }
    return false;
}

Decoder::Broken Decoder::rule_broken_by(const Head& head) const noexcept {
    const bool open = pending_ && pending_->fragments > 0;
    const bool begins = head.opcode != 0;
    if (head.rsv23) return {kProtocolError, "reserved bit is set"};
    if (is_reserved(head.opcode)) return {kProtocolError, "reserved opcode"};
    if (head.rsv1 && (!deflate_ || is_control(head.opcode) || !begins))
        return {kProtocolError, "frame is marked as compressed where it cannot be"};
    if (head.masked != (role_ == Role::Server))
        return {kProtocolError, role_ == Role::Server ? "frame is not masked" : "frame is masked"};
    if (!head.shortest) return {kProtocolError, "length is not in its shortest form"};
    if (is_control(head.opcode)) {
        if (!head.fin) return {kProtocolError, "control frame is fragmented"};
        if (head.length > kControlBytesMax) return {kProtocolError, "control frame is too long"};
        return {};
    }
    if (begins && open) return {kProtocolError, "new message inside a fragmented one"};
    if (!begins && !open) return {kProtocolError, "continuation of nothing"};
    if ((open ? pending_->fragments : 0) >= fragments_max_)
        return {kProtocolError, "too many fragments"};
    const bool plain = open ? !pending_->deflated : !head.rsv1;
    const std::uint64_t before = open ? pending_->message.size() : 0;
    if (head.length > frame_bytes_max_) return {kTooBig, "frame too big"};
    if (plain && before + head.length > message_bytes_max_) return {kTooBig, "message too big"};
    return {};
}

std::optional<Event> Decoder::begin(const Head& head, std::span<char>& input) {
    const auto opcode = static_cast<Opcode>(head.opcode);
    const bool whole = input.size() >= head.length;
    const bool alone = head.fin && opcode != Opcode::Continuation && !head.rsv1;
    if (whole && (is_control(head.opcode) || alone)) {
        const std::span<char> payload = input.first(head.length);
        input = input.subspan(head.length);
        if (head.masked) apply_mask(payload, head.key);
        if (alone && !is_control(head.opcode)) return whole_message(head, payload);
        return control(opcode, {payload.data(), payload.size()});
    }
    if (!pending_) pending_ = std::make_unique<Pending>();
    Pending& p = *pending_;
    p.in_frame = true;
    p.frame = opcode;
    p.frame_left = head.length;
    p.key = head.key;
    p.phase = 0;
    if (is_control(head.opcode)) {
        p.control_bytes = 0;
    } else {
        if (opcode != Opcode::Continuation) p.begin_message(opcode, head.rsv1);
        ++p.fragments;
        p.fin = head.fin;
    }
    return read_on(input);
}

/// The common case: nothing is copied, nothing allocated.
std::optional<Event> Decoder::whole_message(const Head& head, std::span<char> payload) {
    const BytesView view{payload.data(), payload.size()};
    if (static_cast<Opcode>(head.opcode) == Opcode::Binary)
        return Event{.kind = Event::Kind::Binary, .payload = view};
    Utf8Check utf8;
    if (!utf8.feed(view) || !utf8.complete()) return failed({kBadText, "text is not UTF-8"});
    return Event{.kind = Event::Kind::Text, .payload = view};
}

/// Takes what `input` holds of the open frame.
std::optional<Event> Decoder::read_on(std::span<char>& input) {
    Pending& p = *pending_;
    const std::size_t count = std::min<std::uint64_t>(p.frame_left, input.size());
    const std::span<char> piece = input.first(count);
    input = input.subspan(count);
    if (role_ == Role::Server) apply_mask(piece, p.key, p.phase);
    p.phase = (p.phase + count) % p.key.size();
    p.frame_left -= count;
    p.in_frame = p.frame_left > 0;
    const BytesView view{piece.data(), piece.size()};
    if (is_control(static_cast<unsigned>(p.frame))) {
        std::copy(piece.begin(), piece.end(), p.control.begin() + p.control_bytes);
        p.control_bytes = static_cast<std::uint8_t>(p.control_bytes + count);
        if (p.in_frame) return std::nullopt;
        return control(p.frame, {p.control.data(), p.control_bytes});
    }
    if (auto failure = take_data(view)) return failure;
    if (p.in_frame || !p.fin) return std::nullopt;
    return end_message();
}

std::optional<Event> Decoder::take_data(BytesView piece) {
    Pending& p = *pending_;
    const std::size_t before = p.message.size();
    if (p.deflated) {
        const auto fed = p.inflater->feed(piece, {message_bytes_max_, ratio_max_}, p.message);
        if (!fed) return inflate_failed(fed.error());
    } else {
        p.message.append(piece);
    }
    if (p.kind == Opcode::Text && !p.utf8.feed(BytesView(p.message).substr(before)))
        return failed({kBadText, "text is not UTF-8"});
    return std::nullopt;
}

std::optional<Event> Decoder::end_message() {
    Pending& p = *pending_;
    if (p.deflated) {
        const std::size_t before = p.message.size();
        const auto fed = p.inflater->end_message(peer_keeps_context_,
                                                 {message_bytes_max_, ratio_max_}, p.message);
        if (!fed) return inflate_failed(fed.error());
        if (p.kind == Opcode::Text && !p.utf8.feed(BytesView(p.message).substr(before)))
            return failed({kBadText, "text is not UTF-8"});
    }
    if (p.kind == Opcode::Text && !p.utf8.complete())
        return failed({kBadText, "text is not UTF-8"});
    p.fragments = 0;
    settle_ = true;
    return Event{.kind = p.kind == Opcode::Text ? Event::Kind::Text : Event::Kind::Binary,
                 .deflated = p.deflated,
                 .payload = p.message};
}

std::optional<Event> Decoder::control(Opcode opcode, BytesView payload) {
    settle_ = pending_ != nullptr;
    if (opcode == Opcode::Close) return closed(payload);
    return Event{.kind = opcode == Opcode::Ping ? Event::Kind::Ping : Event::Kind::Pong,
                 .payload = payload};
}

std::optional<Event> Decoder::closed(BytesView payload) {
    if (payload.size() == 1) return failed({kProtocolError, "close frame of one byte"});
    Event event{.kind = Event::Kind::Close, .code = kNoStatus, .payload = {}};
    if (!payload.empty()) {
        event.code = static_cast<std::uint16_t>(static_cast<unsigned char>(payload[0]) << 8U |
                                                static_cast<unsigned char>(payload[1]));
        event.payload = payload.substr(2);
        if (!close_code_is_valid(event.code)) return failed({kProtocolError, "invalid close code"});
        Utf8Check utf8;
        if (!utf8.feed(event.payload) || !utf8.complete())
            return failed({kBadText, "close reason is not UTF-8"});
    }
    ended_ = true;
    return event;
}

std::optional<Event> Decoder::inflate_failed(const Error& error) {
    if (error.code == Errc::TooLarge) return failed({kTooBig, "inflated message too big"});
    return failed({kBadText, "compressed message is broken"});
}

std::optional<Event> Decoder::failed(Broken broken) {
    ended_ = true;
    return Event{.kind = Event::Kind::Failed, .code = broken.code, .payload = broken.reason};
}

/// Lets go of the buffers behind the last event, unless a message is still open or the next one will need them.
void Decoder::settle() noexcept {
    settle_ = false;
    if (!pending_ || pending_->in_frame || pending_->fragments > 0) return;
    if (role_ == Role::Server && !peer_keeps_context_) {
        pending_.reset();
        return;
    }
    if (pending_->message.capacity() > kKeptBufferBytesMax) Bytes().swap(pending_->message);
    pending_->message.clear();
}

}  // namespace anode::ws
