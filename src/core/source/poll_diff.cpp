#include "core/source/poll_diff.hpp"

#include "base/hash.hpp"

namespace anode::source {

void Differ::look(Desk& desk, Desk::Mark from) {
    const DiffSpec& spec = *desk.def->poll.diff;
    std::vector<Row>& rows = desk.out->rows;
    std::size_t kept = from.rows;
    for (std::size_t i = from.rows; i < rows.size(); ++i) {
        const Row& row = rows[i];
        const auto id = row.value ? spec.key.text_of(row.value) : std::nullopt;
        const auto version =
            spec.version && row.value ? spec.version->text_of(row.value) : std::nullopt;
        bool fresh = true;
        if (id && (rows_.size() < kRowsMax || rows_.contains(*id))) {
            Known& known = rows_[*id];
            const std::uint64_t now = hash64(version ? std::string_view(*version) : row.payload);
            fresh = known.round == 0 || known.version != now;
            known.version = now;
            known.round = round_;
            known.time = row.source_time;
            if (fresh) {
                known.topic = row.topic;
                known.key = row.key.empty() ? std::string_view(*id) : row.key;
                known.item = row.item;
            }
        }
        if (!fresh) continue;
        if (kept != i) rows[kept] = rows[i];
        ++kept;
    }
    rows.resize(kept);
}

void Differ::finish(Desk& desk) {
    const DiffSpec& spec = *desk.def->poll.diff;
    const Desk::Mark from = desk.mark();
    for (auto place = rows_.begin(); place != rows_.end();) {
        Known& known = place->second;
        if (known.round == round_) {
            ++place;
            continue;
        }
        const bool aged_out =
            spec.window && known.time &&
            std::chrono::microseconds(desk.now.wall - *known.time) >= *spec.window;
        if (spec.vanish == DiffSpec::Vanish::Delete && !aged_out) {
            Row row;
            row.topic = known.topic;
            row.key = known.key;
            row.item = known.item;
            row.kind = Kind::Delete;
            row.payload = "null";
            desk.out->rows.push_back(desk.keep(std::make_unique<KeptRow>(row)));
        }
        place = rows_.erase(place);
    }
    ++round_;
    desk.publish(from);
}

void Differ::give_up() {
    // Rows not reached keep their place: the next whole answer judges them.
    ++round_;
}

}  // namespace anode::source
