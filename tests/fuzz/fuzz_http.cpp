#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/assert.hpp"
#include "core/codec/http.hpp"
#include "core/codec/websocket_handshake.hpp"

/// Any bytes as a connection of requests, and as a response: an answer in the end, the same however they are cut.
namespace {

using namespace anode;

void check(const http::RequestHead& head) {
    ANODE_ASSERT(!head.method.empty() && !head.target.empty());
    ANODE_ASSERT(head.headers.count("host") <= 1);
    ANODE_ASSERT(head.headers.count("content-length") == 0 ||
                 head.headers.count("transfer-encoding") == 0);
    for (const http::Header& header : head.headers.all())
        ANODE_ASSERT(header.value.find_first_of(std::string_view("\r\n\0", 3)) ==
                     std::string::npos);
    for (const std::string& segment : head.segments)
        ANODE_ASSERT(segment != ".." && segment != ".");
    if (const auto upgrade = ws::check_upgrade(head))
        static_cast<void>(ws::accept_deflate(upgrade->extensions));
}

std::string serve(std::string_view bytes, std::size_t piece_bytes) {
    std::string seen;
    std::optional<http::RequestReader> reader(std::in_place);
    std::optional<http::BodyReader> body;
    const auto refused = [&](const http::Refusal& refusal) {
        ANODE_ASSERT(refusal.status >= 400 && !refusal.why.empty());
        return seen + " refused " + std::to_string(refusal.status);
    };
    while (!bytes.empty()) {
        BytesView piece = bytes.substr(0, piece_bytes);
        bytes.remove_prefix(piece.size());
        while (!piece.empty()) {
            if (!body) {
                const auto progress = reader->read(piece);
                if (progress == http::Progress::Refused) return refused(reader->refusal());
                if (progress == http::Progress::More) break;
                check(reader->head());
                seen += reader->head().method + reader->head().target;
                body.emplace(reader->head().framing, reader->head().content_length, 1000);
            }
            const auto progress = body->read(piece, seen);
            if (progress == http::Progress::Refused) return refused(body->refusal());
            if (progress == http::Progress::More) break;
            reader.emplace();
            body.reset();
        }
    }
    return seen;
}

void respond(std::string_view bytes) {
    http::ResponseReader reader({}, 100);
    const auto progress = reader.read(bytes);
    if (progress == http::Progress::More) static_cast<void>(reader.closed());
    ANODE_ASSERT(reader.body().size() <= 100 || progress != http::Progress::Done);
    ws::ClientRequest request;
    request.deflate = true;
    if (progress == http::Progress::Done)
        static_cast<void>(ws::check_answer(reader.head(), request));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    ANODE_ASSERT(serve(bytes, bytes.size() + 1) == serve(bytes, data[0] % 16U + 1));
    respond(bytes);
    return 0;
}
