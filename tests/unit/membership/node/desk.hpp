#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/membership/shared.hpp"

namespace anode::membership::spec {

inline const Address kUs = Address::v4(10, 0, 0, 1, 7946);
inline const Address kBob = Address::v4(10, 0, 0, 2, 7946);
inline const Address kCarol = Address::v4(10, 0, 0, 3, 7946);

inline Config config_named(std::string name, Address advertise = kUs) {
    Config config;
    config.name = std::move(name);
    config.advertise = advertise;
    return config;
}

inline NonceSource seeded_nonces(std::uint64_t seed) {
    return [rng = Rng(seed)](std::span<std::uint8_t> out) mutable { rng.fill(out); };
}

/// What a part shares with its neighbours, and the outputs it made.
struct Desk {
    explicit Desk(Config config = config_named("us"), KeyRing keys = {})
        : shared(std::move(config), std::move(keys), Rng(7), seeded_nonces(9)) {
        shared.out = &out;
    }

    void passes(Duration time) { shared.now += time; }

    template <class T>
    [[nodiscard]] std::vector<T> outputs() const {
        std::vector<T> found;
        for (const Output& output : out.outputs()) {
            if (const auto* one = std::get_if<T>(&output)) found.push_back(*one);
        }
        return found;
    }
    /// The outputs of this kind since the last look; everything else is thrown away with them.
    template <class T>
    std::vector<T> take() {
        std::vector<T> found = outputs<T>();
        out.clear();
        return found;
    }

    Outbox out;
    Shared shared;
};

}  // namespace anode::membership::spec
