#include <algorithm>

#include "api/table/operation.hpp"
#include "base/text.hpp"

namespace anode::api {

const Parameter* Operation::parameter(std::string_view name) const noexcept {
    const auto found = std::ranges::find(parameters, name, &Parameter::name);
    return found == parameters.end() ? nullptr : &*found;
}

std::string Operation::id() const {
    std::string text = text::lower(name(method));
    bool gap = true;
    for (const char c : path) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (letter && gap) text += '_';
        gap = !letter;
        if (letter) text += c;
    }
    return text;
}

std::string_view Operation::tag() const noexcept {
    if (!path.starts_with("/v1/")) return "node";
    const std::string_view rest = path.substr(4);
    return rest.substr(0, rest.find_first_of("/:"));
}

std::span<const Operation> operations() {
    static const std::vector<Operation> rows = [] {
        std::vector<Operation> made;
        table::add_node(made);
        table::add_data(made);
        table::add_objects(made);
        table::add_observe(made);
        table::add_admin(made);
        return made;
    }();
    return rows;
}

const Operation* find_operation(Method method, std::string_view path) noexcept {
    for (const Operation& row : operations())
        if (row.method == method && row.path == path) return &row;
    return nullptr;
}

std::string_view role_letter(Role role) noexcept {
    constexpr std::string_view kLetters[] = {"-", "any", "V", "S", "P", "O", "A"};
    return kLetters[static_cast<std::size_t>(role)];
}

}  // namespace anode::api
