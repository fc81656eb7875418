#include "core/source/poll_diff.hpp"

#include "base/hash.hpp"

namespace anode::source {

std::shared_ptr<const Differ::Stored> Differ::read(const std::vector<Restored::Seen>& seen) {
    auto stored = std::make_shared<Stored>();
    for (const Restored::Seen& row : seen) (*stored)[row.cid.high] = row.cid.low;
    return stored;
}

void Differ::look(Desk& desk, Desk::Mark from) {
    const DiffSpec& spec = *desk.def->poll.diff;
    std::vector<Row>& rows = desk.out->rows;
    std::size_t kept = from.rows;
    for (std::size_t i = from.rows; i < rows.size(); ++i) {
        Row& row = rows[i];
        const auto id = row.value ? spec.key.text_of(row.value) : std::nullopt;
        const auto text =
            spec.version && row.value ? spec.version->text_of(row.value) : std::nullopt;
        const std::uint64_t version = hash64(text ? std::string_view(*text) : row.payload);
        if (id && !is_fresh(*id, version, row)) continue;
        // Where nothing else makes content ids, they tell the next run what this one knew.
        if (id && !row.cid) {
            row.cid = Hash128{hash64(*id), version};
            row.flags |= flag::kState;
        }
        if (kept != i) rows[kept] = rows[i];
        ++kept;
    }
    rows.resize(kept);
}

bool Differ::is_fresh(std::string_view id, std::uint64_t version, const Row& row) {
    auto place = rows_.find(id);
    if (place == rows_.end()) {
        if (rows_.size() >= kRowsMax) return true;
        place = rows_.emplace(std::string(id), Known{}).first;
        place->second.topic = row.topic;
        place->second.key = row.key.empty() ? id : row.key;
        place->second.item = row.item;
        if (stored_) {
            const auto stored = stored_->find(hash64(id));
            if (stored != stored_->end()) {
                place->second.version = stored->second;
                place->second.round = round_;
            }
        }
    }
    Known& known = place->second;
    const bool fresh = known.round == 0 || known.version != version;
    known.version = version;
    known.round = round_;
    known.time = row.source_time;
    return fresh;
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
            row.cid = Hash128{hash64(place->first), 0};
            row.flags |= flag::kState;
            desk.out->rows.push_back(desk.keep(std::make_unique<KeptRow>(row)));
        }
        place = rows_.erase(place);
    }
    ++round_;
    stored_.reset();
    desk.publish(from);
}

void Differ::give_up() {
    // Rows not reached keep their place: the next whole answer judges them.
    ++round_;
}

}  // namespace anode::source
