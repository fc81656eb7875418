#include "base/ids.hpp"

#include <algorithm>
#include <cstring>

#include "base/text.hpp"
#include "base/varint.hpp"

namespace anode {

std::string NodeId::text() const {
    return "n-" + text::hex({reinterpret_cast<const char*>(bytes.data()), 6});
}

std::uint32_t NodeId::number() const noexcept {
    return static_cast<std::uint32_t>(bytes[0]) << 24 | static_cast<std::uint32_t>(bytes[1]) << 16 |
           static_cast<std::uint32_t>(bytes[2]) << 8 | bytes[3];
}

void LogKey::append_to(Bytes& out) const {
    out.append(reinterpret_cast<const char*>(node.bytes.data()), node.bytes.size());
    put_le(out, epoch.value);
    out.push_back(static_cast<char>(lane));
}

std::optional<LogKey> LogKey::from(BytesView bytes) {
    if (bytes.size() != kBytes) return std::nullopt;
    LogKey key;
    std::copy_n(bytes.data(), 16, reinterpret_cast<char*>(key.node.bytes.data()));
    std::memcpy(&key.epoch.value, bytes.data() + 16, 8);
    key.lane = static_cast<Lane>(bytes[24]);
    return key;
}

std::string MessageId::text() const {
    std::string out;
    text::append_crockford128(out, high, low);
    return out;
}

std::optional<MessageId> MessageId::parse(std::string_view text) {
    const auto words = text::parse_crockford128(text);
    if (!words) return std::nullopt;
    return MessageId{words->first, words->second};
}

}  // namespace anode
