#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.hpp"
#include "core/codec/websocket.hpp"

/// Frames as anybody may send them, right or wrong, and decoders read in pieces of any size.
namespace anode::ws::testing {

using namespace std::string_literals;

enum class Length : std::uint8_t { Shortest, Bits16, Bits64 };

struct Wire {
    unsigned opcode = 1;
    std::string payload;
    bool fin = true;
    unsigned rsv = 0;
    Length length = Length::Shortest;
    std::optional<std::uint64_t> claimed;  ///< instead of the payload's own size
};

inline std::string encode(const Wire& wire, bool masked) {
    const std::uint64_t size = wire.claimed.value_or(wire.payload.size());
    Length length = wire.length;
    if (length == Length::Shortest && size > 125)
        length = size > 0xffff ? Length::Bits64 : Length::Bits16;
    std::string out;
    out.push_back(static_cast<char>((wire.fin ? 0x80U : 0U) | wire.rsv << 4U | wire.opcode));
    const unsigned mask_bit = masked ? 0x80U : 0U;
    const int bytes = length == Length::Shortest ? 0 : length == Length::Bits16 ? 2 : 8;
    const unsigned small = bytes == 0 ? static_cast<unsigned>(size) : bytes == 2 ? 126 : 127;
    out.push_back(static_cast<char>(mask_bit | small));
    for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(size >> (8 * i)));
    const std::string key = "\x37\xfa\x21\x3d";
    if (masked) out += key;
    for (std::size_t i = 0; i < wire.payload.size(); ++i)
        out.push_back(masked ? static_cast<char>(wire.payload[i] ^ key[i % 4]) : wire.payload[i]);
    return out;
}

inline std::string text_of(const Event& event) {
    const std::string payload(event.payload);
    const std::string code = std::to_string(event.code);
    switch (event.kind) {
        case Event::Kind::Text:
            return "text " + payload;
        case Event::Kind::Binary:
            return "binary " + payload;
        case Event::Kind::Ping:
            return "ping " + payload;
        case Event::Kind::Pong:
            return "pong " + payload;
        case Event::Kind::Close:
            return "close " + code + (payload.empty() ? "" : " " + payload);
        case Event::Kind::Failed:
            return "failed " + code;
    }
    return {};
}

/// Reads `bytes` in pieces of the sizes that `size()` gives. Every piece lies in memory of its own, so that a sanitizer
/// sees a view that outlives it.
template <class Size>
std::vector<std::string> read(const DecoderConfig& config, std::string_view bytes, Size size) {
    Decoder decoder(config);
    std::vector<std::string> events;
    while (!bytes.empty()) {
        const std::size_t count = std::min<std::size_t>(bytes.size(), size());
        std::vector<char> piece(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
        bytes.remove_prefix(count);
        std::span<char> input(piece);
        while (const auto event = decoder.next(input)) events.push_back(text_of(*event));
    }
    return events;
}

inline std::vector<std::string> read_whole(const DecoderConfig& config, std::string_view bytes) {
    return read(config, bytes, [&] { return bytes.size(); });
}
inline std::vector<std::string> read_bytewise(const DecoderConfig& config, std::string_view bytes) {
    return read(config, bytes, [] { return std::size_t{1}; });
}
/// Two pieces, cut at `cut`.
inline std::vector<std::string> read_cut(const DecoderConfig& config, std::string_view bytes,
                                         std::size_t cut) {
    bool first = true;
    return read(config, bytes, [&] { return std::exchange(first, false) ? cut : bytes.size(); });
}

}  // namespace anode::ws::testing
