#include "core/json/json.hpp"
#include "core/message/block.hpp"

namespace anode {
namespace {

Result<void> check_payload(json::Document& document, const Entry& entry) {
    if (entry.payload.size() > kPayloadBytesMax) return fail(Errc::TooLarge, "payload");
    if (!entry.content_type.empty() || entry.payload.empty()) return {};
    // Inside a string a line end is no valid JSON, so one found stands between tokens.
    if (entry.payload.find_first_of("\r\n") != BytesView::npos)
        return fail(Errc::Malformed, "payload is not on one line");
    return document.parse(entry.payload);
}

}  // namespace

Result<void> check_payloads(const Block& block) {
    json::Document document;
    for (std::uint32_t i = 0; i < block.count(); ++i) {
        const Entry entry = block.entry(i);
        if (auto good = check_payload(document, entry); !good)
            return fail(good.error().code, "block: message " + std::to_string(entry.seq) + " on " +
                                               std::string(entry.topic) + ": " + good.error().what);
    }
    return {};
}

}  // namespace anode
