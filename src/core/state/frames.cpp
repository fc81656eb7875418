#include "core/state/frames.hpp"

#include <algorithm>
#include <cstring>

#include "base/varint.hpp"

namespace anode::state::frames {

namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::uint8_t kAsk = 1;
constexpr std::uint8_t kWant = 1, kAfter = 2, kUpTo = 4;

void put_name(Bytes& out, KeyView name) {
    for (const auto part : {name.first, name.second}) {
        put_varint(out, part.size());
        out.append(part);
    }
}

std::optional<KeyView> name(ByteReader& reader) {
    const auto kind = reader.lp();
    const auto key = reader.lp();
    if (!key || kind->size() > kKindMax || key->size() > kKeyMax) return std::nullopt;
    return KeyView{*kind, *key};
}

/// The flags, if the frame is of a format we know.
std::optional<std::uint8_t> opening(ByteReader& reader) {
    const auto format = reader.le<std::uint8_t>();
    if (!format || *format != kFormat) return std::nullopt;
    return reader.le<std::uint8_t>();
}

std::optional<Have> have(ByteReader& reader, bool want) {
    const auto named = name(reader);
    if (!named) return std::nullopt;
    Have entry{named->first, named->second, {}, 0, false};
    if (want) return entry;
    const auto hlc = reader.le<std::uint64_t>();
    const auto node = reader.take(16);
    const auto print = reader.le<std::uint64_t>();
    const auto revoked = reader.le<std::uint8_t>();
    if (!revoked || *revoked > 1) return std::nullopt;
    entry.stamp.hlc.value = *hlc;
    std::ranges::copy(*node, entry.stamp.node.bytes.begin());
    entry.print = *print;
    entry.revoked = *revoked == 1;
    return entry;
}

}  // namespace

Bytes encode(const Root& root) {
    Bytes out;
    out.push_back(static_cast<char>(kFormat));
    out.push_back(static_cast<char>(root.ask ? kAsk : 0));
    for (const std::uint64_t hash : root.hashes) put_le(out, hash);
    return out;
}

std::optional<Root> decode_root(BytesView body) {
    ByteReader reader(body);
    const auto flags = opening(reader);
    if (!flags) return std::nullopt;
    Root root{(*flags & kAsk) != 0, {}};
    const auto hashes = reader.take(sizeof root.hashes);
    if (!hashes || !reader.at_end()) return std::nullopt;
    std::memcpy(root.hashes.data(), hashes->data(), sizeof root.hashes);
    return root;
}

Bytes encode(const Bucket& bucket) {
    Bytes out;
    out.push_back(static_cast<char>(kFormat));
    out.push_back(static_cast<char>((bucket.want ? kWant : 0) | (bucket.after ? kAfter : 0) |
                                    (bucket.up_to ? kUpTo : 0)));
    out.push_back(static_cast<char>(bucket.bucket));
    if (bucket.after) put_name(out, *bucket.after);
    if (bucket.up_to) put_name(out, *bucket.up_to);
    put_varint(out, bucket.have.size());
    for (const Have& entry : bucket.have) {
        put_name(out, {entry.kind, entry.key});
        if (bucket.want) continue;
        put_le(out, entry.stamp.hlc.value);
        out.append(reinterpret_cast<const char*>(entry.stamp.node.bytes.data()), 16);
        put_le(out, entry.print);
        out.push_back(entry.revoked ? 1 : 0);
    }
    return out;
}

std::optional<Bucket> decode_bucket(BytesView body) {
    ByteReader reader(body);
    const auto flags = opening(reader);
    const auto number = reader.le<std::uint8_t>();
    if (!flags || !number) return std::nullopt;
    Bucket bucket{(*flags & kWant) != 0, *number, {}, {}, {}};
    if (*flags & kAfter && !(bucket.after = name(reader))) return std::nullopt;
    if (*flags & kUpTo && !(bucket.up_to = name(reader))) return std::nullopt;
    const auto count = reader.varint();
    if (!count || *count > reader.rest().size() / 2) return std::nullopt;
    for (std::uint64_t i = 0; i < *count; ++i) {
        const auto entry = have(reader, bucket.want);
        if (!entry) return std::nullopt;
        const KeyView named{entry->kind, entry->key};
        const bool rises =
            bucket.have.empty() || KeyView{bucket.have.back().kind, bucket.have.back().key} < named;
        if (!rises) return std::nullopt;
        bucket.have.push_back(*entry);
    }
    if (!reader.at_end()) return std::nullopt;
    return bucket;
}

Bytes encode_delta(std::span<const Item* const> items) {
    Bytes out;
    out.push_back(static_cast<char>(kFormat));
    out.push_back(0);
    put_varint(out, items.size());
    for (const Item* item : items) {
        const Bytes entry = state::encode(*item);
        put_varint(out, entry.size());
        out.append(entry);
    }
    return out;
}

std::optional<std::vector<BytesView>> decode_delta(BytesView body) {
    ByteReader reader(body);
    const auto flags = opening(reader);
    const auto count = reader.varint();
    if (!flags || !count || *count > reader.rest().size()) return std::nullopt;
    std::vector<BytesView> entries;
    for (std::uint64_t i = 0; i < *count; ++i) {
        const auto entry = reader.lp();
        if (!entry) return std::nullopt;
        entries.push_back(*entry);
    }
    if (!reader.at_end()) return std::nullopt;
    return entries;
}

}  // namespace anode::state::frames
