#include "core/source/rows.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace anode::source {

namespace {

struct Collector {
    std::span<const expr::Path::Step> steps;
    Ends ends;
    std::vector<json::Value>& out;
    std::size_t max;
    Collected found{};

    void take(const json::Value& value) {
        if (out.size() < max) {
            out.push_back(value);
        } else {
            ++found.cut;
        }
    }

    void take_end(const json::Value& value) {
        found.reached = true;
        if (value.is_object()) return take(value);
        if (!value.is_array()) {
            if (ends == Ends::Values && !value.is_null()) return take(value);
            found.odd = found.odd || !value.is_null();
            return;
        }
        const json::Value head = value.first();
        if (ends == Ends::Positional && head.present() && !head.is_array() && !head.is_object())
            return take(value);
        for (json::Value v = head; v; v = v.next_in(value)) {
            if (!v.is_null()) take(v);
        }
    }

    /// Recursion is as deep as the path is long: exploding an array does not deepen it twice in a row.
    void walk(const json::Value& value, std::size_t step) {
        if (step == steps.size()) return take_end(value);
        const expr::Path::Step& next = steps[step];
        if (value.is_array()) {
            if (next.is_index) return walk_child(value.at(next.index), step);
            found.reached = found.reached || value.size() == 0;
            for (json::Value v = value.first(); v; v = v.next_in(value)) {
                if (v.is_object()) walk(v, step);
            }
            return;
        }
        if (value.is_object() && next.name == "*") {
            for (json::Value v = value.first(); v; v = v.next_in(value)) walk(v, step + 1);
            return;
        }
        walk_child(value.find(next.name), step);
    }

    void walk_child(const json::Value& child, std::size_t step) {
        if (child.present()) walk(child, step + 1);
    }
};

}  // namespace

Collected collect(const expr::Path& path, Ends ends, const json::Value& from,
                  std::vector<json::Value>& out, std::size_t max) {
    Collector collector{path.steps(), ends, out, max};
    collector.walk(from, 0);
    return collector.found;
}

bool append_columns(std::string& out, const std::vector<std::string>& names,
                    const json::Value& row) {
    if (!row.is_array()) return false;
    out += '{';
    bool first = true;
    json::Value value = row.first();
    for (std::size_t i = 0; i < names.size() && value; ++i, value = value.next_in(row)) {
        if (names[i] == "-") continue;
        if (!std::exchange(first, false)) out += ',';
        text::append_json_string(out, names[i]);
        out += ':';
        value.append_compact(out);
    }
    out += '}';
    return true;
}

bool append_parallel(std::string& out, const json::Value& table, std::size_t rows_max,
                     std::size_t& rows_cut) {
    struct Column {
        std::string name;
        json::Value array, next;
    };
    std::vector<Column> columns;
    std::size_t rows = 0;
    for (json::Value v = table.first(); v; v = v.next_in(table)) {
        if (!v.is_array()) continue;
        columns.push_back({text::json_string(v.name()), v, v.first()});
        rows = std::max<std::size_t>(rows, v.size());
    }
    if (columns.empty() || !table.is_object()) return false;
    rows_cut += rows - std::min(rows, rows_max);
    rows = std::min(rows, rows_max);
    out += '[';
    for (std::size_t i = 0; i < rows; ++i) {
        if (i > 0) out += ',';
        for (std::size_t c = 0; c < columns.size(); ++c) {
            Column& column = columns[c];
            out += c == 0 ? '{' : ',';
            out += column.name;
            out += ':';
            if (column.next) {
                column.next.append_compact(out);
                column.next = column.next.next_in(column.array);
            } else {
                out += "null";
            }
        }
        out += '}';
    }
    out += ']';
    return true;
}

}  // namespace anode::source
