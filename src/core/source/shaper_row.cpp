#include <algorithm>

#include "base/text.hpp"
#include "core/message/topic.hpp"
#include "core/source/shaper_impl.hpp"
#include "core/source/source_time.hpp"

/// From a row to a message.
namespace anode::source {

namespace {

/// Between the parts of a content id: no feed has it inside an id.
constexpr char kBetween = '\x1f';

}  // namespace

std::optional<std::string_view> Shaper::Impl::text_of(const Field& field, const RowAt& here,
                                                      std::string& space) const {
    json::Value value = field.selector.value(here.value);
    if (!value.present() && !parents.empty()) {
        for (const NamedValue& copied : parents) {
            if (copied.name != field.name) continue;
            if (!copied.value.present()) return copied.text;
            value = copied.value;
            break;
        }
    }
    if (value.present()) return value.scalar_view(space);
    if (!field.computed) return std::nullopt;
    auto text = field.selector.text_of(here.seen);
    if (!text) return std::nullopt;
    space = std::move(*text);
    return space;
}

/// The values of all fields, joined with `:`; empty if one is missing.
std::string_view Shaper::Impl::joined(const std::vector<Field>& fields, const RowAt& here) {
    if (fields.empty()) return {};
    if (fields.size() == 1) {
        const auto text = text_of(fields.front(), here, scratch);
        return text ? arena.copy(*text) : std::string_view();
    }
    join_scratch.clear();
    for (const Field& field : fields) {
        const auto text = text_of(field, here, scratch);
        if (!text) return {};
        if (&field != &fields.front()) join_scratch += ':';
        join_scratch += *text;
    }
    return arena.copy(join_scratch);
}

Kind Shaper::Impl::kind_of(const Plan& way, const RowAt& here) {
    const auto text = text_of(*way.kind, here, scratch);
    if (!text) return Kind::Set;
    const MapSpec& map = way.shape->map;
    const auto among = [&](const std::vector<std::string>& words) {
        return std::ranges::find(words, *text) != words.end();
    };
    if (among(map.kind_delete)) return Kind::Delete;
    if (among(map.kind_snapshot)) return Kind::Snapshot;
    if (among(map.kind_retract)) return Kind::Retract;
    if (!map.kind_delete.empty() || !map.kind_snapshot.empty() || !map.kind_retract.empty())
        return Kind::Set;
    return parse_kind(*text).value_or(Kind::Set);
}

bool Shaper::Impl::is_snapshot(const RowAt& here) const {
    return definition->snapshot && definition->snapshot->in_band &&
           definition->snapshot->in_band->holds(expr::Scope{.root = here.seen});
}

void Shaper::Impl::read_fields(const Plan& way, const Input& input, const RowAt& here, Row& row) {
    row.flags = input.flags;
    row.value = here.value;
    row.key = joined(way.key, here);
    row.id = joined(way.id, here);
    row.version = joined(way.version, here);
    if (way.time) {
        if (const auto time = text_of(*way.time, here, scratch))
            row.source_time = parse_source_time(*time, way.shape->map.unit);
    }
    if (way.kind) row.kind = kind_of(way, here);
    if (is_snapshot(here)) row.kind = Kind::Snapshot;
    if (input.kind) row.kind = *input.kind;
    if (item != nullptr) row.item = arena.copy(item->text);
    if (!position) return;
    auto where = text_of(*position, here, scratch);
    if (!where) where = position->selector.value(frame_document.root()).scalar_view(scratch);
    if (where) row.position = arena.copy(*where);
}

std::optional<Hash128> Shaper::Impl::content_id(const Row& row, const RowAt& here) {
    if (definition->dedupe->body) return hash128(row.payload, id_seed);
    join_scratch.clear();
    for (const auto& part : dedupe_by) {
        std::string_view text;
        if (const auto* field = std::get_if<Field>(&part)) {
            const auto value = text_of(*field, here, scratch);
            if (!value) return std::nullopt;
            text = *value;
        } else {
            const auto which = std::get<DedupeSpec::Part>(part);
            text = which == DedupeSpec::Part::Key  ? row.key
                   : which == DedupeSpec::Part::Id ? row.id
                                                   : row.version;
            if (text.empty()) return std::nullopt;
        }
        join_scratch += text;
        join_scratch += kBetween;
    }
    return hash128(join_scratch, id_seed);
}

Verdict Shaper::Impl::keep(Verdict verdict) {
    verdict.seen = arena.copy(verdict.seen);
    verdict.came = arena.copy(verdict.came);
    return verdict;
}

Verdict Shaper::Impl::check_chain(const Input& input, const RowAt& here, const Row& row,
                                  std::size_t index) {
    const auto read = [&](const std::optional<Field>& field, std::size_t space) {
        return field ? text_of(*field, here, number_scratch[space]) : std::nullopt;
    };
    const Continuity::Numbers numbers{read(at, 0), read(first, 1), read(last, 2), read(previous, 3),
                                      read(parent, 4)};
    if (row.kind == Kind::Snapshot) {
        // A snapshot holds all that came before: the chain goes on behind it.
        const auto& behind = numbers.last ? numbers.last : numbers.at;
        if (behind) continuity.restart(row.key, input.connection, *behind);
        return {};
    }
    const Verdict verdict = continuity.check(row.key, input.connection, numbers);
    if (verdict.flow != Flow::Gap && verdict.flow != Flow::Reset) return verdict;
    breaks.push_back({row.key, keep(verdict), index});
    return breaks.back().verdict;
}

bool Shaper::Impl::make_payload(const Plan& way, const RowAt& here, Row& row, Fate& fate) {
    payload_scratch.clear();
    if (way.shape->map.data) {
        const auto done =
            way.shape->map.data->write(expr::Scope{.root = here.seen}, payload_scratch);
        if (!done) {
            fate = done.error().code == Errc::NotFound ? Fate::Drop : Fate::Reject;
            reason = "map.data: " + done.error().what;
            return false;
        }
    } else {
        here.value.append_compact(payload_scratch);
    }
    if (payload_scratch.size() > kPayloadBytesMax) {
        fate = Fate::Reject;
        reason = "the payload is larger than 1 MiB";
        return false;
    }
    row.payload = arena.copy(payload_scratch);
    return true;
}

bool Shaper::Impl::make_topic(const Plan& way, const Input& input, const RowAt& here, Row& row) {
    topic_scratch.clear();
    Context context{.row = here.value,
                    .parents = parents,
                    .key = row.key,
                    .id = row.id,
                    .version = row.version,
                    .wall = input.wall};
    if (item != nullptr) context.items = std::span(item, 1);
    if (auto done = way.shape->topic.append(topic_scratch, context); !done) {
        reason = "topic: " + done.error().what;
        return false;
    }
    // Feeds have few topics and many messages: what was checked once need not be checked again.
    std::string& known = known_topics[hash64(topic_scratch) % known_topics.size()];
    if (known != topic_scratch) {
        if (auto checked = check_topic(topic_scratch); !checked) {
            reason = "topic: " + checked.error().what;
            return false;
        }
        known = topic_scratch;
    }
    row.topic = arena.copy(topic_scratch);
    return true;
}

Shaper::Impl::Fate Shaper::Impl::judge(const Plan& way, const Input& input, const RowAt& here,
                                       Row& row, std::size_t index) {
    read_fields(way, input, here, row);
    Fate fate = Fate::Emit;
    const bool by_body = dedupe && definition->dedupe->body;
    if (by_body && !make_payload(way, here, row, fate)) return fate;

    // Chains of a connection count everything that came on it; those of a key or source only what is not a repeat.
    const ContinuitySpec& spec = definition->continuity;
    const bool chained = spec.rule != ContinuitySpec::Rule::None &&
                         spec.rule != ContinuitySpec::Rule::Counter && !input.skip_continuity;
    const bool by_connection = spec.per == ContinuitySpec::Per::Connection;
    if (chained && by_connection) row.verdict = check_chain(input, here, row, index);
    if (dedupe) row.cid = content_id(row, here);
    if (row.cid && !input.skip_dedupe && dedupe->contains(*row.cid, input.wall))
        return Fate::Repeat;
    if (chained && !by_connection) row.verdict = check_chain(input, here, row, index);
    if (row.verdict.flow == Flow::Duplicate) return Fate::Repeat;
    if (row.verdict.flow == Flow::Late) row.flags |= flag::kLate;

    const expr::Scope scope{.root = here.seen};
    for (const expr::Program& unwanted : way.shape->drop) {
        if (unwanted.holds(scope)) return Fate::Drop;
    }
    for (const expr::Program& needed : way.shape->require) {
        if (needed.holds(scope)) continue;
        reason = "require: " + needed.text();
        return Fate::Reject;
    }
    if (!make_topic(way, input, here, row)) return Fate::Reject;
    if (!by_body && !make_payload(way, here, row, fate)) return fate;
    if (row.cid && !input.skip_dedupe) dedupe->insert(*row.cid, input.wall);
    return Fate::Emit;
}

}  // namespace anode::source
