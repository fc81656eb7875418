#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace anode::membership {

/// Raised by its owner only; compared as a plain number. 0xFFFFFFF0 and above are never believed.
using Incarnation = std::uint32_t;
inline constexpr Incarnation kIncarnationMax = 0xFFFFFFEF;

/// The numbers are the wire's (memberlist protocol, section 3.4, `State`).
enum class MemberState : std::uint8_t { Alive = 0, Suspect = 1, Dead = 2, Left = 3 };
[[nodiscard]] std::string_view name_of(MemberState state) noexcept;

/// An address as a member announced it. The 4-byte and the 16-byte form of one IPv4 address are different announcements
/// (`==`) that reach the same socket (`same_socket`). Kept and sent on byte for byte.
struct Address {
    std::array<std::uint8_t, 16> ip{};
    std::uint8_t size = 0;  ///< 0 (none), 4 or 16
    std::uint16_t port = 0;

    friend bool operator==(const Address&, const Address&) = default;
    [[nodiscard]] bool set() const noexcept { return size != 0; }
    [[nodiscard]] BytesView ip_bytes() const noexcept {
        return {reinterpret_cast<const char*>(ip.data()), size};
    }
    [[nodiscard]] bool same_socket(const Address& other) const noexcept;
    /// A mapped IPv4 address becomes its 4 bytes.
    [[nodiscard]] Address canonical() const noexcept;
    /// `10.0.0.1:7946`, `[::1]:7946`.
    [[nodiscard]] std::string text() const;

    static Address v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d,
                      std::uint16_t port) noexcept;
    /// From 4 or 16 bytes; any other size gives an address that is not set().
    static Address from(BytesView ip, std::uint16_t port) noexcept;
    /// From `address:port` with a literal IP; no names. Errors: Malformed.
    static Result<Address> parse(std::string_view text);
    /// Neither unspecified, multicast nor broadcast, and with a port: something a datagram may be sent to.
    [[nodiscard]] bool may_be_sent_to() const noexcept;
};

/// [pmin, pmax, pcur, dmin, dmax, dcur] (section 4).
struct Versions {
    std::array<std::uint8_t, 6> bytes{1, 5, 2, 0, 0, 0};
    friend bool operator==(const Versions&, const Versions&) = default;
    [[nodiscard]] std::uint8_t protocol_max() const noexcept { return bytes[1]; }
    /// Section 4, last paragraph: what may enter our table.
    [[nodiscard]] bool valid() const noexcept;
};

inline constexpr std::size_t kNameBytesMax = 255;
inline constexpr std::size_t kMetaBytesMax = 512;

}  // namespace anode::membership
