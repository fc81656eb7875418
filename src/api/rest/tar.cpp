#include "api/rest/tar.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "base/assert.hpp"

namespace anode::api::rest {

namespace {

constexpr std::size_t kBlock = 512, kNameMax = 99;
constexpr std::size_t kSumAt = 148, kSumBytes = 8;

class Header {
public:
    Header() { bytes_.fill(0); }

    void text(std::size_t at, std::string_view value) {
        std::memcpy(bytes_.data() + at, value.data(), value.size());
    }
    /// Octal digits and a NUL, `width` bytes in all.
    void number(std::size_t at, std::size_t width, std::uint64_t value) {
        char digits[24];
        std::snprintf(digits, sizeof digits, "%0*llo", static_cast<int>(width - 1),
                      static_cast<unsigned long long>(value));
        text(at, std::string_view(digits, width - 1));
    }
    /// The sum over all bytes, its own field taken for spaces.
    void seal() {
        std::memset(bytes_.data() + kSumAt, ' ', kSumBytes);
        std::uint64_t sum = 0;
        for (const char byte : bytes_) sum += static_cast<unsigned char>(byte);
        number(kSumAt, 7, sum);
    }
    [[nodiscard]] BytesView bytes() const { return {bytes_.data(), bytes_.size()}; }

private:
    std::array<char, kBlock> bytes_{};
};

}  // namespace

void TarWriter::add(std::string_view name, BytesView content, WallTime at) {
    ANODE_ASSERT(!name.empty() && name.size() <= kNameMax);
    Header header;
    header.text(0, name);
    header.number(100, 8, 0644);
    header.number(108, 8, 0);
    header.number(116, 8, 0);
    header.number(124, 12, content.size());
    header.number(136, 12, static_cast<std::uint64_t>(at / 1'000'000));
    header.text(156, "0");
    header.text(257, std::string_view("ustar\0"
                                      "00",
                                      8));
    header.text(265, "root");
    header.text(297, "root");
    header.seal();
    out_ += header.bytes();
    out_ += content;
    out_.append((kBlock - content.size() % kBlock) % kBlock, '\0');
}

void TarWriter::finish() { out_.append(2 * kBlock, '\0'); }

}  // namespace anode::api::rest
