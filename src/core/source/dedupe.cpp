#include "core/source/dedupe.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace anode::source {

namespace {

constexpr std::size_t kRoomMin = 1024;
constexpr std::size_t kRecordBytes = 24;

void append_be(Bytes& out, std::uint64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

std::uint64_t load_be(BytesView bytes) {
    std::uint64_t value = 0;
    for (const char c : bytes.substr(0, 8)) value = value << 8 | static_cast<std::uint8_t>(c);
    return value;
}

std::uint32_t tag_of(const Hash128& id) { return static_cast<std::uint32_t>(id.low); }

}  // namespace

Dedupe::Dedupe(Duration keep, std::uint64_t max)
    : keep_(std::chrono::duration_cast<std::chrono::microseconds>(keep).count()),
      max_(std::clamp<std::uint64_t>(max, 1, 1u << 30)),
      ring_(kRoomMin),
      table_(2 * kRoomMin) {}

std::size_t Dedupe::slot_of(const Hash128& id) const noexcept {
    const std::size_t mask = table_.size() - 1;
    const std::uint32_t tag = tag_of(id);
    std::size_t slot = tag & mask;
    while (table_[slot].place != 0 &&
           (table_[slot].tag != tag || ring_[table_[slot].place - 1].id != id))
        slot = (slot + 1) & mask;
    return slot;
}

bool Dedupe::contains(const Hash128& id, WallTime now) const noexcept {
    const std::uint32_t entry = table_[slot_of(id)].place;
    return entry != 0 && ring_[entry - 1].time + keep_ > now;
}

bool Dedupe::insert(const Hash128& id, WallTime now) {
    expire(now);
    std::size_t slot = slot_of(id);
    if (table_[slot].place != 0) return false;
    if (count_ == max_) {
        forget_oldest();
        slot = slot_of(id);
    } else if (count_ == ring_.size()) {
        grow();
        slot = slot_of(id);
    }
    const std::size_t place = (head_ + count_) & (ring_.size() - 1);
    ring_[place] = {id, now};
    table_[slot] = {static_cast<std::uint32_t>(place + 1), tag_of(id)};
    ++count_;
    return true;
}

void Dedupe::expire(WallTime now) {
    while (count_ > 0 && ring_[head_ & (ring_.size() - 1)].time + keep_ <= now) forget_oldest();
}

void Dedupe::forget_oldest() {
    erase(ring_[head_ & (ring_.size() - 1)].id);
    ++head_;
    --count_;
}

/// Closes the hole by moving back whatever probed past it (Knuth, volume 3, section 6.4, algorithm R).
void Dedupe::erase(const Hash128& id) {
    const std::size_t mask = table_.size() - 1;
    std::size_t hole = slot_of(id);
    ANODE_ASSERT(table_[hole].place != 0);
    for (std::size_t next = (hole + 1) & mask; table_[next].place != 0; next = (next + 1) & mask) {
        const std::size_t home = table_[next].tag & mask;
        if (((next - home) & mask) < ((next - hole) & mask)) continue;
        table_[hole] = table_[next];
        hole = next;
    }
    table_[hole] = {};
}

void Dedupe::grow() {
    std::vector<Seen> wider(ring_.size() * 2);
    for (std::uint64_t n = head_; n < head_ + count_; ++n)
        wider[n & (wider.size() - 1)] = ring_[n & (ring_.size() - 1)];
    ring_ = std::move(wider);
    table_.assign(ring_.size() * 2, Slot());
    for (std::uint64_t n = head_; n < head_ + count_; ++n) {
        const std::size_t place = n & (ring_.size() - 1);
        table_[slot_of(ring_[place].id)] = {static_cast<std::uint32_t>(place + 1),
                                            tag_of(ring_[place].id)};
    }
}

Bytes Dedupe::export_after(std::uint64_t& mark) const {
    Bytes out;
    const std::uint64_t end = head_ + count_;
    for (std::uint64_t n = std::max(mark, head_); n < end; ++n) {
        const Seen& seen = ring_[n & (ring_.size() - 1)];
        append_be(out, seen.id.high);
        append_be(out, seen.id.low);
        append_be(out, static_cast<std::uint64_t>(seen.time));
    }
    mark = end;
    return out;
}

Result<void> Dedupe::import(BytesView records, WallTime now) {
    if (records.size() % kRecordBytes != 0)
        return fail(Errc::Malformed, "a list of seen ids ends inside a record");
    for (; !records.empty(); records.remove_prefix(kRecordBytes)) {
        const auto time = static_cast<WallTime>(load_be(records.substr(16)));
        // A time out of the future would never expire: it counts from now.
        if (time > now - keep_)
            insert({load_be(records), load_be(records.substr(8))}, std::min(time, now));
    }
    return {};
}

}  // namespace anode::source
