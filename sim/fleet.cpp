#include "sim/fleet.hpp"

#include <charconv>

#include "core/membership/node_meta.hpp"
#include "core/membership/swim/name_pool.hpp"

namespace anode::sim {
namespace {

namespace m = membership;

Address address_of(unsigned number) {
    return Address::v4(10, static_cast<std::uint8_t>(number >> 16),
                       static_cast<std::uint8_t>(number >> 8 & 0xff),
                       static_cast<std::uint8_t>(number & 0xff), 7946);
}

unsigned number_of(std::string_view name) {
    unsigned number = 0;
    std::from_chars(name.data() + 1, name.data() + name.size(), number);
    return number;
}

Bytes meta_of(bool fast) {
    if (!fast) return {};
    m::NodeMeta meta;
    meta.capabilities = m::NodeMeta::kFast | m::NodeMeta::kData;
    return meta.encode();
}

}  // namespace

Fleet::Fleet(const Options& options, Told told)
    : options_(options),
      world_(options.seed, options.weather),
      told_(std::move(told)),
      names_(std::make_shared<m::NamePool>()) {
    for (unsigned number = 0; number < options_.members; ++number) {
        world_.add_host(address_of(number));
        known_.push_back({.name = "n" + std::to_string(number),
                          .address = address_of(number),
                          .meta = meta_of(options_.fast),
                          .incarnation = 1});
    }
    for (unsigned number = 0; number < options_.members; ++number) boot(number);
}

void Fleet::boot(unsigned number) {
    m::Config config;
    config.name = known_[number].name;
    config.advertise = known_[number].address;
    config.meta = known_[number].meta;
    config.timing = options_.timing;
    config.fast.on = options_.fast;
    auto member = std::make_unique<Member>(
        std::move(config), m::KeyRing{}, world_.rng(number).next(), names_,
        [this, number](const m::Output& output) {
            if (const auto* changed = std::get_if<m::MemberChanged>(&output))
                told_(number, number_of(changed->member.name), changed->change);
        });
    Member& running = *member;
    world_.boot(host(number), std::move(member), Instant{} + 1000s);
    world_.with(host(number), [&](Machine&, Instant now, Kernel&) { running.know(known_, now); });
}

const m::Membership& Fleet::view(unsigned number) {
    return static_cast<const Member*>(world_.machine(host(number)))->membership();
}

Fleet::Sent Fleet::sent() {
    Sent sum;
    for (unsigned number = 0; number < options_.members; ++number) {
        if (!runs(number)) continue;
        const m::Counters& counters = view(number).counters();
        sum.packets += counters.packets_out;
        sum.bytes += counters.bytes_out;
        sum.stream_bytes += counters.stream_bytes_out;
    }
    return sum;
}

}  // namespace anode::sim
