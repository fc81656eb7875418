#pragma once

#include <array>
#include <cstdint>

#include "core/membership/types.hpp"
#include "core/membership/wire/msgpack.hpp"

/// Fields that several messages have, read into the room's types.
namespace anode::membership::wire {

/// An address whose two halves come as keys of their own, in any order.
struct AddressParts {
    std::array<std::uint8_t, 16> ip{};
    std::size_t size = 0;
    std::uint16_t port = 0;

    void read_ip(msgpack::Reader& in) noexcept { size = in.copy_bytes(ip); }
    void read_port(msgpack::Reader& in) noexcept {
        port = static_cast<std::uint16_t>(in.unsigned_number(0xFFFF));
    }
    [[nodiscard]] Address address() const noexcept {
        if (size != 4 && size != 16) return {};
        return Address::from({reinterpret_cast<const char*>(ip.data()), size}, port);
    }
    /// For the source of a request: half an address is none.
    [[nodiscard]] Address whole() const noexcept { return port == 0 ? Address{} : address(); }
};

inline void read_versions(msgpack::Reader& in, Versions& versions, std::uint8_t& size) noexcept {
    const std::size_t bytes = in.copy_bytes(versions.bytes);
    size = static_cast<std::uint8_t>(bytes < 0xFF ? bytes : 0xFF);
}

[[nodiscard]] inline BytesView view_of(const Versions& versions) noexcept {
    return {reinterpret_cast<const char*>(versions.bytes.data()), versions.bytes.size()};
}

inline std::uint32_t read_u32(msgpack::Reader& in) noexcept {
    return static_cast<std::uint32_t>(in.unsigned_number(0xFFFF'FFFF));
}

}  // namespace anode::membership::wire
