#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>

#include "base/bytes.hpp"

/// Little-endian integers and LEB128 varints, as our own formats use them.
namespace anode {

inline void put_varint(Bytes& out, std::uint64_t value) {
    while (value >= 0x80) {
        out.push_back(static_cast<char>(value | 0x80));
        value >>= 7;
    }
    out.push_back(static_cast<char>(value));
}

inline std::uint64_t zigzag(std::int64_t value) {
    return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
inline std::int64_t unzigzag(std::uint64_t value) {
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

template <class Int>
void put_le(Bytes& out, Int value) {
    static_assert(std::endian::native == std::endian::little);
    char raw[sizeof(Int)];
    std::memcpy(raw, &value, sizeof(Int));
    out.append(raw, sizeof(Int));
}

template <class Int>
void put_be(Bytes& out, Int value) {
    for (int shift = static_cast<int>(sizeof(Int)) * 8 - 8; shift >= 0; shift -= 8)
        out.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> shift));
}

inline std::uint64_t load_be64(const char* at) {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = value << 8 | static_cast<unsigned char>(at[i]);
    return value;
}

/// Reads forward over untrusted bytes. Each getter is empty at the end or on an overlong form, and then stays so.
class ByteReader {
public:
    explicit ByteReader(BytesView bytes) noexcept : rest_(bytes) {}

    std::optional<std::uint64_t> varint() noexcept {
        std::uint64_t value = 0;
        for (unsigned shift = 0, used = 0; shift < 64 && used < rest_.size(); shift += 7) {
            const auto byte = static_cast<unsigned char>(rest_[used++]);
            if (shift == 63 && byte > 1) break;
            value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) {
                rest_.remove_prefix(used);
                return value;
            }
        }
        rest_ = {};
        failed_ = true;
        return std::nullopt;
    }

    template <class Int>
    std::optional<Int> le() noexcept {
        const auto raw = take(sizeof(Int));
        if (!raw) return std::nullopt;
        Int value;
        std::memcpy(&value, raw->data(), sizeof(Int));
        return value;
    }

    std::optional<BytesView> take(std::uint64_t count) noexcept {
        if (count > rest_.size()) {
            rest_ = {};
            failed_ = true;
            return std::nullopt;
        }
        const BytesView taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }

    /// A varint length and that many bytes.
    std::optional<BytesView> lp() noexcept {
        const auto count = varint();
        return count ? take(*count) : std::nullopt;
    }

    [[nodiscard]] BytesView rest() const noexcept { return rest_; }
    [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
    [[nodiscard]] bool failed() const noexcept { return failed_; }

private:
    BytesView rest_;
    bool failed_ = false;
};

}  // namespace anode
