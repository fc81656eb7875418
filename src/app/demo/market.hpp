#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.hpp"
#include "base/time.hpp"

namespace anode::app::demo {

struct Instrument {
    std::string base, quote;
    double price = 1;
    int digits = 2;       ///< of the price
    double pace = 1;      ///< trades a second and venue
    double swing = 1e-4;  ///< of a step of the random walk
    double trend = 0;
    double open = 1;  ///< a day ago

    [[nodiscard]] std::string joined(std::string_view between) const {
        return base + std::string(between) + quote;
    }
};

struct Trade {
    std::uint64_t id = 0;
    std::string price, amount;
    bool sell = false;
};

/// Prices that walk, the same for all venues but for a small spread.
class Market {
public:
    explicit Market(std::uint64_t seed, std::uint64_t first_id);

    void beat(Rng& rng);
    [[nodiscard]] const std::vector<Instrument>& instruments() const noexcept {
        return instruments_;
    }
    /// By its name in lower case without punctuation: `btcusd`. Null if it is not traded.
    [[nodiscard]] const Instrument* find(std::string_view name) const;
    Trade trade(const Instrument& instrument, Rng& rng);
    /// The price a little beside, as a venue has it.
    [[nodiscard]] static std::string near(const Instrument& instrument, double part, Rng& rng);

private:
    std::vector<Instrument> instruments_;
    std::uint64_t next_id_;
};

}  // namespace anode::app::demo
