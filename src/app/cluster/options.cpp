#include "app/cluster/options.hpp"

#include "app/config/values.hpp"
#include "base/text.hpp"

namespace anode::app {
namespace {

membership::Timing timing_of(const std::string& profile) {
    if (profile == "wan") return membership::Timing::wan();
    if (profile == "local") return membership::Timing::local();
    return membership::Timing::lan();
}

std::optional<IpAddress> host_of(std::string_view address) {
    std::string_view host = address.substr(0, address.rfind(':'));
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (host == "localhost") return IpAddress::v4(0x7f000001);
    return IpAddress::parse(host);
}

std::string host_text(const membership::Address& address) {
    const std::string text = address.canonical().text();
    return text.substr(0, text.rfind(':'));
}

}  // namespace

std::uint16_t port_of(std::string_view address) {
    return static_cast<std::uint16_t>(
        text::parse_u64(address.substr(address.rfind(':') + 1)).value_or(0));
}

GossipOptions gossip_options(const Config& config, const Identity& identity,
                             const membership::KeyRing& ring) {
    GossipOptions options;
    options.listen = config.text("gossip.listen");
    options.advertise = config.text("gossip.advertise");
    options.keys = ring;
    membership::Config& wanted = options.config;
    wanted.name = identity.node.text();
    wanted.label = config.text("gossip.cluster");
    wanted.timing = timing_of(config.text("gossip.profile"));
    wanted.contacts = config.list("gossip.join");
    wanted.first_incarnation = identity.incarnation;
    if (const auto versions = parse_versions(config.text("gossip.delegate_versions")))
        wanted.delegate_versions = *versions;
    return options;
}

std::string url_for_others(const Config& config, const std::vector<std::string>& listening,
                           const membership::Address& advertised) {
    if (config.given("http.public_url")) return config.text("http.public_url");
    const std::string scheme = config.given("http.tls.cert") ? "https://" : "http://";
    const auto known_as = IpAddress::parse(advertised.set() ? host_text(advertised) : "");
    for (const std::string& address : listening) {
        const auto host = host_of(address);
        if (!host) continue;
        if (host->unspecified()) {
            if (known_as)
                return scheme + host_text(advertised) + ":" + std::to_string(port_of(address));
        } else if (!host->loopback() || (known_as && known_as->loopback())) {
            return scheme + address;
        }
    }
    return {};
}

}  // namespace anode::app
