#include "core/membership/wire/msgpack.hpp"

namespace anode::membership::wire::msgpack {

namespace {

void put(Bytes& out, std::uint8_t byte) { out.push_back(static_cast<char>(byte)); }

/// `lead`, then the low bytes of `value`, most significant first.
void put_be(Bytes& out, std::uint8_t lead, std::uint64_t value, unsigned bytes) {
    put(out, lead);
    while (bytes-- > 0) put(out, static_cast<std::uint8_t>(value >> (8 * bytes)));
}

}  // namespace

void put_map(Bytes& out, std::uint32_t pairs) {
    if (pairs <= 15) return put(out, static_cast<std::uint8_t>(0x80U | pairs));
    put_be(out, 0xDE, pairs, 2);
}

void put_raw_head(Bytes& out, std::size_t bytes) {
    if (bytes <= 31) return put(out, static_cast<std::uint8_t>(0xA0U | bytes));
    if (bytes <= 0xFFFF) return put_be(out, 0xDA, bytes, 2);
    put_be(out, 0xDB, bytes, 4);
}

void put_raw(Bytes& out, BytesView bytes) {
    put_raw_head(out, bytes.size());
    out.append(bytes);
}

void put_raw_or_nil(Bytes& out, BytesView bytes) {
    if (bytes.empty()) return put(out, 0xC0);
    put_raw(out, bytes);
}

void put_unsigned(Bytes& out, std::uint32_t value) {
    if (value <= 0x7F) return put(out, static_cast<std::uint8_t>(value));
    if (value <= 0xFF) return put_be(out, 0xCC, value, 1);
    if (value <= 0xFFFF) return put_be(out, 0xCD, value, 2);
    put_be(out, 0xCE, value, 4);
}

void put_counter(Bytes& out, std::uint64_t value) {
    if (value <= 0x7F) return put(out, static_cast<std::uint8_t>(value));
    if (value <= 0x7FFF) return put_be(out, 0xD1, value, 2);
    if (value <= 0x7FFF'FFFF) return put_be(out, 0xD2, value, 4);
    put_be(out, 0xD3, value, 8);
}

void put_bool(Bytes& out, bool value) { put(out, value ? 0xC3 : 0xC2); }

}  // namespace anode::membership::wire::msgpack
