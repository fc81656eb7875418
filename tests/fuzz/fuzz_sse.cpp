#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.hpp"
#include "core/codec/lines.hpp"
#include "core/codec/sse.hpp"

/// Any bytes as an event stream and as lines: the same items however they are cut, and an event written again reads again.
namespace {

using namespace anode;

constexpr std::size_t kLineBytesMax = 200;

void check_round_trip(const sse::Item& item) {
    Bytes wire;
    sse::append_event(wire, item.id, item.type, item.data);
    sse::Parser parser;
    BytesView input = wire;
    const auto again = parser.next(input);
    ANODE_ASSERT(again && again->kind == sse::Item::Kind::Event);
    ANODE_ASSERT(again->data == item.data && again->type == item.type);
}

std::string events(std::string_view bytes, std::size_t piece_bytes) {
    sse::Parser parser({.line_bytes_max = kLineBytesMax, .event_bytes_max = 300});
    std::string seen;
    while (!bytes.empty()) {
        const std::string piece(bytes.substr(0, piece_bytes));
        bytes.remove_prefix(piece.size());
        BytesView input = piece;
        while (const auto item = parser.next(input)) {
            ANODE_ASSERT(item->data.size() <= 300);
            if (item->kind == sse::Item::Kind::Event) check_round_trip(*item);
            seen.append(std::to_string(static_cast<int>(item->kind)))
                .append(item->type)
                .append(item->id);
            seen.append(item->data).append(std::to_string(item->retry_ms)).push_back('\n');
        }
        ANODE_ASSERT(input.empty());
    }
    return seen;
}

std::string lines(std::string_view bytes, std::size_t piece_bytes) {
    codec::LineSplitter splitter(kLineBytesMax);
    std::string seen;
    const auto see = [&](std::string_view line) {
        ANODE_ASSERT(!line.empty() && line.size() <= kLineBytesMax &&
                     line.find('\n') == std::string_view::npos);
        seen.append(line).push_back('\n');
    };
    while (!bytes.empty()) {
        const std::string piece(bytes.substr(0, piece_bytes));
        bytes.remove_prefix(piece.size());
        BytesView input = piece;
        while (const auto line = splitter.next(input)) see(*line);
        ANODE_ASSERT(input.empty());
    }
    if (const auto line = splitter.finish()) see(*line);
    return seen + (splitter.failed() ? "failed" : "");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::size_t piece = data[0] % 16U + 1;
    ANODE_ASSERT(events(bytes, bytes.size() + 1) == events(bytes, piece));
    ANODE_ASSERT(lines(bytes, bytes.size() + 1) == lines(bytes, piece));
    return 0;
}
