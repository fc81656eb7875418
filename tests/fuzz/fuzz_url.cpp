#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.hpp"
#include "core/source/egress.hpp"
#include "core/source/url.hpp"

/// Whatever parses must read back as itself, and the policy must see the address that the text leads to.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace anode;
    static const EgressPolicy policy{EgressOptions{}};
    static const Url base = *Url::parse("https://example.com/a/b?c");
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto url = Url::parse(text)) {
        const auto again = Url::parse(url->text());
        ANODE_ASSERT(again && again->text() == url->text());
        ANODE_ASSERT(again->ip == url->ip && again->host == url->host && again->port == url->port);
        ANODE_ASSERT(!url->ip || url->ip->text() == url->host);
        const bool allowed = policy.check(*url).has_value();
        ANODE_ASSERT(!allowed || !url->ip || special_network(*url->ip).empty());
    }
    if (const auto moved = base.resolve(text)) ANODE_ASSERT(Url::parse(moved->text()).has_value());
    if (const auto network = IpNetwork::parse(text))
        ANODE_ASSERT(network->contains(network->address));
    return 0;
}
