#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.hpp"
#include "base/text.hpp"
#include "core/membership/wire/packet.hpp"

/// Words for the specs of the wire.
namespace anode::membership::wire::spec {

/// Bytes from hexadecimal digits; blanks between them are for the eye.
inline Bytes hex(std::string_view digits) {
    std::string dense;
    for (const char c : digits) {
        if (c != ' ') dense += c;
    }
    const auto bytes = text::from_hex(dense);
    EXPECT_TRUE(bytes.has_value()) << digits;
    return bytes.value_or(Bytes{});
}

template <class T>
std::string encoded(const T& message) {
    Bytes out;
    encode(message, out);
    return text::hex(out);
}

/// The key and the nonce of the recorded vectors.
inline Bytes recorded_key() { return hex("000102030405060708090A0B0C0D0E0F"); }
inline std::array<std::uint8_t, 12> recorded_nonce() {
    return {0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xAB};
}
inline KeyRing recorded_ring() {
    KeyRing ring;
    EXPECT_TRUE(ring.add(recorded_key()));
    return ring;
}

inline const Address kA = Address::v4(127, 0, 0, 1, 7946);
inline const Address kB = Address::v4(127, 0, 0, 2, 7946);

/// What a datagram held, as words: leaf messages, then drops.
struct Told {
    std::vector<std::string> messages;
    std::vector<Drop> drops;
    Opened opened;
};

inline std::string word_of(const Message& message) {
    struct Words {
        std::string operator()(const Ping& m) { return "ping " + std::string(m.node); }
        std::string operator()(const IndirectPing& m) { return "indirect " + std::string(m.node); }
        std::string operator()(const Ack& m) { return "ack " + std::to_string(m.seq); }
        std::string operator()(const Nack& m) { return "nack " + std::to_string(m.seq); }
        std::string operator()(const Suspect& m) { return "suspect " + std::string(m.node); }
        std::string operator()(const Dead& m) { return "dead " + std::string(m.node); }
        std::string operator()(const Alive& m) { return "alive " + std::string(m.node); }
        std::string operator()(const User& m) { return "user " + std::string(m.payload); }
    };
    return std::visit(Words{}, message);
}

inline Told tell(const Envelope& envelope, BytesView datagram) {
    Told told;
    PacketReader reader;
    told.opened = reader.read(
        envelope, datagram, [&](const Message& m) { told.messages.push_back(word_of(m)); },
        [&](Drop reason, std::string_view) { told.drops.push_back(reason); });
    return told;
}

inline Bytes random_bytes(Rng& rng, std::size_t size) {
    Bytes bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(rng.next());
    return bytes;
}

}  // namespace anode::membership::wire::spec
