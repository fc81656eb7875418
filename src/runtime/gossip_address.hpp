#pragma once

#include <sys/socket.h>

#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "core/membership/types.hpp"
#include "core/source/ip.hpp"

/// Members' addresses beside those of the kernel, and which of them this machine has.
namespace anode::gossip {

/// An address as a system call takes it.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;

    [[nodiscard]] sockaddr* pointer() noexcept {
        return static_cast<sockaddr*>(static_cast<void*>(&storage));
    }
    [[nodiscard]] int family() const noexcept { return storage.ss_family; }
};

/// For a socket of `family`; a socket of AF_INET6 reaches IPv4 through mapped addresses. False: this family does not reach it.
[[nodiscard]] bool to_kernel(const membership::Address& address, int family,
                             SocketAddress& out) noexcept;
/// Mapped IPv4 comes back as 4 bytes. Not set(): no internet address.
[[nodiscard]] membership::Address from_kernel(const sockaddr_storage& storage) noexcept;
/// The family of a socket for this address: AF_INET for IPv4 in either form.
[[nodiscard]] int family_of(const membership::Address& address) noexcept;

/// The addresses of the interfaces that are up, loopback left out.
[[nodiscard]] std::vector<IpAddress> addresses_of_this_machine();

/// What a node tells others: `wish` (`address:port`, `address`), or else where it is bound, or else the first private IPv4 of
/// `own`, or its first IPv4, or its first other, or loopback. Errors: Malformed (a wish that is no address).
[[nodiscard]] Result<membership::Address> advertised_address(std::string_view wish,
                                                             const membership::Address& bound,
                                                             const std::vector<IpAddress>& own);

}  // namespace anode::gossip
