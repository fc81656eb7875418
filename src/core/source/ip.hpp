#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Internet addresses and networks as values.
/// Errors: an empty optional for text that is not exactly one address or network.
/// Source: RFC 4291 (IPv6), RFC 5952 (its text form).
namespace anode {

/// An IPv4 or IPv6 address. IPv4 uses the first four bytes.
struct IpAddress {
    bool v6 = false;
    std::array<std::uint8_t, 16> bytes{};
    friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

    static IpAddress v4(std::uint32_t host_order);
    /// Strict forms only: four decimal numbers without leading zeros, or RFC 4291 text without a
    /// zone.
    static std::optional<IpAddress> parse(std::string_view text);
    /// Dotted decimal, or RFC 5952 (lower case, longest run of zeros shortened), without brackets.
    [[nodiscard]] std::string text() const;
    [[nodiscard]] bool loopback() const noexcept;     ///< 127/8 or ::1
    [[nodiscard]] bool unspecified() const noexcept;  ///< 0.0.0.0 or ::
};

/// An address and the number of leading bits that count.
struct IpNetwork {
    IpAddress address;
    std::uint8_t bits = 0;
    friend auto operator<=>(const IpNetwork&, const IpNetwork&) = default;

    /// `10.3.0.0/16`, `fd00::/8`, or a bare address (all its bits).
    static std::optional<IpNetwork> parse(std::string_view text);
    [[nodiscard]] bool contains(const IpAddress& ip) const noexcept;
};

}  // namespace anode
