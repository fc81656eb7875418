#include "core/source/items.hpp"

#include "core/source/rows.hpp"

namespace anode::source {

namespace {

/// One element of a list: a text or number, or a table whose members become `list.member`.
std::optional<Item> read_item(std::string_view list, const json::Value& value) {
    Item item;
    if (auto scalar = value.scalar()) {
        item.text = *scalar;
        item.fields.emplace_back(list, std::move(*scalar));
        return item;
    }
    if (!value.is_object()) return std::nullopt;
    for (json::Value member = value.first(); member; member = member.next_in(value)) {
        auto scalar = member.scalar();
        if (!scalar) return std::nullopt;
        if (!item.text.empty()) item.text += ' ';
        item.text += *scalar;
        item.fields.emplace_back(std::string(list) + "." + member.name(), std::move(*scalar));
    }
    if (item.fields.empty()) return std::nullopt;
    return item;
}

}  // namespace

Result<std::vector<Item>> read_item_array(std::string_view list, const json::Value& array) {
    std::vector<Item> items;
    for (json::Value v = array.first(); v; v = v.next_in(array)) {
        if (items.size() == kItemsMax)
            return fail(Errc::TooLarge, "list `" + std::string(list) + "` has too many items");
        auto item = read_item(list, v);
        if (!item)
            return fail(Errc::Malformed, "an item of list `" + std::string(list) +
                                             "` is no text, number or flat table");
        items.push_back(std::move(*item));
    }
    return items;
}

Result<std::vector<Item>> read_items(const ItemList& list, const json::Value& body) {
    const auto no_array = [&] {
        return fail(Errc::Malformed, "`select` of list `" + list.name + "` finds no array");
    };
    if (!list.fetched) return list.fixed;
    const auto* path = std::get_if<expr::Path>(&list.fetched->select);
    if (path != nullptr) {
        // A path explodes arrays on its way, as `rows` does: `data.symbol` collects every symbol.
        std::vector<json::Value> found;
        collect(*path, Ends::Values, body, found);
        if (found.size() == 1 && found[0].is_array()) return read_item_array(list.name, found[0]);
        std::vector<Item> items;
        for (const json::Value& value : found) {
            auto item = read_item(list.name, value);
            if (!item) return no_array();
            if (items.size() == kItemsMax)
                return fail(Errc::TooLarge, "list `" + list.name + "` has too many items");
            items.push_back(std::move(*item));
        }
        if (items.empty()) return no_array();
        return items;
    }
    Bytes text;
    const auto& program = std::get<expr::Program>(list.fetched->select);
    if (auto written = program.write(expr::Scope{.root = body}, text); !written)
        return std::unexpected(written.error());
    json::Document document;
    if (auto parsed = document.parse(text); !parsed) return std::unexpected(parsed.error());
    if (!document.root().is_array()) return no_array();
    return read_item_array(list.name, document.root());
}

Result<std::vector<Item>> product(const std::vector<ItemList>& lists,
                                  std::span<const std::vector<Item>> fetched) {
    std::vector<Item> items;
    for (std::size_t i = 0; i < lists.size(); ++i) {
        const std::vector<Item>& list =
            lists[i].fetched && i < fetched.size() ? fetched[i] : lists[i].fixed;
        if (i == 0) {
            if (list.size() > kItemsMax) return fail(Errc::TooLarge, "too many items");
            items = list;
            continue;
        }
        if (items.size() * list.size() > kItemsMax)
            return fail(Errc::TooLarge, "the product of the lists has too many items");
        std::vector<Item> wider;
        wider.reserve(items.size() * list.size());
        for (const Item& left : items) {
            for (const Item& right : list) {
                Item& both = wider.emplace_back(left);
                both.text += "/" + right.text;
                both.fields.insert(both.fields.end(), right.fields.begin(), right.fields.end());
            }
        }
        items = std::move(wider);
    }
    return items;
}

namespace {

bool holds_value(const Item& item, std::string_view value) {
    for (const auto& [name, field] : item.fields) {
        if (field == value) return true;
    }
    return false;
}

}  // namespace

std::vector<std::size_t> find_items(const ItemRef& ref, const json::Value& frame,
                                    std::span<const Item> items) {
    std::vector<std::string> values;
    for (const expr::Selector& path : ref.paths) {
        auto value = path.text_of(frame);
        if (!value) return {};
        values.push_back(std::move(*value));
    }
    std::vector<std::size_t> found;
    if (values.empty()) return found;
    for (std::size_t i = 0; i < items.size(); ++i) {
        bool same = true;
        if (ref.spelled) {
            const auto spelled = ref.spelled->text(Context{.items = items.subspan(i, 1)});
            std::string joined = values.front();
            for (std::size_t v = 1; v < values.size(); ++v) joined += ":" + values[v];
            same = spelled && *spelled == joined;
        } else {
            for (const std::string& value : values) same = same && holds_value(items[i], value);
        }
        if (same) found.push_back(i);
    }
    return found;
}

std::string item_json(const Item& item) {
    std::string out;
    json::Writer writer(out);
    writer.begin_object();
    for (const auto& [name, value] : item.fields) writer.member(name, value);
    writer.end_object();
    return out;
}

}  // namespace anode::source
