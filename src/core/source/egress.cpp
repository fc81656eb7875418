#include "core/source/egress.hpp"

#include <algorithm>
#include <array>

namespace anode {
namespace {

struct Special {
    IpNetwork network;
    std::string_view name;
};

/// The first match names an address.
const std::vector<Special>& special_networks() {
    static const std::vector<Special> kTable = [] {
        constexpr std::pair<std::string_view, std::string_view> kRows[] = {
            {"0.0.0.0/8", "this network"},
            {"10.0.0.0/8", "private"},
            {"100.64.0.0/10", "carrier NAT"},
            {"127.0.0.0/8", "loopback"},
            {"169.254.0.0/16", "link-local"},
            {"172.16.0.0/12", "private"},
            {"192.0.0.0/24", "protocol assignments"},
            {"192.0.2.0/24", "documentation"},
            {"192.88.99.0/24", "6to4 relay"},
            {"192.168.0.0/16", "private"},
            {"198.18.0.0/15", "benchmark"},
            {"198.51.100.0/24", "documentation"},
            {"203.0.113.0/24", "documentation"},
            {"224.0.0.0/4", "multicast"},
            {"240.0.0.0/4", "reserved"},
            {"::/128", "unspecified"},
            {"::1/128", "loopback"},
            {"::/96", "IPv4-compatible"},
            {"::ffff:0:0/96", "IPv4-mapped"},
            {"::ffff:0:0:0/96", "IPv4-translated"},
            {"64:ff9b::/96", "IPv4-translated"},
            {"64:ff9b:1::/48", "IPv4-translated"},
            {"100::/64", "discard"},
            {"2001::/32", "Teredo"},
            {"2001::/23", "protocol assignments"},
            {"2001:db8::/32", "documentation"},
            {"2002::/16", "6to4"},
            {"3fff::/20", "documentation"},
            {"fc00::/7", "private"},
            {"fe80::/10", "link-local"},
            {"fec0::/10", "site-local"},
            {"ff00::/8", "multicast"},
        };
        std::vector<Special> table;
        for (const auto& [network, name] : kRows)
            table.push_back({*IpNetwork::parse(network), name});
        return table;
    }();
    return kTable;
}

/// An IPv4 address in IPv6 clothes, undressed: the kernel connects to the IPv4 one.
IpAddress unmapped(const IpAddress& ip) {
    static const IpNetwork kMapped = *IpNetwork::parse("::ffff:0:0/96");
    if (!kMapped.contains(ip)) return ip;
    IpAddress inner;
    std::copy_n(ip.bytes.begin() + 12, 4, inner.bytes.begin());
    return inner;
}

/// Names that mean this machine whatever a name server says (RFC 6761, section 6.3).
bool means_loopback(std::string_view host) {
    constexpr std::array<std::string_view, 4> kNames{"localhost", "localhost.localdomain",
                                                     "ip6-localhost", "ip6-loopback"};
    return host.ends_with(".localhost") ||
           std::find(kNames.begin(), kNames.end(), host) != kNames.end();
}

}  // namespace

std::string_view special_network(const IpAddress& ip) {
    for (const Special& special : special_networks())
        if (special.network.contains(ip)) return special.name;
    // Beyond 2000::/3 nothing is assigned for global use.
    if (ip.v6 && (ip.bytes[0] & 0xe0) != 0x20) return "unassigned";
    return {};
}

EgressPolicy::EgressPolicy(EgressOptions options) : options_(std::move(options)) {}

bool EgressPolicy::allowed_private(const IpAddress& ip) const {
    return std::any_of(options_.allow_private.begin(), options_.allow_private.end(),
                       [&](const IpNetwork& network) { return network.contains(ip); });
}

Result<void> EgressPolicy::check_port(std::uint16_t port) const {
    if (std::find(options_.ports.begin(), options_.ports.end(), port) != options_.ports.end())
        return {};
    return fail(Errc::Refused, "port " + std::to_string(port) + " is not in egress.ports");
}

Result<void> EgressPolicy::check(const IpAddress& ip) const {
    const std::string_view special = special_network(ip);
    if (special.empty() || allowed_private(ip)) return {};
    return fail(Errc::Refused, "address " + ip.text() + " is not public (" + std::string(special) +
                                   "); see egress.allow_private");
}

Result<void> EgressPolicy::check(const IpAddress& ip, std::uint16_t port) const {
    if (const Result<void> address = check(ip); !address) return address;
    if (const Result<void> fits = check_port(port); !fits) return fits;
    const IpAddress inner = unmapped(ip);
    const auto& own = options_.own_addresses;
    const bool ours = inner.loopback() || inner.unspecified() ||
                      std::find(own.begin(), own.end(), inner) != own.end();
    const auto& ports = options_.own_ports;
    if (ours && std::find(ports.begin(), ports.end(), port) != ports.end())
        return fail(Errc::Refused,
                    "port " + std::to_string(port) + " of this address is the node's own");
    return {};
}

Result<void> EgressPolicy::check(const Url& url) const {
    if (url.ip) return check(*url.ip, url.port);
    if (!means_loopback(url.host)) return check_port(url.port);
    IpAddress loopback6{.v6 = true};
    loopback6.bytes[15] = 1;
    const Result<void> v4 = check(IpAddress::v4(0x7f000001), url.port);
    return v4 ? v4 : check(loopback6, url.port) ? Result<void>{} : v4;
}

}  // namespace anode
