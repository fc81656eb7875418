#include <cstring>

#include "base/assert.hpp"
#include "base/varint.hpp"
#include "core/codec/utf8.hpp"
#include "core/codec/websocket.hpp"

namespace anode::ws {
namespace {

constexpr std::size_t kControlBytesMax = 125;
constexpr std::size_t kReasonBytesMax = kControlBytesMax - 2;

void append_head(Bytes& out, Opcode opcode, std::uint64_t payload_bytes, bool masked, bool fin,
                 bool rsv1) {
    const unsigned first = (fin ? 0x80U : 0U) | (rsv1 ? 0x40U : 0U) | static_cast<unsigned>(opcode);
    const unsigned mask_bit = masked ? 0x80U : 0U;
    out.push_back(static_cast<char>(first));
    if (payload_bytes < 126) {
        out.push_back(static_cast<char>(mask_bit | static_cast<unsigned>(payload_bytes)));
    } else if (payload_bytes <= 0xffff) {
        out.push_back(static_cast<char>(mask_bit | 126U));
        put_be(out, static_cast<std::uint16_t>(payload_bytes));
    } else {
        out.push_back(static_cast<char>(mask_bit | 127U));
        put_be(out, payload_bytes);
    }
}

/// The longest beginning of `reason` that fits and is whole characters.
std::string_view fitting(std::string_view reason) {
    if (reason.size() <= kReasonBytesMax) return reason;
    std::size_t end = kReasonBytesMax;
    while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xc0) == 0x80) --end;
    return reason.substr(0, end);
}

}  // namespace

void append_frame_head(Bytes& out, Opcode opcode, std::uint64_t payload_bytes, bool fin,
                       bool rsv1) {
    append_head(out, opcode, payload_bytes, false, fin, rsv1);
}

void append_frame(Bytes& out, Opcode opcode, BytesView payload, std::optional<MaskKey> mask,
                  bool fin, bool rsv1) {
    ANODE_ASSERT(static_cast<unsigned>(opcode) < 8 || (payload.size() <= kControlBytesMax && fin));
    append_head(out, opcode, payload.size(), mask.has_value(), fin, rsv1);
    if (mask) out.append(mask->data(), mask->size());
    const std::size_t start = out.size();
    out.append(payload);
    if (mask) apply_mask(std::span(out).subspan(start), *mask);
}

void append_close(Bytes& out, std::uint16_t code, std::string_view reason,
                  std::optional<MaskKey> mask) {
    Bytes payload;
    if (code != kNoStatus) {
        ANODE_ASSERT(close_code_is_valid(code));
        put_be(payload, code);
        payload.append(fitting(reason));
    }
    append_frame(out, Opcode::Close, payload, mask);
}

bool close_code_is_valid(std::uint16_t code) noexcept {
    if (code >= 3000) return code <= 4999;
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

void apply_mask(std::span<char> bytes, MaskKey key, std::size_t phase) noexcept {
    // Four words a step: plain enough for the compiler to turn into vector instructions.
    constexpr std::size_t kWord = sizeof(std::uint64_t);
    constexpr std::size_t kStep = 4 * kWord;
    char turned[kWord];
    for (std::size_t i = 0; i < kWord; ++i) turned[i] = key[(phase + i) % 4];
    std::uint64_t word_key = 0;
    std::memcpy(&word_key, turned, kWord);

    char* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= kStep; at += kStep, left -= kStep) {
        std::uint64_t words[4];
        std::memcpy(words, at, kStep);
        for (std::uint64_t& word : words) word ^= word_key;
        std::memcpy(at, words, kStep);
    }
    for (; left >= kWord; at += kWord, left -= kWord) {
        std::uint64_t word = 0;
        std::memcpy(&word, at, kWord);
        word ^= word_key;
        std::memcpy(at, &word, kWord);
    }
    for (std::size_t i = 0; i < left; ++i) at[i] = static_cast<char>(at[i] ^ turned[i]);
}

}  // namespace anode::ws
