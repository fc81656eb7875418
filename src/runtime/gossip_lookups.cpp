#include "runtime/gossip_lookups.hpp"

#include "core/membership/contact.hpp"
#include "core/source/egress.hpp"
#include "runtime/resolver.hpp"

namespace anode::gossip {
namespace {

using membership::Address;

constexpr std::uint16_t kAnyPort =
    1;  // the policy below asks for one; it says nothing about where we go

/// What an operator names as a contact may be anywhere, this machine included.
std::shared_ptr<const EgressPolicy> everywhere() {
    EgressOptions options;
    options.allow_private = {*IpNetwork::parse("0.0.0.0/0"), *IpNetwork::parse("::/0")};
    options.ports = {kAnyPort};
    return std::make_shared<const EgressPolicy>(std::move(options));
}

ResolverOptions asking_anew(Lookups::Ask ask) {
    ResolverOptions options;
    options.threads = 2;  // one may hang on a name server that is gone
    options.fresh = 0s;
    options.failure_fresh = 0s;
    options.lookup = std::move(ask);
    return options;
}

std::vector<Address> with_port(const std::vector<IpAddress>& all, std::uint16_t port) {
    std::vector<Address> out;
    out.reserve(all.size());
    for (const IpAddress& ip : all) {
        const auto* const bytes = reinterpret_cast<const char*>(ip.bytes.data());
        out.push_back(Address::from({bytes, ip.v6 ? 16u : 4u}, port).canonical());
    }
    return out;
}

}  // namespace

Lookups::Lookups(Loop& loop, Ask ask)
    : resolver_(std::make_unique<Resolver>(loop, everywhere(), asking_anew(std::move(ask)))) {}
Lookups::~Lookups() = default;
void Lookups::close() noexcept { resolver_.reset(); }

void Lookups::resolve(const std::string& contact, std::uint16_t default_port, Reply reply) {
    if (!resolver_) return;
    const auto parsed = membership::parse_contact(contact, default_port);
    const std::string host = parsed ? parsed->host : contact;
    const std::uint16_t port = parsed ? parsed->port : default_port;
    resolver_->resolve(host, kAnyPort, [port, reply = std::move(reply)](auto found) mutable {
        reply(found ? with_port(*found, port) : std::vector<Address>{});
    });
}

}  // namespace anode::gossip
