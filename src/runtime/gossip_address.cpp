#include "runtime/gossip_address.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

namespace anode::gossip {
namespace {

using membership::Address;

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

Address with_port(const IpAddress& ip, std::uint16_t port) {
    const auto* const bytes = reinterpret_cast<const char*>(ip.bytes.data());
    return Address::from({bytes, ip.v6 ? 16u : 4u}, port).canonical();
}

bool unspecified(const Address& address) {
    return std::all_of(address.ip.begin(), address.ip.end(), [](auto byte) { return byte == 0; });
}

bool is_private(const IpAddress& ip) {
    static const std::array<IpNetwork, 4> kPrivate{
        *IpNetwork::parse("10.0.0.0/8"), *IpNetwork::parse("172.16.0.0/12"),
        *IpNetwork::parse("192.168.0.0/16"), *IpNetwork::parse("100.64.0.0/10")};
    return std::any_of(kPrivate.begin(), kPrivate.end(),
                       [&](const IpNetwork& network) { return network.contains(ip); });
}

/// fe80::/10 means another machine on every link, so it is told to nobody.
bool link_local(const IpAddress& ip) {
    return ip.v6 ? ip.bytes[0] == 0xfe && (ip.bytes[1] & 0xc0) == 0x80
                 : ip.bytes[0] == 169 && ip.bytes[1] == 254;
}

std::optional<Address> wished(std::string_view text, std::uint16_t port) {
    if (const auto whole = Address::parse(text)) return whole->canonical();
    if (text.size() > 2 && text.front() == '[' && text.back() == ']')
        text = text.substr(1, text.size() - 2);
    const auto ip = IpAddress::parse(text);
    return ip ? std::optional(with_port(*ip, port)) : std::nullopt;
}

}  // namespace

bool to_kernel(const Address& address, int family, SocketAddress& out) noexcept {
    const Address plain = address.canonical();
    if (family == AF_INET) {
        if (plain.size != 4) return false;
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(plain.port);
        std::memcpy(&v4.sin_addr, plain.ip.data(), 4);
        std::memcpy(&out.storage, &v4, sizeof v4);
        out.size = sizeof v4;
        return true;
    }
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(plain.port);
    if (plain.size == 4) {
        std::memcpy(v6.sin6_addr.s6_addr, kMappedPrefix.data(), kMappedPrefix.size());
        std::memcpy(v6.sin6_addr.s6_addr + kMappedPrefix.size(), plain.ip.data(), 4);
    } else {
        std::memcpy(v6.sin6_addr.s6_addr, plain.ip.data(), 16);
    }
    std::memcpy(&out.storage, &v6, sizeof v6);
    out.size = sizeof v6;
    return plain.set();
}

Address from_kernel(const sockaddr_storage& storage) noexcept {
    if (storage.ss_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &storage, sizeof v4);
        return Address::from({reinterpret_cast<const char*>(&v4.sin_addr), 4}, ntohs(v4.sin_port));
    }
    if (storage.ss_family != AF_INET6) return {};
    sockaddr_in6 v6{};
    std::memcpy(&v6, &storage, sizeof v6);
    return Address::from({reinterpret_cast<const char*>(v6.sin6_addr.s6_addr), 16},
                         ntohs(v6.sin6_port))
        .canonical();
}

int family_of(const Address& address) noexcept {
    return address.canonical().size == 4 ? AF_INET : AF_INET6;
}

std::vector<IpAddress> addresses_of_this_machine() {
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) return {};
    const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, freeifaddrs);
    std::vector<IpAddress> out;
    for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
        if (one->ifa_addr == nullptr || (one->ifa_flags & IFF_UP) == 0 ||
            (one->ifa_flags & IFF_LOOPBACK) != 0)
            continue;
        const int family = one->ifa_addr->sa_family;
        if (family != AF_INET && family != AF_INET6) continue;
        sockaddr_storage storage{};
        std::memcpy(&storage, one->ifa_addr,
                    family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
        const Address address = from_kernel(storage);
        IpAddress ip{.v6 = address.size == 16, .bytes = address.ip};
        if (!link_local(ip)) out.push_back(ip);
    }
    return out;
}

Result<Address> advertised_address(std::string_view wish, const Address& bound,
                                   const std::vector<IpAddress>& own) {
    if (!wish.empty()) {
        const auto address = wished(wish, bound.port);
        if (!address || !address->may_be_sent_to())
            return fail(Errc::Malformed,
                        "'" + std::string(wish) + "' is no address that others can reach");
        return *address;
    }
    if (!unspecified(bound)) return bound.canonical();
    const auto take = [&](auto fits) -> std::optional<Address> {
        const auto found = std::find_if(own.begin(), own.end(), fits);
        return found == own.end() ? std::nullopt : std::optional(with_port(*found, bound.port));
    };
    if (const auto found = take([](const IpAddress& ip) { return !ip.v6 && is_private(ip); }))
        return *found;
    if (const auto found = take([](const IpAddress& ip) { return !ip.v6; })) return *found;
    if (bound.size == 16)  // nobody reaches IPv6 through a socket of IPv4
        if (const auto found = take([](const IpAddress&) { return true; })) return *found;
    return Address::v4(127, 0, 0, 1, bound.port);
}

}  // namespace anode::gossip
