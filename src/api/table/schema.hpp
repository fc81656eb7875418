#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

/// The documents that are sent and received, described once: JSON Schema and reference are made from it.
/// Source: JSON Schema 2020-12; interfaces, sections 4 and 9.
namespace anode::api {

/// A document. `members` has one line a member: its name, its type, and what it means.
///   name   with `?` behind it: may be missing
///   type   text, time, integer, number, flag, object, any; the name of a schema; `a/b/c`: one of these words; `[…]`: a list;
///          `text<128`: at most so many characters, at least one; with `?` behind it: may be null
struct Schema {
    std::string_view name = {}, text = {}, members = {};
    bool closed = false;  ///< what clients send: unknown members are refused
    Bytes raw = {};       ///< finished JSON Schema, where members do not say it
};

/// One line of `members`, taken apart.
struct Member {
    std::string_view name, type, text;
    bool optional = false;
};
[[nodiscard]] std::vector<Member> members_of(const Schema& schema);

/// All of them, by name.
std::span<const Schema> schemas();
const Schema* find_schema(std::string_view name) noexcept;
/// A schema as JSON; references are to `#/components/schemas/`.
[[nodiscard]] Bytes json_of(const Schema& schema);

/// The families; used by schemas() only.
namespace table {
void add_data_schemas(std::vector<Schema>& all);
void add_object_schemas(std::vector<Schema>& all);
void add_observe_schemas(std::vector<Schema>& all);
void add_admin_schemas(std::vector<Schema>& all);
}  // namespace table

}  // namespace anode::api
