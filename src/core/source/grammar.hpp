#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "core/json/json.hpp"
#include "core/source/definition.hpp"
#include "core/source/secret.hpp"

/// The grammar of source definitions: one table in code (keys.hpp), from which checking, schema and
/// reference come. Source: recipes.
namespace anode::source {

inline constexpr std::size_t kDefinitionBytesMax = 64 << 10;

/// What is wrong with a definition, and where.
struct Complaint {
    std::string pointer;  ///< RFC 6901, `/connect/0/expect`
    std::string code = "invalid";
    std::string detail;
};

/// Checks and compiles. All complaints at once, in the order of the text; never throws.
std::expected<Definition, std::vector<Complaint>> parse(const json::Value& definition);
/// The same from text; no JSON is one complaint with the pointer "".
std::expected<Definition, std::vector<Complaint>> parse(std::string_view json);

/// JSON Schema, draft 2020-12, of a definition.
std::string json_schema();
/// Every key with type, default and meaning, in Markdown.
std::string reference_markdown();

/// The definition with secrets as {"secret":true,"set":…}, credentials in URLs hidden. Compact
/// JSON. `set` tells whether `secrets` finds it; true if no resolver is given.
Bytes redacted_json(const json::Value& definition, const Secrets* secrets = nullptr);
/// Puts back what redacted_json() hid: where `edited` holds {"secret":true,…}, the value of
/// `stored` at that place. Compact JSON.
Bytes restore_redacted(const json::Value& edited, const json::Value& stored);
/// JSON pointers of all secrets in a definition, for whoever shows or logs it.
std::vector<std::string> secret_places(const json::Value& definition);
/// `wss://host/p?token=~hidden~` for logs and screens: no user-info, no values of parameters that
/// look like secrets.
std::string redacted_url(std::string_view url);

}  // namespace anode::source
