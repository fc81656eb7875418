#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/cli/client.hpp"
#include "core/json/json.hpp"

namespace anode::app {

enum class OutputAs : std::uint8_t { Table, Json, Ndjson };

/// How results reach the person or program that asked: an aligned table on a terminal, tab-separated in a pipe, or the
/// API's own objects. Data goes to standard output, remarks to standard error.
struct Output {
    OutputAs as = OutputAs::Table;
    bool quiet = false;

    /// Members of each item, by path (`last_error.detail`), under headings.
    struct Column {
        std::string heading;
        std::string path;
    };
    /// A list document (`items`), or one object.
    int show(const Tried<Answer>& answer, const std::vector<Column>& columns) const;
    /// Pairs of name and value of one object, a line each.
    int show_object(const Tried<Answer>& answer) const;
    /// Says what was done, unless quiet.
    void remark(std::string_view text) const;
    static int trouble(const Trouble& trouble);
    static void line(std::string_view text);
    /// Rows below a heading: aligned on a terminal, else with tabs between.
    static void table(const std::vector<std::vector<std::string>>& rows);
};

bool on_terminal();
/// A scalar as text, anything else as compact JSON; control characters made visible.
std::string cell(const json::Value& value);

}  // namespace anode::app
