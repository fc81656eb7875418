#include "core/ownership/table.hpp"

#include <algorithm>

namespace anode::ownership {

Entry* Table::find(std::string_view source) {
    const auto at = entries_.find(source);
    return at == entries_.end() ? nullptr : &at->second;
}
const Entry* Table::find(std::string_view source) const {
    const auto at = entries_.find(source);
    return at == entries_.end() ? nullptr : &at->second;
}

Entry* Table::find_or_make(std::string_view source) {
    if (Entry* entry = find(source)) return entry;
    if (entries_.size() >= kEntriesMax) return nullptr;
    Entry& entry = entries_[std::string(source)];
    entry.facts.name = source;
    entry.facts.enabled = false;
    return &entry;
}

void Table::erase_if_idle(const std::string& source) {
    const auto at = entries_.find(source);
    if (at == entries_.end()) return;
    Entry& entry = at->second;
    if (entry.listed || entry.claim || entry.runs != Entry::Runs::No || entry.preparing) return;
    asleep(entry);
    urgent_.erase(source);
    held_.erase(source);
    entries_.erase(at);
}

void Table::drop_claim(Entry& entry) {
    if (!entry.claim) return;
    const auto at = by_owner_.find(entry.claim->owner);
    at->second.erase(entry.facts.name);
    if (at->second.empty()) by_owner_.erase(at);
    entry.claim.reset();
}

void Table::set_claim(Entry& entry, const Claim& claim) {
    drop_claim(entry);
    entry.claim = claim;
    entry.term_seen = std::max(entry.term_seen, claim.term);
    by_owner_[claim.owner].insert(entry.facts.name);
}

void Table::urgent_of(const NodeId& owner) {
    if (const auto at = by_owner_.find(owner); at != by_owner_.end())
        urgent_.insert(at->second.begin(), at->second.end());
}

void Table::wake_at(Entry& entry, Instant when) {
    if (when >= entry.wake) return;
    asleep(entry);
    entry.wake = when;
    wakes_.emplace(when, entry.facts.name);
}

void Table::asleep(Entry& entry) {
    if (entry.wake == Instant::max()) return;
    wakes_.erase({entry.wake, entry.facts.name});
    entry.wake = Instant::max();
}

Entry* Table::next(Instant now) {
    while (!urgent_.empty() && urgent_done_ < kPerStep) {
        ++urgent_done_;
        const auto first = urgent_.extract(urgent_.begin());
        if (Entry* entry = find(first.value())) return entry;
    }
    if (woken_ < kPerStep && !wakes_.empty() && wakes_.begin()->first <= now) {
        ++woken_;
        Entry* entry = find(wakes_.begin()->second);
        asleep(*entry);
        return entry;
    }
    if (sweep_left_ > 0 && sweep_done_ < kPerStep && !entries_.empty()) {
        ++sweep_done_;
        --sweep_left_;
        auto at = entries_.upper_bound(cursor_);
        if (at == entries_.end()) at = entries_.begin();
        cursor_ = at->first;
        return &at->second;
    }
    return nullptr;
}

Instant Table::due(Instant now) const noexcept {
    if (!urgent_.empty() || (sweep_left_ > 0 && !entries_.empty())) return now;
    return wakes_.empty() ? Instant::max() : wakes_.begin()->first;
}

void Table::hold(const Entry& entry, bool on) {
    if (on)
        held_.insert(entry.facts.name);
    else
        held_.erase(entry.facts.name);
}

}  // namespace anode::ownership
