#include "core/membership/swim/name_pool.hpp"

#include "base/assert.hpp"
#include "core/membership/node_meta.hpp"

namespace anode::membership {

NamePool::Id NamePool::hold(std::string_view name) {
    if (const auto found = ids_.find(name); found != ids_.end()) {
        ++names_[found->second].references;
        return found->second;
    }
    Id id = kNone;
    if (free_.empty()) {
        id = static_cast<Id>(names_.size());
        names_.emplace_back();
    } else {
        id = free_.back();
        free_.pop_back();
    }
    Entry& entry = names_[id];
    entry.text.assign(name);
    entry.references = 1;
    ids_.emplace(entry.text, id);
    return id;
}

void NamePool::release(Id id) noexcept {
    Entry& entry = names_[id];
    ANODE_ASSERT(entry.references > 0);
    if (--entry.references > 0) return;
    ids_.erase(entry.text);
    entry.text.clear();
    entry.latest = DescriptorRef();
    free_.push_back(id);
}

NamePool::Id NamePool::find(std::string_view name) const noexcept {
    const auto found = ids_.find(name);
    return found == ids_.end() ? kNone : found->second;
}

DescriptorRef NamePool::describe(Id id, const Address& address, BytesView meta,
                                 const Versions& versions) {
    Entry& entry = names_[id];
    if (entry.latest && entry.latest->same(address, meta, versions)) return entry.latest;
    auto* made = new Descriptor{.address = address, .versions = versions, .meta = Bytes(meta)};
    entry.latest = DescriptorRef(made);
    if (const auto decoded = NodeMeta::decode(meta)) {
        made->ours = true;
        made->fast = (decoded->capabilities & NodeMeta::kFast) != 0;
    }
    return entry.latest;
}

}  // namespace anode::membership
