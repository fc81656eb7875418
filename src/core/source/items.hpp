#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "core/source/definition.hpp"

/// What a source subscribes to. Source: recipes, sections 3 and 4.
namespace anode::source {

inline constexpr std::size_t kItemsMax = 100'000;

/// The product of all lists, in order, the last list fastest. `fetched[i]` stands in for list i if
/// it is fetched. Without lists: empty. TooLarge beyond kItemsMax.
Result<std::vector<Item>> product(const std::vector<ItemList>& lists,
                                  std::span<const std::vector<Item>> fetched = {});

/// Reads the elements of a fetched list from its body. Malformed if `select` finds no array of
/// texts, numbers or tables.
Result<std::vector<Item>> read_items(const ItemList& list, const json::Value& body);

/// The same from the elements of a list that a definition holds.
Result<std::vector<Item>> read_item_array(std::string_view list, const json::Value& array);

/// Indices of the items a frame is about: those of which every value that `ref` finds is a field;
/// none if it finds none.
std::vector<std::size_t> find_items(const ItemRef& ref, const json::Value& frame,
                                    std::span<const Item> items);

/// The item as an object of its fields, for `shard.route`.
std::string item_json(const Item& item);

}  // namespace anode::source
