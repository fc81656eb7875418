#include "app/demo/market.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "app/demo/service.hpp"
#include "base/text.hpp"

namespace anode::app::demo {
namespace {

/// Nearly normal, from the generator alone.
double bell(Rng& rng) {
    double sum = 0;
    for (int i = 0; i < 6; ++i) sum += rng.unit();
    return (sum - 3) * std::numbers::sqrt2;
}

struct Listed {
    const char* base;
    double price;
    int digits;
    double pace;
};
constexpr Listed kListed[] = {
    {"BTC", 97'340.10, 2, 7}, {"ETH", 3'412.55, 2, 6}, {"SOL", 188.21, 2, 5},
    {"XRP", 1.4218, 4, 5},    {"ADA", 0.8734, 4, 3},   {"DOGE", 0.31877, 5, 4},
    {"AVAX", 38.42, 2, 2},    {"LINK", 17.655, 3, 2},  {"DOT", 7.914, 3, 2},
    {"LTC", 92.18, 2, 2},     {"UNI", 10.337, 3, 1.5}, {"ATOM", 8.121, 3, 1.5},
    {"XLM", 0.4312, 4, 1.5},  {"ALGO", 0.2788, 4, 1},  {"NEAR", 5.883, 3, 1.5},
    {"FIL", 5.417, 3, 1},     {"ARB", 0.8127, 4, 1},   {"OP", 2.143, 3, 1},
    {"AAVE", 171.4, 2, 1},    {"GRT", 0.2214, 4, 0.7}, {"SAND", 0.6413, 4, 0.7},
    {"XTZ", 1.237, 3, 0.6},   {"EOS", 0.9134, 4, 0.6}, {"ZEC", 48.31, 2, 0.5},
};

}  // namespace

Market::Market(std::uint64_t seed, std::uint64_t first_id) : next_id_(first_id) {
    Rng rng(seed);
    for (const Listed& listed : kListed) {
        Instrument one;
        one.base = listed.base;
        one.quote = "USD";
        one.price = listed.price * (0.97 + 0.06 * rng.unit());
        one.open = one.price * (0.95 + 0.1 * rng.unit());
        one.digits = listed.digits;
        one.pace = listed.pace;
        one.swing = 6e-5 + 1e-4 * rng.unit();
        instruments_.push_back(std::move(one));
    }
}

void Market::beat(Rng& rng) {
    const double tide = bell(rng) * 2e-5;  // what moves one moves all
    for (Instrument& one : instruments_) {
        one.trend = one.trend * 0.995 + bell(rng) * one.swing * 0.05;
        one.price *= 1 + tide + one.trend + bell(rng) * one.swing;
        one.price = std::clamp(one.price, one.open * 0.5, one.open * 2);
    }
}

const Instrument* Market::find(std::string_view name) const {
    const auto found = std::ranges::find_if(instruments_, [&](const Instrument& one) {
        return text::iequals(one.base + one.quote, name);
    });
    return found == instruments_.end() ? nullptr : &*found;
}

Trade Market::trade(const Instrument& instrument, Rng& rng) {
    Trade trade;
    trade.id = next_id_++;
    trade.sell = rng.chance(0.5);
    trade.price = near(instrument, trade.sell ? -1e-5 : 1e-5, rng);
    const double worth = 20 * std::exp(bell(rng) * 1.6) + 5;  // most are small, a few are large
    trade.amount = fixed(worth / instrument.price, 5);
    return trade;
}

std::string Market::near(const Instrument& instrument, double part, Rng& rng) {
    return fixed(instrument.price * (1 + part + bell(rng) * 1e-5), instrument.digits);
}

unsigned events_of(double per_second, Rng& rng) {
    const double expected = per_second / 10;
    unsigned count = 0;
    double left = std::exp(-expected), drawn = rng.unit();
    while (drawn > left && count < 50) {
        drawn -= left;
        ++count;
        left *= expected / count;
    }
    return count;
}

std::string fixed(double value, int digits) {
    char text[64];
    const int length = std::snprintf(text, sizeof text, "%.*f", digits, value);
    return {text, static_cast<std::size_t>(std::clamp(length, 0, 63))};
}

std::string hex_word(Rng& rng, std::size_t digits) {
    std::string word;
    for (std::size_t i = 0; i < digits; ++i) word += "0123456789abcdef"[rng.below(16)];
    return word;
}

}  // namespace anode::app::demo
