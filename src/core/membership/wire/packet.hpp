#pragma once

#include <cstdint>
#include <functional>

#include "base/bytes.hpp"
#include "core/membership/counters.hpp"
#include "core/membership/key_ring.hpp"
#include "core/membership/types.hpp"
#include "core/membership/wire/messages.hpp"

/// The layers of a datagram: label, seal, CRC, compression, compound. Source: memberlist protocol, sections 2 and 10–11.
namespace anode::membership::wire {

/// What both directions must agree on.
struct Envelope {
    BytesView label;
    const KeyRing* keys = nullptr;  ///< null or empty: clear
    bool verify_incoming = true;
    bool verify_outgoing = true;
    bool compression = true;
    [[nodiscard]] bool seals() const noexcept {
        return keys != nullptr && !keys->empty() && verify_outgoing;
    }
};

inline constexpr std::size_t kPartsMax = 127;              ///< of a compound that we send
inline constexpr std::size_t kOpenedPacketMax = 1u << 20;  ///< decompressed
inline constexpr std::size_t kCompressionWorth = 64;  ///< smaller messages are sent as they are

/// Packs one datagram exactly: size() never passes the limit given to begin(). Buffers are reused.
class PacketWriter {
public:
    /// `limit`: of the whole datagram with every layer.
    void begin(const Envelope& envelope, std::size_t limit, bool crc);
    /// One encoded leaf message. False: it does not fit (nothing is added). The first always fits.
    bool add(BytesView part);
    /// How many bytes one more part may have; 0: none fits.
    [[nodiscard]] std::size_t room() const noexcept;
    [[nodiscard]] std::size_t parts() const noexcept { return parts_; }
    /// What the datagram will have if it is finished now and compression saves nothing.
    [[nodiscard]] std::size_t size() const noexcept;
    /// The datagram; valid until the next begin(). At least one part is in it. `nonce` is used only if the envelope seals.
    BytesView finish(std::span<const std::uint8_t, KeyRing::kNonceBytes> nonce);

private:
    BytesView content();

    Envelope envelope_;
    std::size_t limit_ = 0, around_ = 0, parts_ = 0;
    bool crc_ = false;
    Bytes bodies_, lengths_, plain_, packed_, clear_, datagram_;
};

/// What a datagram held.
struct Opened {
    std::size_t key = ~0u;  ///< index of the key that opened it; ~0u: clear text
    std::size_t messages = 0;
};

/// Takes a datagram apart. Buffers are reused.
/// Limits:  3 levels of compound and compressed together, one of them compressed; 1 MiB opened.
class PacketReader {
public:
    using Visit = std::function<void(const Message&)>;
    using OnDrop = std::function<void(Drop reason, std::string_view what)>;
    /// Calls `message` for each leaf in order and `drop` for each part that was thrown away; a part that is bad never takes the
    /// good ones before it along. Views are valid during the call. `what` is for people.
    Opened read(const Envelope& envelope, BytesView datagram, const Visit& message,
                const OnDrop& drop);
    /// During a visit: the key that opened this datagram, as in Opened.
    [[nodiscard]] std::size_t key() const noexcept { return key_; }

private:
    class Descent;
    static constexpr std::size_t kHeldMax = 128 * 1024;
    Bytes opened_, inflated_;
    std::size_t key_ = ~0u;
};

}  // namespace anode::membership::wire
