#include "core/state/item.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "base/varint.hpp"

namespace anode::state {

namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::uint8_t kDeleted = 1, kRevoked = 2;
constexpr std::size_t kOverhead = 64;  ///< stamp, version, and what a map needs for a register

BytesView bytes_of(const NodeId& node) noexcept {
    return {reinterpret_cast<const char*>(node.bytes.data()), node.bytes.size()};
}

void put_lp(Bytes& out, BytesView bytes) {
    put_varint(out, bytes.size());
    out.append(bytes);
}

std::uint64_t value_hash(const Item& item) noexcept {
    return item.value ? hash64(*item.value, 1) : 0;
}

}  // namespace

std::string Stamp::text() const {
    Bytes big_endian;
    put_be(big_endian, hlc.value);
    return text::hex(big_endian) + "." + text::hex(bytes_of(node));
}

std::strong_ordering order(const Item& a, const Item& b) noexcept {
    if (const auto by_stamp = a.stamp <=> b.stamp; by_stamp != 0) return by_stamp;
    if (const auto by_hash = value_hash(a) <=> value_hash(b); by_hash != 0) return by_hash;
    if (const auto by_version = a.version <=> b.version; by_version != 0) return by_version;
    if (a.value == b.value) return std::strong_ordering::equal;
    return a.value < b.value ? std::strong_ordering::less : std::strong_ordering::greater;
}

Bytes encode(const Item& item) {
    Bytes out;
    out.reserve(48 + item.kind.size() + item.key.size() + (item.value ? item.value->size() : 0));
    out.push_back(static_cast<char>(kFormat));
    out.push_back(static_cast<char>((item.value ? 0 : kDeleted) | (item.revoked ? kRevoked : 0)));
    put_lp(out, item.kind);
    put_lp(out, item.key);
    put_varint(out, item.version);
    put_le(out, item.stamp.hlc.value);
    out.append(bytes_of(item.stamp.node));
    if (item.value) put_lp(out, *item.value);
    return out;
}

Result<Item> decode(BytesView bytes, std::size_t value_max) {
    ByteReader reader(bytes);
    const auto format = reader.le<std::uint8_t>();
    if (!format) return fail(Errc::Malformed, "state entry: empty");
    if (*format != kFormat) return fail(Errc::Unsupported, "state entry: format");
    const auto flags = reader.le<std::uint8_t>();
    const auto kind = reader.lp();
    const auto key = reader.lp();
    const auto version = reader.varint();
    const auto hlc = reader.le<std::uint64_t>();
    const auto node = reader.take(16);
    if (!node) return fail(Errc::Malformed, "state entry: ends early");
    if (*flags & ~(kDeleted | kRevoked)) return fail(Errc::Unsupported, "state entry: flags");
    if (kind->empty() || key->empty()) return fail(Errc::Malformed, "state entry: no name");
    if (kind->size() > kKindMax || key->size() > kKeyMax)
        return fail(Errc::TooLarge, "state entry: name");
    if (*version == 0) return fail(Errc::Malformed, "state entry: version");
    Item item{std::string(*kind), std::string(*key), {}, *version, (*flags & kRevoked) != 0, {}};
    item.stamp.hlc.value = *hlc;
    std::ranges::copy(*node, item.stamp.node.bytes.begin());
    if (!(*flags & kDeleted)) {
        const auto value = reader.lp();
        if (!value) return fail(Errc::Malformed, "state entry: value");
        if (value->size() > value_max) return fail(Errc::TooLarge, "state entry: value");
        item.value = Bytes(*value);
    }
    if (!reader.at_end()) return fail(Errc::Malformed, "state entry: too long");
    return item;
}

std::uint64_t fingerprint(const Item& item) { return hash64(encode(item), 2); }

std::uint8_t bucket_of(KeyView key) noexcept {
    return static_cast<std::uint8_t>(hash64(key.second, hash64(key.first, 3)));
}

std::size_t weight(const Item& item) noexcept {
    return kOverhead + item.kind.size() + item.key.size() + (item.value ? item.value->size() : 0);
}

std::string record_key(const Item& item) {
    Bytes content;
    put_be(content, value_hash(item) ^ item.version);
    return item.kind + '/' + text::percent_encode(item.key) + '/' + item.stamp.text() + '.' +
           text::hex(content);
}

}  // namespace anode::state
