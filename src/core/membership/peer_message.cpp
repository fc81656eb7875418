#include "core/membership/peer_message.hpp"

#include <algorithm>

#include "core/membership/key_ring.hpp"

namespace anode::membership {
namespace {

constexpr BytesView kMagic("\xA0\x6EKR", 4);
constexpr char kVersion = 1;
constexpr std::size_t kTextMax = 255;

void put_text(BytesView text, Bytes& out) {
    text = text.substr(0, kTextMax);
    out.push_back(static_cast<char>(text.size()));
    out.append(text);
}

void put_id(std::uint64_t id, Bytes& out) {
    for (int shift = 56; shift >= 0; shift -= 8) {
        out.push_back(static_cast<char>((id >> shift) & 0xFF));
    }
}

/// Takes fields off the front; after the first that is not there everything is empty and `ok` is false.
struct Cursor {
    BytesView rest;
    bool ok = true;

    std::uint8_t byte() {
        if (rest.empty()) {
            ok = false;
            return 0;
        }
        const auto value = static_cast<std::uint8_t>(rest.front());
        rest.remove_prefix(1);
        return value;
    }
    std::uint64_t id() {
        std::uint64_t value = 0;
        for (int i = 0; i < 8; ++i) value = value << 8 | byte();
        return value;
    }
    std::string text() {
        const std::size_t size = byte();
        if (size > rest.size()) {
            ok = false;
            return {};
        }
        std::string value(rest.substr(0, size));
        rest.remove_prefix(size);
        return value;
    }
};

struct Writer {
    Bytes& out;

    void operator()(const PeerKeyRequest& request) const {
        out.push_back(1);
        put_id(request.id, out);
        put_text(request.reply_to, out);
        out.push_back(static_cast<char>(request.op));
        put_text(request.key, out);
        put_text(request.fingerprint, out);
    }
    void operator()(const PeerKeyAnswer& answer) const {
        out.push_back(2);
        put_id(answer.id, out);
        put_text(answer.from, out);
        put_text(answer.error, out);
        const std::size_t count = std::min(answer.fingerprints.size(), KeyRing::kKeysMax);
        out.push_back(static_cast<char>(count));
        for (std::size_t i = 0; i < count; ++i) put_text(answer.fingerprints[i], out);
    }
    void operator()(const PeerForget& forget) const {
        out.push_back(3);
        put_text(forget.name, out);
    }
};

Result<PeerMessage> read_request(Cursor& cursor) {
    PeerKeyRequest request;
    request.id = cursor.id();
    request.reply_to = cursor.text();
    const std::uint8_t op = cursor.byte();
    request.key = cursor.text();
    request.fingerprint = cursor.text();
    if (!cursor.ok) return fail(Errc::Malformed, "key request ends too early");
    if (op > static_cast<std::uint8_t>(KeyOp::Remove)) {
        return fail(Errc::Unsupported, "key request of an unknown kind");
    }
    request.op = static_cast<KeyOp>(op);
    return request;
}

Result<PeerMessage> read_answer(Cursor& cursor) {
    PeerKeyAnswer answer;
    answer.id = cursor.id();
    answer.from = cursor.text();
    answer.error = cursor.text();
    const std::size_t count = cursor.byte();
    if (count > KeyRing::kKeysMax) return fail(Errc::Malformed, "key answer with too many keys");
    for (std::size_t i = 0; i < count; ++i) answer.fingerprints.push_back(cursor.text());
    if (!cursor.ok) return fail(Errc::Malformed, "key answer ends too early");
    return answer;
}

Result<PeerMessage> read_forget(Cursor& cursor) {
    PeerForget forget{cursor.text()};
    if (!cursor.ok || forget.name.empty()) {
        return fail(Errc::Malformed, "forget without a name");
    }
    return forget;
}

}  // namespace

Bytes encode(const PeerMessage& message) {
    Bytes out(kMagic);
    out.push_back(kVersion);
    std::visit(Writer{out}, message);
    return out;
}

bool is_peer_message(BytesView payload) noexcept { return payload.starts_with(kMagic); }

Result<PeerMessage> decode_peer_message(BytesView payload) {
    if (!is_peer_message(payload)) return fail(Errc::Malformed, "not a message of ours");
    Cursor cursor{payload.substr(kMagic.size())};
    const std::uint8_t version = cursor.byte();
    const std::uint8_t kind = cursor.byte();
    if (!cursor.ok) return fail(Errc::Malformed, "message of ours ends too early");
    if (version != kVersion) return fail(Errc::Unsupported, "message of ours, unknown version");
    switch (kind) {
        case 1:
            return read_request(cursor);
        case 2:
            return read_answer(cursor);
        case 3:
            return read_forget(cursor);
        default:
            return fail(Errc::Unsupported, "message of ours of an unknown kind");
    }
}

}  // namespace anode::membership
