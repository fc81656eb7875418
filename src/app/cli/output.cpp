#include "app/cli/output.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/text.hpp"

namespace anode::app {
namespace {

json::Value at_path(json::Value value, std::string_view path) {
    for (const std::string_view name : text::split(path, '.')) value = value.find(name);
    return value;
}

/// Characters shown, not bytes.
std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

void print_aligned(const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
    }
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i];
            if (i + 1 < row.size()) line.append(widths[i] - width(row[i]) + 2, ' ');
        }
        Output::line(line);
    }
}

void print_tabs(const std::vector<std::vector<std::string>>& rows) {
    for (const auto& row : rows) {
        std::string line;
        for (const auto& value : row) line.append(&value == &row.front() ? "" : "\t").append(value);
        Output::line(line);
    }
}

}  // namespace

bool on_terminal() { return ::isatty(STDOUT_FILENO) != 0; }

std::string cell(const json::Value& value) {
    if (!value || value.is_null()) return "-";
    if (auto scalar = value.scalar()) return scalar->empty() ? "-" : text::printable(*scalar);
    return text::printable(value.raw());
}

void Output::line(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fputc('\n', stdout);
}

void Output::table(const std::vector<std::vector<std::string>>& rows) {
    if (on_terminal())
        print_aligned(rows);
    else
        print_tabs(rows);
}

void Output::remark(std::string_view text) const {
    if (!quiet) std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
}

int Output::trouble(const Trouble& trouble) {
    std::fflush(stdout);
    const char* prefix = "anode: ";
    for (const std::string_view line : text::split(trouble.text, '\n')) {
        std::fprintf(stderr, "%s%s\n", prefix, text::printable(line).c_str());
        prefix = "";
    }
    return trouble.code;
}

int Output::show(const Tried<Answer>& answer, const std::vector<Column>& columns) const {
    if (!answer) return trouble(answer.error());
    if (as == OutputAs::Json) {
        line(answer->body);
        return exit_code::kDone;
    }
    json::Document document;
    if (const auto parsed = document.parse(answer->body); !parsed)
        return trouble({exit_code::kFailed, "the answer is no JSON: " + parsed.error().what});
    const json::Value root = document.root(), items = root.find("items");
    std::vector<json::Value> list;
    if (items.is_array())
        for (json::Value item = items.first(); item; item = item.next_in(items))
            list.push_back(item);
    else
        list.push_back(root);
    if (as == OutputAs::Ndjson) {
        for (const json::Value& item : list) line(item.raw());
        return exit_code::kDone;
    }
    std::vector<std::vector<std::string>> rows;
    if (on_terminal()) {
        rows.emplace_back();
        for (const Column& column : columns) rows.back().push_back(column.heading);
    }
    for (const json::Value& item : list) {
        rows.emplace_back();
        for (const Column& column : columns)
            rows.back().push_back(cell(at_path(item, column.path)));
    }
    table(rows);
    return exit_code::kDone;
}

int Output::show_object(const Tried<Answer>& answer) const {
    if (!answer || as != OutputAs::Table) return show(answer, {});
    json::Document document;
    if (!document.parse(answer->body))
        return trouble({exit_code::kFailed, "the answer is no JSON"});
    std::vector<std::vector<std::string>> rows;
    const json::Value root = document.root();
    for (json::Value member = root.first(); member; member = member.next_in(root))
        rows.push_back({member.name(), cell(member)});
    table(rows);
    return exit_code::kDone;
}

}  // namespace anode::app
