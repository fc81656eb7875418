#include "core/fanout/fanout.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace anode::fanout {

namespace {

constexpr std::size_t kRoutesMax = 65'536;
constexpr std::size_t kConflatedMax = 100'000;
constexpr std::size_t kGatheredMax = 48 << 10;

}  // namespace

struct FanOut::SelectorSlot {
    SelectorPtr selector;
    std::string key;
    std::vector<Group*> groups;
};

struct FanOut::FormSlot {
    Form form;
    std::uint64_t message = 0;  ///< whose bytes these are
    Bytes bytes;
    Bytes line;  ///< the same without its frame, for groups that gather
    bool binary = false;
};

std::string GroupSpec::key() const {
    std::vector<std::string> keys;
    for (const SelectorPtr& selector : selectors) keys.push_back(selector->key());
    std::ranges::sort(keys);
    std::string key = std::to_string(batch.count());
    key.append(1, '/').append(std::to_string(static_cast<int>(form.style.format)));
    key.append(form.style.provenance ? "p" : "-");
    key.append(std::to_string(reinterpret_cast<std::uintptr_t>(form.framing)));
    for (const std::string& one : keys) key.append(1, '\0').append(one);
    return key;
}

std::uint64_t Group::waiting() const noexcept {
    std::uint64_t count = gathered_messages_;
    for (const auto& [index, conflated] : conflated_of_) count += conflated.newest.size();
    return count;
}

void Group::trim() {
    std::uint64_t lowest = ring_.head();
    for (const Member* member : members_) lowest = std::min(lowest, member->offset);
    ring_.release(lowest);
}

FanOut::FanOut(std::uint32_t store, NodeId self) : self_(self), encoder_(store) {}
FanOut::~FanOut() = default;

void FanOut::join(Member& member, GroupSpec spec, Now now) {
    ANODE_ASSERT(!member.group);
    const std::string key = spec.key();
    auto& group = groups_[key];
    if (!group) {
        group = std::make_unique<Group>();
        group->key_ = key;
        group->spec_ = std::move(spec);
        group->form_id_ = add_form(group->spec_.form);
        group->sampled_.resize(group->spec_.selectors.size());
        for (SelectorPtr& selector : group->spec_.selectors) {
            const std::uint32_t id = add_selector(selector, *group);
            group->selector_ids_.push_back(id);
            selector = selectors_[id].selector;
        }
        routes_.clear();
    }
    flush_waiting(*group, now);
    member.group = group.get();
    member.offset = group->ring_.head();
    member.slot = static_cast<std::uint32_t>(group->members_.size());
    group->members_.push_back(&member);
}

void FanOut::flush_waiting(Group& group, Now now) {
    append_gathered(group);
    for (auto& [selector, conflated] : group.conflated_of_)
        if (!conflated.newest.empty()) flush_conflated(group, selector, now);
}

void FanOut::leave(Member& member) {
    Group* group = member.group;
    if (!group) return;
    group->members_[member.slot] = group->members_.back();
    group->members_[member.slot]->slot = member.slot;
    group->members_.pop_back();
    member.group = nullptr;
    if (!group->members_.empty()) return;
    for (const std::uint32_t id : group->selector_ids_) remove_selector(id, *group);
    std::erase(dirty_, group);
    std::erase(timed_, group);
    routes_.clear();
    groups_.erase(group->key_);
}

std::uint32_t FanOut::add_selector(const SelectorPtr& selector, Group& group) {
    const std::string key = selector->key();
    const auto [known, is_new] = selector_ids_.try_emplace(key, 0);
    if (is_new) {
        if (free_selectors_.empty()) {
            known->second = static_cast<std::uint32_t>(selectors_.size());
            selectors_.emplace_back();
        } else {
            known->second = free_selectors_.back();
            free_selectors_.pop_back();
        }
        selectors_[known->second] = {selector, key, {}};
        for (const Pattern& pattern : selector->topics.patterns())
            trie_.add(pattern, known->second);
    }
    selectors_[known->second].groups.push_back(&group);
    return known->second;
}

void FanOut::remove_selector(std::uint32_t id, Group& group) {
    SelectorSlot& slot = selectors_[id];
    slot.groups.erase(std::ranges::find(slot.groups, &group));
    if (!slot.groups.empty()) return;
    for (const Pattern& pattern : slot.selector->topics.patterns()) trie_.remove(pattern, id);
    selector_ids_.erase(slot.key);
    slot = {};
    free_selectors_.push_back(id);
}

std::uint32_t FanOut::add_form(const Form& form) {
    for (std::size_t i = 0; i < forms_.size(); ++i)
        if (forms_[i].form == form) return static_cast<std::uint32_t>(i);
    forms_.emplace_back().form = form;
    return static_cast<std::uint32_t>(forms_.size() - 1);
}

std::shared_ptr<const FanOut::Route> FanOut::route_of(std::string_view topic) {
    if (const auto known = routes_.find(topic); known != routes_.end()) return known->second;
    found_.clear();
    trie_.match(topic, found_);
    std::ranges::sort(found_);
    found_.erase(std::unique(found_.begin(), found_.end()), found_.end());
    auto route = std::make_shared<Route>();
    for (const std::uint32_t id : found_) {
        for (Group* group : selectors_[id].groups) {
            auto wanted = std::ranges::find(*route, group, &Wanted::group);
            if (wanted == route->end())
                wanted = route->insert(route->end(), Wanted{group, {}, false});
            for (std::uint32_t i = 0; i < group->selector_ids_.size(); ++i)
                if (group->selector_ids_[i] == id) wanted->selectors.push_back(i);
        }
    }
    for (Wanted& wanted : *route) {
        wanted.plain = std::ranges::any_of(wanted.selectors, [&](std::uint32_t i) {
            const Selector& selector = *wanted.group->spec_.selectors[i];
            return selector.mode == Mode::All && !selector.filter;
        });
    }
    if (routes_.size() >= kRoutesMax) routes_.clear();
    routes_.emplace(topic, route);
    return route;
}

void FanOut::publish(const Block& block, Now now) {
    if (groups_.empty()) return;
    block_routes_.clear();
    bool wanted_at_all = false;
    for (const std::string_view topic : block.topics()) {
        block_routes_.push_back(route_of(topic));
        wanted_at_all |= !block_routes_.back()->empty();
    }
    if (!wanted_at_all) return;
    for (std::uint32_t index = 0; index < block.count(); ++index) {
        if (block.hides(index)) continue;
        judge_.begin(block, index);
        const Route& route = *block_routes_[judge_.entry().topic_index];
        if (route.empty()) continue;
        ++message_;
        for (const Wanted& wanted : route) offer(wanted, now);
    }
}

void FanOut::offer(const Wanted& wanted, Now now) {
    Group& group = *wanted.group;
    if (wanted.plain) {
        ++group.matched_;
        return append(group, now);
    }
    bool passes = false, sampled_out = false;
    std::optional<std::uint32_t> newest;
    for (const std::uint32_t i : wanted.selectors) {
        const Selector& selector = *group.spec_.selectors[i];
        if (!judge_.passes(selector)) continue;
        if (selector.mode == Mode::All) passes = true;
        if (selector.mode == Mode::Latest && !newest) newest = i;
        if (selector.mode == Mode::Sample) {
            if (group.sampled_[i]++ % selector.n == 0)
                passes = true;
            else
                sampled_out = true;
        }
        if (passes) break;
    }
    if (!passes && !newest && !sampled_out) return;
    ++group.matched_;
    if (passes) return append(group, now);
    if (newest) return conflate(group, *newest, now);
    ++group.conflated_;
}

BytesView FanOut::encoded(const Group& group) {
    FormSlot& slot = forms_[group.form_id_];
    if (slot.message != message_) {
        slot.message = message_;
        slot.bytes.clear();
        const Line line = encoder_.line(judge_, slot.form);
        slot.form.framing->append(slot.bytes, line);
        slot.binary = line.binary;
        if (slot.form.framing->joins_lines()) slot.line.assign(line.text);
        ++encodings_;
    }
    return slot.bytes;
}

void FanOut::append(Group& group, Now now) {
    const BytesView bytes = encoded(group);
    const Entry& entry = judge_.entry();
    // What passes at once replaces an older one that waits: no message overtakes a newer one of its key.
    if (!group.conflated_of_.empty()) {
        std::string name(entry.topic);
        name.push_back('\0');
        name += entry.key;
        for (auto& [index, conflated] : group.conflated_of_)
            group.conflated_ += conflated.newest.erase(name);
    }
    group.remote_ = judge_.block().log().node != self_;
    if (group.spec_.batch == Duration{0}) {
        group.ring_.append(bytes, entry.arrival);
        return mark_dirty(group, entry.ts());
    }
    const FormSlot& slot = forms_[group.form_id_];
    const bool joins = slot.form.framing->joins_lines();
    if (joins && slot.binary) {
        append_gathered(group);
        group.ring_.append(bytes, entry.arrival);
        return mark_dirty(group, entry.ts());
    }
    if (joins && group.gathered_messages_ > 0) group.gathered_ += '\n';
    group.gathered_ += joins ? BytesView(slot.line) : bytes;
    group.gathered_last_ = entry.arrival;
    if (group.oldest_unflushed_ == 0) group.oldest_unflushed_ = entry.ts();
    if (++group.gathered_messages_ == 1) {
        group.gathered_until_ = now.mono + group.spec_.batch;
        timed_.push_back(&group);
    }
    if (group.gathered_.size() >= kGatheredMax) append_gathered(group);
}

void FanOut::append_gathered(Group& group) {
    if (group.gathered_messages_ == 0) return;
    const FormSlot& slot = forms_[group.form_id_];
    if (slot.form.framing->joins_lines()) {
        Bytes frame;
        slot.form.framing->append(frame, {group.gathered_, false, {}});
        group.ring_.append(frame, group.gathered_last_, group.gathered_messages_);
    } else {
        group.ring_.append(group.gathered_, group.gathered_last_, group.gathered_messages_);
    }
    group.gathered_.clear();
    group.gathered_messages_ = 0;
    group.gathered_until_ = Instant::max();
    mark_dirty(group, group.oldest_unflushed_);
}

void FanOut::conflate(Group& group, std::size_t selector, Now now) {
    Group::Conflated& conflated = group.conflated_of_[selector];
    const Entry& entry = judge_.entry();
    if (conflated.newest.empty()) {
        conflated.next = std::max(now.mono, conflated.next);
        if (std::ranges::find(timed_, &group) == timed_.end()) timed_.push_back(&group);
    }
    std::string name(entry.topic);
    name.push_back('\0');
    name += entry.key;
    const auto [newest, is_new] = conflated.newest.try_emplace(std::move(name));
    if (!is_new) ++group.conflated_;
    newest->second = {entry.arrival, entry.ts(), Bytes(encoded(group))};
    if (conflated.newest.size() >= kConflatedMax) flush_conflated(group, selector, now);
}

void FanOut::flush_conflated(Group& group, std::size_t selector, Now now) {
    Conflated& conflated = group.conflated_of_[selector];
    std::vector<const Group::Newest*> in_order;
    for (const auto& [name, newest] : conflated.newest) in_order.push_back(&newest);
    std::ranges::sort(in_order, {}, &Group::Newest::arrival);
    for (const Group::Newest* newest : in_order) {
        group.ring_.append(newest->frame, newest->arrival);
        mark_dirty(group, newest->ts);
    }
    conflated.newest.clear();
    conflated.next = now.mono + group.spec_.selectors[selector]->every;
}

Instant FanOut::tick(Now now) {
    Instant next = Instant::max();
    std::erase_if(timed_, [&](Group* group) {
        if (group->gathered_until_ <= now.mono) append_gathered(*group);
        Instant wants = group->gathered_until_;
        for (std::size_t i = 0; i < group->spec_.selectors.size(); ++i) {
            const auto found = group->conflated_of_.find(i);
            if (found == group->conflated_of_.end()) continue;
            if (!found->second.newest.empty() && found->second.next <= now.mono)
                flush_conflated(*group, i, now);
            if (!found->second.newest.empty()) wants = std::min(wants, found->second.next);
        }
        next = std::min(next, wants);
        return wants == Instant::max();
    });
    return next;
}

void FanOut::mark_dirty(Group& group, WallTime ts) {
    if (group.oldest_unflushed_ == 0) group.oldest_unflushed_ = ts;
    if (group.dirty_) return;
    group.dirty_ = true;
    dirty_.push_back(&group);
}

void FanOut::take_dirty(std::vector<Group*>& out) {
    out.clear();
    out.swap(dirty_);
    for (Group* group : out) group->dirty_ = false;
}

}  // namespace anode::fanout
