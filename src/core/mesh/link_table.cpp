#include "core/mesh/link_table.hpp"

#include "base/assert.hpp"

namespace anode::mesh {

std::string_view name_of(Link::State state) noexcept {
    switch (state) {
        case Link::State::Dialling:
            return "dialling";
        case Link::State::Hello:
            return "hello";
        case Link::State::Sync:
            return "sync";
        case Link::State::Up:
            return "up";
        case Link::State::Closing:
            return "closing";
    }
    return "";
}

Link& LinkTable::add(LinkId id, Purpose purpose, std::size_t frame_max) {
    const auto [at, fresh] = links_.emplace(id, std::make_unique<Link>(id, purpose, frame_max));
    ANODE_ASSERT(fresh);
    touch();
    return *at->second;
}

void LinkTable::remove(LinkId id) {
    const auto at = links_.find(id);
    if (at == links_.end()) return;
    touch();
    const auto main = mains_.find(at->second->peer);
    if (main != mains_.end() && main->second == id) mains_.erase(main);
    links_.erase(at);
}

Link* LinkTable::find(LinkId id) noexcept {
    const auto at = links_.find(id);
    return at == links_.end() ? nullptr : at->second.get();
}

const Link* LinkTable::find(LinkId id) const noexcept {
    const auto at = links_.find(id);
    return at == links_.end() ? nullptr : at->second.get();
}

Link* LinkTable::main_of(const NodeId& peer) noexcept {
    const auto at = mains_.find(peer);
    Link* link = at == mains_.end() ? nullptr : find(at->second);
    return link != nullptr && link->live() ? link : nullptr;
}

Link* LinkTable::any_of(const NodeId& peer, Purpose purpose) noexcept {
    for (const auto& [id, link] : links_)
        if (link->peer == peer && link->purpose == purpose && link->state != Link::State::Closing)
            return link.get();
    return nullptr;
}

}  // namespace anode::mesh
