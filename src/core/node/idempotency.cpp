#include "core/node/idempotency.hpp"

#include "base/varint.hpp"

namespace anode {
namespace {

constexpr WallTime kKeepMicros =
    std::chrono::duration_cast<std::chrono::microseconds>(Idempotency::kKeep).count();

/// The end of the year 9999: no time of a record is later, and none of our sums overflows.
constexpr WallTime kLatest = 253'402'300'799'999'999;

}  // namespace

std::string Idempotency::name(std::string_view topic, std::string_view key) {
    std::string name(topic);
    name.push_back('\0');
    name.append(key);
    return name;
}

const Idempotency::Known* Idempotency::find(std::string_view name, WallTime now) const {
    const auto found = known_.find(std::string(name));
    if (found == known_.end() || found->second.at + kKeepMicros < now) return nullptr;
    return &found->second;
}

void Idempotency::remember(std::string name, Known known) {
    order_.emplace_back(known.at, name);
    known_.insert_or_assign(std::move(name), std::move(known));
}

void Idempotency::forget(std::string_view name) { known_.erase(std::string(name)); }

std::vector<std::string> Idempotency::expire(WallTime now) {
    std::vector<std::string> gone;
    while (!order_.empty() &&
           (order_.front().first + kKeepMicros < now || known_.size() > entries_max_)) {
        auto [at, name] = std::move(order_.front());
        order_.pop_front();
        const auto found = known_.find(name);
        if (found == known_.end() || found->second.at != at) continue;  // used again since
        known_.erase(found);
        gone.push_back(std::move(name));
    }
    return gone;
}

Bytes Idempotency::encode(const Known& known) {
    Bytes out;
    put_le(out, known.body.high);
    put_le(out, known.body.low);
    put_le(out, known.at);
    put_varint(out, known.ids.size());
    for (const MessageId& id : known.ids) {
        put_le(out, id.high);
        put_le(out, id.low);
    }
    return out;
}

Result<Idempotency::Known> Idempotency::decode(BytesView bytes) {
    ByteReader in(bytes);
    Known known;
    const auto high = in.le<std::uint64_t>();
    const auto low = in.le<std::uint64_t>();
    const auto at = in.le<WallTime>();
    const auto count = in.varint();
    if (!high || !low || !at || !count || *count > in.rest().size() / 16)
        return fail(Errc::Corrupt, "record of an idempotency key");
    known.body = {*high, *low};
    known.at = *at;
    if (known.at < 0 || known.at > kLatest || in.rest().size() != *count * 16)
        return fail(Errc::Corrupt, "record of an idempotency key");
    known.ids.reserve(*count);
    for (std::uint64_t i = 0; i < *count; ++i) {
        const auto id_high = in.le<std::uint64_t>();
        const auto id_low = in.le<std::uint64_t>();
        known.ids.push_back({*id_high, *id_low});
    }
    return known;
}

}  // namespace anode
