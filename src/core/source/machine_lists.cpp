#include "core/source/machine_lists.hpp"

namespace anode::source {

ItemLists::ItemLists(Desk& desk, Courier& courier, TokenKeeper& token)
    : desk_(desk),
      courier_(courier),
      token_(token),
      lists_(desk.def->items.size()),
      backoff_(desk.def->backoff) {}

std::optional<std::vector<Item>> ItemLists::begin() {
    for (std::size_t i = 0; i < lists_.size(); ++i) {
        if (desk_.def->items[i].fetched) {
            fetch(i);
        } else {
            lists_[i].items = desk_.def->items[i].fixed;
        }
    }
    return all();
}

std::optional<std::vector<Item>> ItemLists::all() {
    std::vector<std::vector<Item>> fetched;
    for (const List& list : lists_) {
        if (!list.items) return std::nullopt;
        fetched.push_back(*list.items);
    }
    auto items = product(desk_.def->items, fetched);
    if (!items) {
        desk_.error(ErrorClass::Definition, items.error().what);
        return std::nullopt;
    }
    if (items->empty() && !lists_.empty()) {
        desk_.error(ErrorClass::Definition, "the list of items is empty");
        desk_.enter(State::Pending, "no items");
        return std::nullopt;
    }
    complete_ = true;
    return std::move(*items);
}

void ItemLists::fetch(std::size_t list) {
    const ItemList::Fetched& source = *desk_.def->items[list].fetched;
    Wanted wanted;
    wanted.url = &source.get;
    wanted.with_query = wanted.with_headers = false;
    wanted.oauth_token = token_.want().value_or(std::string_view{});
    auto outgoing = assemble(desk_, wanted, desk_.rng);
    if (!outgoing) {
        failed(list, outgoing.error().what);
        return;
    }
    courier_.ask({Purpose::Kind::Items, static_cast<std::uint32_t>(list), {}},
                 to_request(desk_, std::move(*outgoing)));
}

std::optional<std::vector<Item>> ItemLists::answered(std::size_t list, const in::Answered& answer) {
    if (answer.status < 200 || answer.status >= 300) {
        failed(list, "HTTP " + std::to_string(answer.status));
        return std::nullopt;
    }
    json::Document document;
    if (const auto parsed = document.parse(answer.body); !parsed) {
        failed(list, parsed.error().what);
        return std::nullopt;
    }
    auto items = read_items(desk_.def->items[list], document.root());
    if (!items) {
        failed(list, items.error().what);
        return std::nullopt;
    }
    backoff_.reset();
    due_.reset();
    const bool changed = lists_[list].items != *items;
    lists_[list].items = std::move(*items);
    lists_[list].timer = desk_.arm(TimerKind::Items, static_cast<std::uint32_t>(list),
                                   desk_.def->items[list].fetched->every);
    if (!changed) return std::nullopt;
    desk_.event("items-fetched",
                desk_.def->items[list].name + ": " + std::to_string(lists_[list].items->size()));
    return all();
}

void ItemLists::failed(std::size_t list, const std::string& why) {
    desk_.error(ErrorClass::Http, "list " + desk_.def->items[list].name + ": " + why);
    const Duration wait = backoff_.next(desk_.rng);
    lists_[list].timer = desk_.arm(TimerKind::Items, static_cast<std::uint32_t>(list), wait);
    if (complete_) return;
    due_ = desk_.now.wall + std::chrono::duration_cast<std::chrono::microseconds>(wait).count();
    desk_.enter(State::Backoff, "the list of items: " + why);
}

void ItemLists::fired(TimerId id) {
    const std::uint32_t list = Timers::owner(id);
    if (list < lists_.size() && lists_[list].timer == id) fetch(list);
}

void ItemLists::reset() {
    lists_.assign(desk_.def->items.size(), {});
    backoff_.reset();
    due_.reset();
    complete_ = false;
}

}  // namespace anode::source
