#include "core/membership/swim/table.hpp"

#include "base/assert.hpp"
#include "base/hash.hpp"

namespace anode::membership {
namespace {

constexpr std::uint32_t kNowhere = ~std::uint32_t{0};

}  // namespace

Table::~Table() {
    for (const Entry& entry : entries_) names_->release(entry.id);
}

const Entry* Table::find(NamePool::Id id) const noexcept {
    if (id >= places_.size() || places_[id] == kNowhere) return nullptr;
    return &entries_[places_[id]];
}

Entry* Table::find(NamePool::Id id) noexcept {
    return const_cast<Entry*>(std::as_const(*this).find(id));
}

Entry& Table::add(BytesView name, const Address& address, BytesView meta,
                  const Versions& versions) {
    const NamePool::Id id = names_->hold(name);
    if (places_.size() <= id) places_.resize(id + 1, kNowhere);
    ANODE_ASSERT(places_[id] == kNowhere);
    // Doubling would cost a simulation of ten thousand views gigabytes.
    if (entries_.size() == entries_.capacity())
        entries_.reserve(entries_.size() + entries_.size() / 8 + 16);
    places_[id] = static_cast<std::uint32_t>(entries_.size());
    Entry& entry = entries_.emplace_back();
    entry.id = id;
    entry.descriptor = names_->describe(id, address, meta, versions);
    ++counts_[static_cast<std::size_t>(entry.state)];
    return entry;
}

void Table::erase(NamePool::Id id) {
    Entry* entry = find(id);
    ANODE_ASSERT(entry != nullptr);
    hash_ -= share(*entry);
    --counts_[static_cast<std::size_t>(entry->state)];
    const std::uint32_t place = places_[id];
    places_[id] = kNowhere;
    if (place + 1 != entries_.size()) {
        entries_[place] = std::move(entries_.back());
        places_[entries_[place].id] = place;
    }
    entries_.pop_back();
    names_->release(id);
}

void Table::set_state(Entry& entry, MemberState state, Instant now) {
    hash_ -= share(entry);
    --counts_[static_cast<std::size_t>(entry.state)];
    entry.state = state;
    entry.since = now;
    ++counts_[static_cast<std::size_t>(entry.state)];
    hash_ += share(entry);
}

std::uint64_t Table::share(const Entry& entry) const noexcept {
    // A sum, so that the order of entries does not matter.
    return entry.up() ? hash64(names_->name(entry.id), 1 + static_cast<std::uint64_t>(entry.state))
                      : 0;
}

}  // namespace anode::membership
