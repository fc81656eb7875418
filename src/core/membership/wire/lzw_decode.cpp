#include <algorithm>
#include <array>
#include <cstring>

#include "core/membership/wire/lzw.hpp"
#include "core/membership/wire/lzw_codes.hpp"

namespace anode::membership::wire {

namespace {

using namespace lzw;

/// A string of the dictionary: it stands in the output already, since an entry is what was written last and one byte more.
struct Span {
    std::uint32_t at;
    std::uint32_t size;
};

/// Output that grows with what is written, never past its limit.
class Output {
public:
    Output(Bytes& out, std::size_t bytes_max) noexcept
        : out_(out), before_(out.size()), used_(out.size()), bytes_max_(bytes_max) {}
    [[nodiscard]] std::uint32_t size() const noexcept {
        return static_cast<std::uint32_t>(used_ - before_);
    }
    bool make_room(std::size_t bytes) {
        if (bytes > bytes_max_ - size()) return false;
        const std::size_t wanted = used_ + bytes;
        if (wanted > out_.size()) {
            const std::size_t most = before_ + bytes_max_;
            out_.resize(std::min(std::max(wanted, 2 * out_.size() + 512), most));
        }
        return true;
    }
    void literal(std::uint32_t byte) noexcept { out_[used_++] = static_cast<char>(byte); }
    /// The source may reach up to what this call itself writes, so bytes go one by one there.
    void copy(Span span) noexcept {
        const char* from = out_.data() + before_ + span.at;
        char* to = out_.data() + used_;
        if (from + span.size <= to) {
            std::memcpy(to, from, span.size);
        } else {
            for (std::uint32_t i = 0; i < span.size; ++i) to[i] = from[i];
        }
        used_ += span.size;
    }
    void keep() { out_.resize(used_); }
    void forget() { out_.resize(before_); }

private:
    Bytes& out_;
    std::size_t before_, used_, bytes_max_;
};

class Decoder {
public:
    Decoder(BytesView coded, Output& out) noexcept : coded_(coded), out_(out) {}

    Result<void> run() {
        for (;;) {
            while (bits_ < width_) {
                if (coded_.empty()) return fail(Errc::Truncated, "lzw: no end code");
                held_ |= std::uint32_t{static_cast<std::uint8_t>(coded_.front())} << bits_;
                bits_ += 8;
                coded_.remove_prefix(1);
            }
            const std::uint32_t code = held_ & ((1U << width_) - 1);
            held_ >>= width_;
            bits_ -= width_;
            if (code == kEnd) return {};
            if (code == kClear) {
                start_over();
                continue;
            }
            if (code > high_) return fail(Errc::Malformed, "lzw: a code that cannot be");
            if (!write(code)) return fail(Errc::TooLarge, "lzw: more than may be");
            count();
        }
    }

private:
    void start_over() noexcept {
        width_ = kWidthMin;
        high_ = kEnd;
        limit_ = kLimitMin;
        has_last_ = false;
    }
    bool write(std::uint32_t code) {
        // The new entry is the last string and the byte after it, which is the first of this one.
        if (has_last_) entries_[high_] = {last_.at, last_.size + 1};
        const Span span = code < kClear ? Span{0, 1} : entries_[code];
        if (!out_.make_room(span.size)) return false;
        last_ = {out_.size(), span.size};
        if (code < kClear) {
            out_.literal(code);
        } else {
            out_.copy(span);
        }
        has_last_ = true;
        return true;
    }
    void count() noexcept {
        if (++high_ < limit_) return;
        if (width_ < kWidthMax) {
            ++width_;
            limit_ <<= 1;
        } else {
            has_last_ = false;  // the dictionary stays as it is until the next clear code
            --high_;
        }
    }

    BytesView coded_;
    Output& out_;
    std::uint32_t held_ = 0, high_ = kEnd, limit_ = kLimitMin;
    unsigned bits_ = 0, width_ = kWidthMin;
    bool has_last_ = false;
    Span last_{0, 0};
    std::array<Span, kTableMax> entries_;  ///< those below high_ are set
};

}  // namespace

Result<void> lzw_decode(BytesView coded, std::size_t bytes_max, Bytes& out) {
    Output output(out, std::min<std::size_t>(bytes_max, UINT32_MAX));
    Result<void> done = Decoder(coded, output).run();
    if (done) {
        output.keep();
    } else {
        output.forget();
    }
    return done;
}

}  // namespace anode::membership::wire
