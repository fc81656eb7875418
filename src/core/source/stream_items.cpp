#include <algorithm>

#include "core/source/items.hpp"
#include "core/source/stream.hpp"

/// Items, where they come from, and how they are spread over connections (C4, C10, C11).
namespace anode::source {

namespace {

constexpr std::size_t kSlotsMax = 1000;

}  // namespace

void StreamMachine::begin() {
    if (auto items = lists_.begin()) {
        arrange(std::move(*items));
    } else {
        desk_.enter(State::Connecting, "fetching the list of items");
    }
}

/// The first route that takes an item, or one past the last: `url`.
std::size_t StreamMachine::route_of(const Item& item) const {
    const auto& routes = desk_.def->shard.route;
    if (routes.empty()) return 0;
    const std::string text = item_json(item);
    json::Document document;
    if (!document.parse(text)) return routes.size();
    expr::Scope scope;
    scope.root = document.root();
    for (std::size_t i = 0; i < routes.size(); ++i) {
        if (routes[i].match.holds(scope)) return i;
    }
    return routes.size();
}

/// Gives items to slots. Slots keep the items that are still wanted; only those that change are
/// renewed, by a second connection beside the first.
void StreamMachine::arrange(std::vector<Item> items) {
    std::map<std::size_t, std::vector<Item>> by_route;
    for (Item& item : items) by_route[route_of(item)].push_back(std::move(item));
    if (by_route.empty()) by_route[desk_.def->shard.route.size()] = {};

    std::vector<std::pair<std::uint32_t, std::vector<Item>>> kept;
    for (auto& [number, slot] : slots_) {
        const auto found = by_route.find(routes_[number]);
        std::vector<Item> none;
        kept.emplace_back(number, keep_items(slot, found == by_route.end() ? none : found->second));
    }
    const std::size_t most = desk_.def->shard.items;
    for (auto& [number, held] : kept) {
        std::vector<Item>& wanted = by_route[routes_[number]];
        const std::size_t room = most == 0 ? wanted.size() : most - std::min(most, held.size());
        const auto end =
            wanted.begin() + static_cast<std::ptrdiff_t>(std::min(room, wanted.size()));
        held.insert(held.end(), wanted.begin(), end);
        wanted.erase(wanted.begin(), end);
        if (!desk_.def->items.empty() && held.empty()) {
            remove_slot(number);
        } else {
            renew(slots_.at(number), std::move(held));
        }
    }
    const bool itemless = desk_.def->items.empty() && slots_.empty();
    for (auto& [route, rest] : by_route) {
        if (!rest.empty() || itemless) add_slots(route, std::move(rest));
    }
}

/// The items of a slot that are still wanted; they are taken out of `wanted`.
std::vector<Item> StreamMachine::keep_items(Slot& slot, std::vector<Item>& wanted) {
    std::map<std::string_view, std::size_t> places;
    for (std::size_t i = 0; i < wanted.size(); ++i) places.emplace(wanted[i].text, i);
    std::vector<bool> taken(wanted.size());
    std::vector<Item> kept;
    for (const Item& item : *slot.items) {
        const auto place = places.find(item.text);
        if (place == places.end() || !(wanted[place->second] == item)) continue;
        kept.push_back(item);
        taken[place->second] = true;
    }
    std::vector<Item> rest;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (!taken[i]) rest.push_back(std::move(wanted[i]));
    }
    wanted = std::move(rest);
    return kept;
}

void StreamMachine::renew(Slot& slot, std::vector<Item> items) {
    if (items == *slot.items) return;
    slot.items = std::make_shared<const std::vector<Item>>(std::move(items));
    if (slot.candidate) {
        slot.rotate = desk_.arm(TimerKind::Rotate, slot.number, desk_.def->alive.overlap + 1s);
    } else {
        rotate(slot, "the list of items changed");
    }
}

void StreamMachine::add_slots(std::size_t route, std::vector<Item> items) {
    const std::size_t most = desk_.def->shard.items == 0 ? items.size() : desk_.def->shard.items;
    std::vector<const Template*> urls;
    if (route < desk_.def->shard.route.size()) {
        urls.push_back(&desk_.def->shard.route[route].url);
    } else {
        for (const Template& url : desk_.def->url) urls.push_back(&url);
    }
    const bool race = desk_.def->urls == Urls::Race && urls.size() > 1;
    std::size_t begin = 0;
    do {
        if (slots_.size() >= kSlotsMax) {
            desk_.error(ErrorClass::Definition, "more connections than one source may have");
            return;
        }
        const std::size_t end = std::min(items.size(), begin + most);
        auto share = std::make_shared<const std::vector<Item>>(
            items.begin() + static_cast<std::ptrdiff_t>(begin),
            items.begin() + static_cast<std::ptrdiff_t>(end));
        const std::uint32_t group = next_group_++;
        if (race && desk_.shaper.dedupe() == nullptr) overlaps_.try_emplace(group);
        for (std::size_t i = 0; i < (race ? 2U : 1U); ++i) {
            const std::uint32_t number = next_slot_++;
            Slot& slot = slots_.try_emplace(number, number, desk_.def->backoff).first->second;
            slot.group = group;
            slot.items = share;
            slot.urls = urls;
            slot.url = i;
            routes_[number] = route;
            open(slot, false);
        }
        begin = end;
    } while (begin < items.size());
}

void StreamMachine::remove_slot(std::uint32_t number) {
    Slot& slot = slots_.at(number);
    for (std::unique_ptr<Link>* link : {&slot.primary, &slot.candidate}) {
        if (!*link) continue;
        (*link)->close(1000, "no items left");
        links_.erase(static_cast<std::uint32_t>((*link)->id()));
        desk_.shaper.forget_connection(static_cast<std::uint32_t>((*link)->id()));
        graveyard_.push_back(std::move(*link));
    }
    newest_ = nullptr;
    slots_.erase(number);
    routes_.erase(number);
}

}  // namespace anode::source
