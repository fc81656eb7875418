#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.hpp"
#include "core/codec/utf8.hpp"
#include "core/codec/websocket.hpp"

/// Any bytes, read by a server or a client, whole or in pieces: the same events, none of them against a limit.
namespace {

using namespace anode;

struct Seen {
    std::vector<std::string> events;
    bool failed = false;
};

void check(const ws::Event& event, const ws::DecoderConfig& config) {
    using Kind = ws::Event::Kind;
    Utf8Check utf8;
    const bool text =
        event.kind == Kind::Text || event.kind == Kind::Close || event.kind == Kind::Failed;
    ANODE_ASSERT(!text || (utf8.feed(event.payload) && utf8.complete()));
    ANODE_ASSERT(event.payload.size() <= config.message_bytes_max || event.payload.size() <= 125);
    ANODE_ASSERT(event.kind != Kind::Close || event.code == ws::kNoStatus ||
                 ws::close_code_is_valid(event.code));
}

Seen read(const ws::DecoderConfig& config, std::string_view bytes, std::size_t piece_bytes) {
    ws::Decoder decoder(config);
    Seen seen;
    while (!bytes.empty()) {
        std::string piece(bytes.substr(0, piece_bytes));
        bytes.remove_prefix(piece.size());
        std::span<char> input(piece);
        while (const auto event = decoder.next(input)) {
            check(*event, config);
            ANODE_ASSERT(!seen.failed);
            seen.failed = event->kind == ws::Event::Kind::Failed;
            // What exactly is wrong with a compressed message may depend on how much of it is looked at together.
            if (!seen.failed)
                seen.events.push_back(std::to_string(static_cast<int>(event->kind)) +
                                      std::to_string(event->code) + std::string(event->payload));
        }
        ANODE_ASSERT(input.empty());
    }
    return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    ws::DecoderConfig config;
    config.role = (data[0] & 1U) != 0 ? ws::Role::Client : ws::Role::Server;
    config.deflate = (data[0] & 2U) != 0;
    config.peer_keeps_context = (data[0] & 4U) != 0;
    config.frame_bytes_max = 4096;
    config.message_bytes_max = 8192;
    config.fragments_max = 8;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
    const Seen whole = read(config, bytes, bytes.size() + 1);
    const Seen pieces = read(config, bytes, data[1] % 16U + 1);
    ANODE_ASSERT(whole.failed == pieces.failed);
    ANODE_ASSERT(whole.events == pieces.events);
    return 0;
}
