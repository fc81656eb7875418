#include "core/ownership/frames.hpp"

#include "base/varint.hpp"

namespace anode::ownership::frames {

namespace {
constexpr std::uint8_t kFormat = 1;
constexpr std::uint8_t kGranted = 1;
}  // namespace

Bytes encode(const HandOver& frame) {
    Bytes out;
    out.push_back(static_cast<char>(kFormat));
    out.push_back(static_cast<char>(frame.granted ? kGranted : 0));
    put_varint(out, frame.source.size());
    out.append(frame.source);
    put_varint(out, frame.term);
    put_varint(out, frame.position.size());
    out.append(frame.position);
    return out;
}

std::optional<HandOver> decode(BytesView body) {
    ByteReader reader(body);
    const auto format = reader.le<std::uint8_t>();
    if (!format || *format != kFormat) return std::nullopt;
    const auto flags = reader.le<std::uint8_t>();
    const auto source = reader.lp();
    const auto term = reader.varint();
    const auto position = reader.lp();
    if (!position || source->empty() || source->size() > kSourceMax ||
        position->size() > kPositionMax)
        return std::nullopt;
    return HandOver{*source, *term, (*flags & kGranted) != 0, *position};
}

}  // namespace anode::ownership::frames
