#include "app/cluster/card.hpp"

#include "base/text.hpp"

namespace anode::app {
namespace {

/// UTF-8 is not cut inside a character.
std::string cut(std::string text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return text;
    std::size_t end = bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    text.resize(end);
    return text;
}

}  // namespace

Bytes Card::encode() const {
    const std::string told_name = cut(name, kNameBytesMax);
    Bytes bytes = meta.encode();
    bytes += static_cast<char>(told_name.size());
    bytes += told_name;
    return bytes;
}

std::optional<Card> Card::decode(BytesView bytes) {
    auto meta = membership::NodeMeta::decode(bytes);
    if (!meta) return std::nullopt;
    Card card{.meta = std::move(*meta), .name = {}};
    // The metadata has one form, so its own length is where ours begins.
    const std::size_t at = card.meta.encode().size();
    if (at < bytes.size()) {
        const std::size_t size = static_cast<unsigned char>(bytes[at]);
        if (size <= kNameBytesMax && at + 1 + size <= bytes.size())
            card.name = std::string(bytes.substr(at + 1, size));
    }
    if (card.name.empty() || !text::is_utf8(card.name)) card.name = card.meta.node.text();
    return card;
}

}  // namespace anode::app
