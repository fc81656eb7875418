#include <algorithm>
#include <array>

#include "core/membership/wire/lzw.hpp"
#include "core/membership/wire/lzw_codes.hpp"

namespace anode::membership::wire {

namespace {

using namespace lzw;

/// (code, byte) → code, open addressing. An entry holds the pair above its 12 low bits and the code in them; codes of pairs
/// are never 0, so a 0 is free. Only as much is cleared as the input can fill to a quarter.
class Pairs {
public:
    explicit Pairs(std::size_t plain_bytes) noexcept {
        while (bits_ > 8 && (std::size_t{1} << (bits_ - 3)) >= plain_bytes) --bits_;
        clear();
    }
    void clear() noexcept { std::fill_n(slots_.begin(), std::size_t{1} << bits_, 0U); }
    /// The slot of the pair: its entry, or the free one where it would go.
    std::uint32_t& slot(std::uint32_t pair) noexcept {
        const std::uint32_t mask = (1U << bits_) - 1;
        std::uint32_t at = pair * 0x9E37'79B1U >> (32 - bits_);
        while (slots_[at] != 0 && slots_[at] >> 12 != pair) at = (at + 1) & mask;
        return slots_[at];
    }

private:
    unsigned bits_ = 14;
    std::array<std::uint32_t, 1U << 14> slots_;
};

/// Bits, least significant first, up to a limit of bytes.
class BitWriter {
public:
    BitWriter(char* to, const char* end) noexcept : to_(to), end_(end) {}
    bool put(std::uint32_t code, unsigned width) noexcept {
        held_ |= code << bits_;
        for (bits_ += width; bits_ >= 8; bits_ -= 8, held_ >>= 8) {
            if (to_ == end_) return false;
            *to_++ = static_cast<char>(held_);
        }
        return true;
    }
    bool flush() noexcept { return bits_ == 0 || put(0, 8 - bits_); }
    [[nodiscard]] char* at() const noexcept { return to_; }

private:
    char* to_;
    const char* end_;
    std::uint32_t held_ = 0;
    unsigned bits_ = 0;
};

class Encoder {
public:
    Encoder(std::size_t plain_bytes, char* to, const char* end) noexcept
        : pairs_(plain_bytes), out_(to, end) {}

    bool run(BytesView plain) noexcept {
        if (!out_.put(kClear, width_)) return false;
        if (plain.empty()) return out_.put(kEnd, width_) && out_.flush();
        std::uint32_t code = static_cast<std::uint8_t>(plain.front());
        for (const char c : plain.substr(1)) {
            const std::uint32_t byte = static_cast<std::uint8_t>(c);
            std::uint32_t& slot = pairs_.slot(code << 8 | byte);
            if (slot != 0) {
                code = slot & 0xFFF;
                continue;
            }
            if (!out_.put(code, width_)) return false;
            const bool full = count();
            if (full && !start_over()) return false;
            if (!full) slot = (code << 8 | byte) << 12 | high_;
            code = byte;
        }
        return end(code);
    }
    [[nodiscard]] char* at() const noexcept { return out_.at(); }

private:
    /// After each data code. True: the dictionary is full.
    bool count() noexcept {
        if (++high_ == limit_) {
            ++width_;
            limit_ <<= 1;
        }
        return high_ == kTableMax - 1;
    }
    bool start_over() noexcept {
        if (!out_.put(kClear, width_)) return false;
        pairs_.clear();
        width_ = kWidthMin;
        high_ = kEnd;
        limit_ = kLimitMin;
        return true;
    }
    bool end(std::uint32_t code) noexcept {
        if (!out_.put(code, width_)) return false;
        if (count() && !start_over()) return false;
        return out_.put(kEnd, width_) && out_.flush();
    }

    Pairs pairs_;
    BitWriter out_;
    unsigned width_ = kWidthMin;
    std::uint32_t high_ = kEnd, limit_ = kLimitMin;
};

/// No input needs more: 12 bits a byte, and a clear code for each 3,800 of them.
constexpr std::size_t coded_bytes_max(std::size_t plain_bytes) {
    return plain_bytes + plain_bytes / 2 + plain_bytes / 1024 + 16;
}

}  // namespace

bool lzw_encode(BytesView plain, Bytes& out, std::size_t bytes_max) {
    if (bytes_max == 0) return false;
    const std::size_t before = out.size();
    out.resize(before + std::min(coded_bytes_max(plain.size()), bytes_max - 1));
    Encoder encoder(plain.size(), out.data() + before, out.data() + out.size());
    const bool fits = encoder.run(plain);
    out.resize(fits ? static_cast<std::size_t>(encoder.at() - out.data()) : before);
    return fits;
}

}  // namespace anode::membership::wire
