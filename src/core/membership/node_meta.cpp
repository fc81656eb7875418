#include "core/membership/node_meta.hpp"

#include <algorithm>
#include <string_view>

#include "base/assert.hpp"
#include "base/varint.hpp"

namespace anode::membership {

namespace {

constexpr std::string_view kMagic = "\xA0\x6E";
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kZoneMax = 32, kVersionMax = 24, kUrlMax = 128;

void put_text(Bytes& out, std::string_view text, std::size_t bytes_max) {
    const std::string_view kept = text.substr(0, bytes_max);
    out.push_back(static_cast<char>(kept.size()));
    out.append(kept);
}

/// Reads from the front; after the first short read everything is nothing.
class Parts {
public:
    explicit Parts(BytesView rest) : rest_(rest) {}
    [[nodiscard]] bool failed() const noexcept { return failed_; }
    BytesView take(std::size_t bytes) {
        failed_ = failed_ || bytes > rest_.size();
        if (failed_) return {};
        const BytesView taken = rest_.substr(0, bytes);
        rest_.remove_prefix(bytes);
        return taken;
    }
    template <class Int>
    void number(Int& to) {
        const BytesView taken = take(sizeof(Int));
        if (!taken.empty()) std::memcpy(&to, taken.data(), sizeof(Int));
    }
    void text(std::string& to, std::size_t bytes_max) {
        std::uint8_t size = 0;
        number(size);
        failed_ = failed_ || size > bytes_max;
        to = take(size);
    }

private:
    BytesView rest_;
    bool failed_ = false;
};

}  // namespace

Bytes NodeMeta::encode() const {
    Bytes out(kMagic);
    put_le(out, kVersion);
    out.append(reinterpret_cast<const char*>(node.bytes.data()), node.bytes.size());
    put_le(out, epoch.value);
    put_le(out, data_port);
    put_le(out, http_port);
    put_le(out, capabilities);
    put_le(out, weight);
    put_le(out, flags);
    put_text(out, zone, kZoneMax);
    put_text(out, version, kVersionMax);
    put_text(out, url.size() <= kUrlMax ? std::string_view(url) : std::string_view(), kUrlMax);
    return out;
}

std::optional<NodeMeta> NodeMeta::decode(BytesView meta) {
    Parts in(meta);
    NodeMeta result;
    std::uint8_t format = 0;
    if (in.take(kMagic.size()) != kMagic) return std::nullopt;
    in.number(format);
    if (format == 0) return std::nullopt;
    const BytesView id = in.take(result.node.bytes.size());
    std::copy(id.begin(), id.end(), result.node.bytes.begin());
    in.number(result.epoch.value);
    in.number(result.data_port);
    in.number(result.http_port);
    in.number(result.capabilities);
    in.number(result.weight);
    in.number(result.flags);
    in.text(result.zone, kZoneMax);
    in.text(result.version, kVersionMax);
    in.text(result.url, kUrlMax);
    if (in.failed()) return std::nullopt;
    return result;
}

}  // namespace anode::membership
