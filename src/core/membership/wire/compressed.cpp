#include "core/membership/wire/compressed.hpp"

#include <array>

#include "core/membership/wire/lzw.hpp"
#include "core/membership/wire/messages.hpp"
#include "core/membership/wire/msgpack.hpp"

namespace anode::membership::wire {

namespace {

constexpr std::array<std::string_view, 2> kCompressed{"Algo", "Buf"};
/// Type byte, map, two keys, the algorithm and the shortest head of the bytes.
constexpr std::size_t kLeastAround = 1 + 1 + 5 + 1 + 4 + 1;

std::size_t raw_head_bytes(std::size_t bytes) noexcept {
    return bytes <= 31 ? 1 : bytes <= 0xFFFF ? 3 : 5;
}

}  // namespace

bool append_compressed(BytesView plain, Bytes& scratch, Bytes& out) {
    if (plain.size() <= kLeastAround) return false;
    scratch.clear();
    if (!lzw_encode(plain, scratch, plain.size() - kLeastAround)) return false;
    const std::size_t around = kLeastAround - 1 + raw_head_bytes(scratch.size());
    if (around + scratch.size() >= plain.size()) return false;
    out.push_back(static_cast<char>(Type::Compressed));
    msgpack::put_map(out, 2);
    msgpack::put_raw(out, "Algo");
    msgpack::put_unsigned(out, 0);
    msgpack::put_raw(out, "Buf");
    msgpack::put_raw(out, scratch);
    return true;
}

Result<void> inflate(BytesView body, std::size_t bytes_max, Bytes& out) {
    std::uint64_t algorithm = 0;
    BytesView coded;
    msgpack::Reader in(body);
    in.fields(kCompressed, [&](std::size_t field) {
        if (field == 0) {
            algorithm = in.unsigned_number(0xFF);
        } else {
            coded = in.bytes();
        }
    });
    if (in.failed()) return in.error("compressed");
    if (algorithm != 0) return fail(Errc::Unsupported, "compressed: an algorithm that is not LZW");
    const std::size_t before = out.size();
    Result<void> done = lzw_decode(coded, bytes_max, out);
    if (done && out.size() == before) return fail(Errc::Truncated, "compressed: nothing inside");
    return done;
}

}  // namespace anode::membership::wire
