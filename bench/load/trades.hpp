#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace bench {

/// Trades as an exchange sends them, 209 bytes each: prices walk, numbers rise, no two are the same.
class Trades {
public:
    explicit Trades(unsigned symbol) : state_(0x9e3779b97f4a7c15 * (symbol + 1)) {
        std::snprintf(symbol_, sizeof symbol_, "C%04uUSDT", symbol % 10'000);
        price_ = 10'000'000 + random() % 9'000'000'000;
    }
    const char* symbol() const { return symbol_; }

    std::string_view next(std::uint64_t wall_ms) {
        price_ += random() % 2001 - 1000;
        ++trade_;
        char* at = text_;
        put(at, R"({"e":"trade","E":)");
        digits(at, wall_ms + 3, 13);
        put(at, R"(,"s":")");
        put(at, symbol_);
        put(at, R"(","t":)");
        digits(at, 3'000'000'000 + trade_, 10);
        put(at, R"(,"p":")");
        digits(at, price_ / 100'000, 6);
        *at++ = '.';
        digits(at, price_ % 100'000, 5);
        put(at, R"(000","q":"0.)");
        digits(at, random() % 100'000, 5);
        put(at, R"(000","b":)");
        digits(at, 28'457'000'000 + trade_ * 3, 11);
        put(at, R"(,"a":)");
        digits(at, 28'457'000'001 + trade_ * 3, 11);
        put(at, R"(,"T":)");
        digits(at, wall_ms, 13);
        put(at, random() % 2 == 0 ? R"(,"m":"buyer")" : R"(,"m":"maker")");
        put(at, R"(,"M":true,"venue":"spot","kind":"retail-order"})");
        return {text_, static_cast<std::size_t>(at - text_)};
    }

private:
    std::uint64_t random() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        return state_ ^= state_ << 17;
    }
    static void put(char*& at, std::string_view text) { at = text.copy(at, text.size()) + at; }
    static void digits(char*& at, std::uint64_t value, unsigned count) {
        for (unsigned i = count; i-- > 0; value /= 10) at[i] = static_cast<char>('0' + value % 10);
        at += count;
    }

    std::uint64_t state_, price_, trade_ = 0;
    char symbol_[16];
    char text_[320];
};

}  // namespace bench
