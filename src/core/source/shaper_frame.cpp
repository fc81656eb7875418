#include <utility>

#include "base/text.hpp"
#include "core/source/rows.hpp"
#include "core/source/shaper_impl.hpp"

/// From a frame to its rows.
namespace anode::source {

bool Shaper::Impl::find_rows(const Plan& way, const Input& input, Shaped& out,
                             std::vector<DeadLetter>& letters) {
    found.clear();
    if (!way.shape->rows) {
        found.push_back(out.frame);
        return true;
    }
    const bool positional = way.shape->columns && !way.shape->columns->names.empty();
    const Ends ends = positional ? Ends::Positional : Ends::Rows;
    const Collected got =
        collect(*way.shape->rows, ends, out.frame, found, definition->limits.rows_per_frame);
    out.rows_cut = got.cut;
    if (!found.empty()) return true;
    if (got.reached && !got.odd) return true;  // an empty list is data without rows
    if (out.rule == nullptr && !input.data_only) {
        out.kind = FrameKind::Unknown;
        return false;
    }
    ++out.rejected;
    reject(
        got.odd ? "`rows` finds a single value where rows were expected" : "`rows` finds nothing",
        out.text, letters);
    return false;
}

/// Positional rows and parallel arrays become objects: text that is made for all rows of the frame and read once.
bool Shaper::Impl::make_columns(const Plan& way, Shaped& out, std::vector<DeadLetter>& letters) {
    const Columns& columns = *way.shape->columns;
    built.clear();
    built += '[';
    bool first_row = true;
    for (const json::Value& row : found) {
        const std::size_t before = built.size();
        if (!std::exchange(first_row, false)) built += ',';
        bool good = true;
        if (columns.parallel) {
            const std::size_t at_list = built.size();
            good = append_parallel(built, columns.parallel->get(row),
                                   definition->limits.rows_per_frame, out.rows_cut);
            if (good && built.size() - at_list > 2) {
                built.erase(at_list, 1);  // the brackets: all rows stand in one list
                built.pop_back();
            } else if (good) {
                built.resize(before);
                first_row = before == 1;
            }
        } else {
            good = append_columns(built, columns.names, row);
        }
        if (good) continue;
        built.resize(before);
        first_row = before == 1;
        ++out.rejected;
        reject(columns.parallel ? "`columns.parallel` finds no arrays"
                                : "a row with `columns` is no array",
               row.raw(), letters);
    }
    built += ']';
    found.clear();
    if (auto parsed = row_document.parse(built, {.depth_max = 66, .members_max = 0}); !parsed) {
        ++out.rejected;
        reject(parsed.error().what, built, letters);
        return false;
    }
    const json::Value list = row_document.root();
    for (json::Value row = list.first(); row; row = row.next_in(list)) found.push_back(row);
    return true;
}

void Shaper::Impl::copy_parents(const Plan& way, const json::Value& frame) {
    const auto& wanted = way.shape->parent;
    parent_texts.resize(wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const json::Value value = wanted[i].from.value(frame);
        if (value.present()) {
            parents.push_back({wanted[i].name, value, {}});
        } else if (auto text = wanted[i].from.text_of(frame)) {
            parent_texts[i] = std::move(*text);
            parents.push_back({wanted[i].name, {}, parent_texts[i]});
        }
    }
}

/// The rows once more, with the copied fields as members behind their own. A row's own member of a name stays.
void Shaper::Impl::merge_parents() {
    merged_text.clear();
    merged_text += '[';
    for (const json::Value& row : found) {
        if (merged_text.size() > 1) merged_text += ',';
        if (!row.is_object()) {
            row.append_compact(merged_text);
            continue;
        }
        row.append_compact(merged_text);
        merged_text.pop_back();
        bool first_member = row.size() == 0;
        for (const NamedValue& copied : parents) {
            if (row.find(copied.name).present()) continue;
            if (!std::exchange(first_member, false)) merged_text += ',';
            text::append_json_string(merged_text, copied.name);
            merged_text += ':';
            if (copied.value.present()) {
                copied.value.append_compact(merged_text);
            } else {
                text::append_json_string(merged_text, copied.text);
            }
        }
        merged_text += '}';
    }
    merged_text += ']';
    merged.clear();
    // One level deeper than the frame was, so one level more is allowed.
    if (!merged_document.parse(merged_text, {.depth_max = 66, .members_max = 0})) return;
    const json::Value list = merged_document.root();
    for (json::Value row = list.first(); row; row = row.next_in(list)) merged.push_back(row);
}

void Shaper::Impl::data(const Input& input, Shaped& out, std::vector<Row>& rows,
                        std::vector<DeadLetter>& letters) {
    const Plan* way = &plan;
    if (out.rule != nullptr) {
        const auto& own =
            rule_plans[static_cast<std::size_t>(out.rule - definition->classify.data())];
        if (own) way = &*own;
    }
    if (!find_rows(*way, input, out, letters)) return;
    out.kind = FrameKind::Data;
    item = item_of(input, out.rule, out.frame);
    if (!way->shape->parent.empty()) copy_parents(*way, out.frame);
    if (way->shape->columns && !make_columns(*way, out, letters)) return;
    const bool merges = way->merges && !parents.empty();
    if (merges) merge_parents();
    const bool seen_merged = merges && merged.size() == found.size();
    for (std::size_t i = 0; i < found.size(); ++i) {
        RowAt here{found[i], seen_merged ? merged[i] : found[i]};
        if (seen_merged && way->shape->keep_parent) here.value = merged[i];
        Row row;
        switch (judge(*way, input, here, row, rows.size())) {
            case Fate::Emit:
                ++out.emitted;
                rows.push_back(row);
                break;
            case Fate::Repeat:
                ++out.repeats;
                break;
            case Fate::Drop:
                ++out.dropped;
                break;
            case Fate::Reject:
                ++out.rejected;
                reject(reason, found[i].raw(), letters);
                break;
        }
    }
    if (out.rows_cut > 0)
        reject(std::to_string(out.rows_cut) + " rows beyond `limits.rows_per_frame` were left out",
               out.text, letters);
}

}  // namespace anode::source
