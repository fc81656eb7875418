#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/text.hpp"
#include "core/json/json.hpp"
#include "core/source/check.hpp"
#include "core/source/definition.hpp"

/// From a checked definition to the structs. Everything here may assume that check_table() and check_sense() found
/// nothing; what is absent keeps the default of its struct. Only for this folder.
namespace anode::source {

void build_connection(const json::Value& root, Definition& made);
void build_stream(const json::Value& root, Definition& made);
void build_shape(const json::Value& root, Definition& made);
void build_flow(const json::Value& root, Definition& made);
void build_poll(const json::Value& root, Definition& made);
void build_care(const json::Value& root, Definition& made);
void build_auth(const json::Value& root, Definition& made);
void build_other(const json::Value& root, Definition& made);

// -- values ---------------------------------------------------------------------------------------------------

/// A text, or a number or truth value as written.
inline std::string scalar_text(const json::Value& v) { return v.scalar().value_or(std::string()); }
inline expr::Path path_of(const json::Value& v) { return expr::Path::parse(v.string()).value(); }
inline expr::Selector selector_of(const json::Value& v) {
    return expr::Selector::parse(v.string()).value();
}
inline expr::Program program_of(const json::Value& v) {
    return expr::Program::compile(v.string()).value();
}
inline Template template_of(const json::Value& v, Place place = Place::Text) {
    return Template::parse(scalar_text(v), place).value();
}

Filler filler_of(const json::Value& v);
MessageTemplate message_of(const json::Value& v);
std::variant<std::string, expr::Program> expect_of(const json::Value& v);
std::vector<expr::Selector> selectors_of(
    const json::Value& v);  ///< of one path or a list; empty if absent
std::vector<expr::Program> programs_of(const json::Value& v);
std::vector<std::string> texts_of(const json::Value& v);
std::optional<ItemRef> item_ref_of(const json::Value& table);  ///< from `item` and `item_as`
std::vector<Header> headers_of(const json::Value& v);

template <class Visit>
void each(const json::Value& list, const Visit& visit) {
    if (!list.is_array() && !list.is_object()) return;
    for (json::Value v = list.first(); v; v = v.next_in(list)) {
        if (!v.is_null()) visit(v);
    }
}

// -- members of a table; absent ones leave `to` alone ---------------------------------------------------------

inline void set(const json::Value& v, bool& to) { to = v.boolean().value_or(to); }
inline void set(const json::Value& v, std::string& to) {
    if (!v.is_null()) to = scalar_text(v);
}
inline void set(const json::Value& v, std::uint32_t& to) {
    to = static_cast<std::uint32_t>(v.integer().value_or(to));
}
inline void set_size(const json::Value& v, std::uint64_t& to) {
    if (!v.is_null()) to = text::parse_size(scalar_text(v)).value_or(to);
}
inline void set(const json::Value& v, Duration& to) {
    if (!v.is_null()) to = text::parse_duration(scalar_text(v)).value_or(to);
}
inline void set(const json::Value& v, std::optional<Duration>& to) {
    if (!v.is_null()) to = text::parse_duration(scalar_text(v));
}
inline void set(const json::Value& v, std::optional<Rate>& to) {
    if (!v.is_null()) to = parse_rate(v.string());
}
inline void set(const json::Value& v, std::optional<expr::Selector>& to) {
    if (!v.is_null()) to = selector_of(v);
}
inline void set(const json::Value& v, std::optional<expr::Program>& to) {
    if (!v.is_null()) to = program_of(v);
}

template <class Enum>
using Words = std::initializer_list<std::pair<std::string_view, Enum>>;
template <class Enum>
void set(const json::Value& v, Enum& to, Words<Enum> words) {
    for (const auto& [word, value] : words) {
        if (v.equals(word)) to = value;
    }
}

}  // namespace anode::source
