#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace anode::app {

/// Where something stands in a configuration file.
struct Spot {
    std::string file;
    std::uint32_t line = 0, column = 0;

    [[nodiscard]] std::string text() const;  ///< `FILE:LINE:COLUMN`
};

/// What is wrong with a configuration, and where. `place` is a spot, a variable or `--set`.
struct ConfigComplaint {
    std::string place;
    std::string key;  ///< dotted, if one is meant
    std::string detail;
};

/// A TOML value that knows its place; a table that knows the places of its keys.
struct TomlNode {
    enum class Type : std::uint8_t {
        String,
        Integer,
        Float,
        Bool,
        Time,
        Array,
        Table
    } type = Type::Table;
    std::string text;  ///< of a scalar, as JSON would have it (strings without quotes)
    std::vector<TomlNode> items;
    struct Member;
    std::vector<Member> members;  ///< in the order of the file
    Spot spot;

    [[nodiscard]] const TomlNode* find(std::string_view name) const noexcept;
    [[nodiscard]] std::string_view type_name() const noexcept;  ///< "a string", "a list", …
    /// The same tree as JSON. Times become strings.
    void append_json(Bytes& out) const;
    /// The place that a JSON pointer means: of the key if the member is unknown to the reader, else of the value;
    /// the nearest one above if there is no such member.
    [[nodiscard]] Spot place_of(std::string_view pointer, bool of_key) const;
};
struct TomlNode::Member {
    std::string name;
    Spot key;
    TomlNode value;
};

/// Parses a file's text. Errors: the complaint names the place and the reason.
std::expected<TomlNode, ConfigComplaint> parse_toml(std::string_view text, const std::string& file);

}  // namespace anode::app
