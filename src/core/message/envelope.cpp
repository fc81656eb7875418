#include "core/message/envelope.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "base/text_put.hpp"

namespace anode {
namespace {

using text::put;

struct FlagName {
    std::uint8_t flag;
    std::string_view text;
};
constexpr FlagName kFlagNames[] = {{flag::kBackfill, "\"backfill\","},
                                   {flag::kLate, "\"late\","},
                                   {flag::kReplay, "\"replay\","},
                                   {flag::kPartitioned, "\"partitioned\","},
                                   {flag::kRepeat, "\"repeat\","}};
constexpr std::uint8_t kNamedFlags = 31;

/// Member names, numbers, cursor, id, flags: all that does not grow with the message's own text.
constexpr std::size_t kFixedRoom = 640;

/// What append_message() has looked up for one message.
struct Message {
    const Block& block;
    const Entry& entry;
    std::uint32_t store;
    WallTime watermark;
    std::uint8_t flags;

    [[nodiscard]] bool json() const { return entry.content_type.empty(); }
};

std::size_t room_for(const Entry& entry) noexcept {
    const std::size_t payload =
        entry.content_type.empty() ? entry.payload.size() : (entry.payload.size() + 2) / 3 * 4;
    const std::size_t words = entry.topic.size() + entry.source.size() + entry.key.size() +
                              entry.content_type.size() + entry.trace.size();
    return kFixedRoom + payload + 6 * words;
}

char* put_cursor(char* at, const Message& m) noexcept {
    return Cursor::put_text(at, m.store, m.entry.arrival, m.watermark);
}

char* put_id(char* at, const Message& m) noexcept {
    const MessageId id = m.entry.id(m.block.log().node);
    return text::put_crockford128(at, id.high, id.low);
}

/// As NodeId::text() writes it.
char* put_node(char* at, const Message& m) noexcept {
    at = put(at, "n-");
    return text::put_hex(at, {reinterpret_cast<const char*>(m.block.log().node.bytes.data()), 6});
}

/// A message without payload (a delete may come so) has the value null.
char* put_json_payload(char* at, const Message& m) noexcept {
    return put(at, m.entry.payload.empty() ? "null" : m.entry.payload);
}

char* put_flags(char* at, std::uint8_t flags) noexcept {
    at = put(at, ",\"flags\":[");
    for (const FlagName& name : kFlagNames)
        if ((flags & name.flag) != 0) at = put(at, name.text);
    at[-1] = ']';  // in place of the last comma
    return at;
}

/// The epoch is text, since its 64 bits do not survive in a JavaScript number.
char* put_provenance(char* at, const Message& m) noexcept {
    at = put(at, ",\"prov\":{\"seq\":");
    at = text::put_u64(at, m.entry.seq);
    at = put(at, ",\"incarnation\":\"");
    at = text::put_u64(at, m.block.log().epoch.value);
    at = put(at, "\",\"lane\":");
    at = text::put_u64(at, m.block.log().lane);
    return put(at, "}");
}

char* put_optional_members(char* at, const Message& m) noexcept {
    if (!m.entry.key.empty()) at = text::put_json_string(put(at, ",\"key\":"), m.entry.key);
    if (m.entry.kind != Kind::Set) {
        at = put(at, ",\"kind\":\"");
        at = put(at, name(m.entry.kind));
        *at++ = '"';
    }
    if (m.entry.source_time) at = text::put_i64(put(at, ",\"sts\":"), *m.entry.source_time);
    if ((m.flags & kNamedFlags) != 0) at = put_flags(at, m.flags);
    return at;
}

char* put_envelope(char* at, const Message& m, bool provenance) noexcept {
    at = put_cursor(put(at, "{\"cursor\":\""), m);
    at = put_id(put(at, "\",\"id\":\""), m);
    at = text::put_json_string(put(at, "\",\"topic\":"), m.entry.topic);
    at = text::put_i64(put(at, ",\"ts\":"), m.entry.ts());
    at = text::put_json_string(put(at, ",\"src\":"), m.entry.source);
    at = put_node(put(at, ",\"node\":\""), m);
    *at++ = '"';
    at = put_optional_members(at, m);
    if (m.json()) {
        at = put_json_payload(put(at, ",\"data\":"), m);
    } else {
        at = text::put_base64(put(at, ",\"b64\":\""), m.entry.payload);
        at = text::put_json_string(put(at, "\",\"ct\":"), m.entry.content_type);
    }
    if (provenance) at = put_provenance(at, m);
    *at++ = '}';
    return at;
}

/// CloudEvents 1.0, structured mode. Source: CloudEvents specification 1.0.2 and its JSON format.
char* put_cloud_event(char* at, const Message& m) noexcept {
    at = put_id(put(at, "{\"specversion\":\"1.0\",\"id\":\""), m);
    at = text::put_percent_encoded(put(at, "\",\"source\":\"/sources/"), m.entry.source);
    at =
        text::put_json_string(put(at, "\",\"type\":\"anode.message\",\"subject\":"), m.entry.topic);
    at = text::put_rfc3339(put(at, ",\"time\":\""), m.entry.ts());
    at = put(at, "\",\"datacontenttype\":");
    if (m.json()) {
        at = put_json_payload(put(at, "\"application/json\",\"data\":"), m);
    } else {
        at = text::put_json_string(at, m.entry.content_type);
        at = text::put_base64(put(at, ",\"data_base64\":\""), m.entry.payload);
        *at++ = '"';
    }
    at = put_cursor(put(at, ",\"anodecursor\":\""), m);
    at = put_node(put(at, "\",\"anodenode\":\""), m);
    *at++ = '"';
    if (!m.entry.trace.empty())
        at = text::put_json_string(put(at, ",\"traceparent\":"), m.entry.trace);
    *at++ = '}';
    return at;
}

}  // namespace

void append_message(Bytes& out, const Block& block, std::uint32_t index, std::uint32_t store,
                    const EnvelopeStyle& style, std::uint8_t extra_flags, WallTime watermark_max) {
    const Entry entry = block.entry(index);
    const Message message{block, entry, store, std::min(entry.ts() - kCursorSlack, watermark_max),
                          static_cast<std::uint8_t>(entry.flags | extra_flags)};
    if (style.format == Format::Data) {
        out += message.json() && entry.payload.empty() ? BytesView("null") : entry.payload;
        return;
    }
    const std::size_t before = out.size();
    out.resize_and_overwrite(before + room_for(entry), [&](char* begin, std::size_t) {
        char* at = begin + before;
        at = style.format == Format::Envelope ? put_envelope(at, message, style.provenance)
                                              : put_cloud_event(at, message);
        return static_cast<std::size_t>(at - begin);
    });
}

}  // namespace anode
