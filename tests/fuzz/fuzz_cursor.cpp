#include <cstddef>
#include <cstdint>

#include "base/assert.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"
#include "core/message/cursor.hpp"

/// Cursors and start positions as clients send them, and cursors whose checksum fits whatever they hold. What parses
/// must write the same text again.
namespace {

using namespace anode;

void check(std::string_view text) {
    const auto cursor = Cursor::parse(text);
    if (cursor) ANODE_ASSERT(cursor->text() == text);
    const auto start = parse_start(text, 1'767'225'600'123'456);
    ANODE_ASSERT(start || !start.error().what.empty());
    if (cursor) ANODE_ASSERT(start && start->at == StartAt::At::Cursor && start->cursor == *cursor);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const BytesView input(reinterpret_cast<const char*>(data), size);
    check(input);
    Bytes body(input);
    const std::uint32_t crc = crc32c(body);
    body.append(reinterpret_cast<const char*>(&crc), sizeof crc);
    check("c1." + text::base64url(body));
    return 0;
}
