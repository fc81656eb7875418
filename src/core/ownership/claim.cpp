#include "core/ownership/claim.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/hash.hpp"
#include "base/varint.hpp"

namespace anode::ownership {

namespace {
constexpr std::uint8_t kFormat = 1;
constexpr std::uint8_t kReleased = 1;
}  // namespace

double rendezvous_score(std::string_view source, const NodeId& node, double weight) noexcept {
    const BytesView id{reinterpret_cast<const char*>(node.bytes.data()), node.bytes.size()};
    const std::uint64_t hash = hash64(id, hash64(source));
    const double u = (static_cast<double>(hash >> 11) + 0.5) * 0x1p-53;  // in (0, 1), never an end
    return -weight / std::log(u);
}

bool outranks(const Claim& a, const Claim& b) noexcept {
    if (a.owner == b.owner) return std::tie(a.epoch, a.term) > std::tie(b.epoch, b.term);
    if (a.term != b.term) return a.term > b.term;
    const double ours = rendezvous_score(a.source, a.owner, 1);
    const double theirs = rendezvous_score(b.source, b.owner, 1);
    return ours != theirs ? ours > theirs : a.owner > b.owner;
}

Bytes Claim::encode() const {
    Bytes out;
    out.push_back(static_cast<char>(kFormat));
    out.push_back(static_cast<char>(released ? kReleased : 0));
    out.append(reinterpret_cast<const char*>(owner.bytes.data()), owner.bytes.size());
    put_le(out, epoch.value);
    put_varint(out, term);
    return out;
}

std::optional<Claim> Claim::decode(std::string_view source, BytesView value) {
    ByteReader reader(value);
    const auto format = reader.le<std::uint8_t>();
    if (!format || *format != kFormat) return std::nullopt;
    const auto flags = reader.le<std::uint8_t>();
    const auto node = reader.take(16);
    const auto run = reader.le<std::uint64_t>();
    const auto number = reader.varint();
    if (!number) return std::nullopt;
    Claim claim{std::string(source), {}, Epoch{*run}, *number, (*flags & kReleased) != 0};
    std::ranges::copy(*node, claim.owner.bytes.begin());
    return claim;  // what a later version appends is for those who know it
}

}  // namespace anode::ownership
