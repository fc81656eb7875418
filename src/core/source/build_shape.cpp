#include <memory>

#include "core/source/build.hpp"

namespace anode::source {

std::string_view name(FrameKind kind) noexcept {
    constexpr std::string_view kNames[] = {"data",    "heartbeat",   "ack",        "notice",
                                           "ignore",  "error.fatal", "error.item", "error.ignore",
                                           "unknown", "garbage"};
    return kNames[static_cast<std::size_t>(kind)];
}

namespace {

void build_kind(const json::Value& v, MapSpec& made) {
    if (v.is_object()) {
        set(v["at"], made.kind);
        made.kind_delete = texts_of(v["delete"]);
        made.kind_snapshot = texts_of(v["snapshot"]);
        made.kind_retract = texts_of(v["retract"]);
    } else {
        set(v, made.kind);
    }
}

void build_map(const json::Value& v, MapSpec& made) {
    for (const auto& [key, to] : {std::pair("key", &made.key), std::pair("id", &made.id),
                                  std::pair("version", &made.version)}) {
        if (!v[key].is_null()) *to = selectors_of(v[key]);
    }
    set(v["time"], made.time);
    set(v["unit"], made.unit,
        {{"auto", TimeUnit::Auto},
         {"s", TimeUnit::Seconds},
         {"ms", TimeUnit::Millis},
         {"us", TimeUnit::Micros},
         {"ns", TimeUnit::Nanos},
         {"rfc3339", TimeUnit::Rfc3339}});
    build_kind(v["kind"], made);
    set(v["data"], made.data);
}

Columns columns_of(const json::Value& v) {
    Columns made;
    if (v.is_object()) {
        made.parallel = path_of(v["parallel"]);
    } else {
        made.names = texts_of(v);
    }
    return made;
}

/// In a list the last step of the path is the field's name: `arg.instId` becomes `instId`.
std::vector<Parent> parents_of(const json::Value& v) {
    std::vector<Parent> made;
    each(v, [&](const json::Value& from) {
        std::string name = v.is_array() ? from.string() : from.name();
        if (v.is_array()) name.erase(0, name.rfind('.') + 1);
        made.push_back({std::move(name), selector_of(from)});
    });
    return made;
}

/// What `v` says, over what `made` holds already.
void build_one(const json::Value& v, Shape& made) {
    if (!v["topic"].is_null()) made.topic = template_of(v["topic"], Place::Topic);
    if (!v["rows"].is_null()) made.rows = path_of(v["rows"]);
    if (!v["columns"].is_null()) made.columns = columns_of(v["columns"]);
    if (!v["parent"].is_null()) made.parent = parents_of(v["parent"]);
    set(v["keep_parent"], made.keep_parent);
    build_map(v["map"], made.map);
    if (!v["require"].is_null()) made.require = programs_of(v["require"]);
    if (!v["drop"].is_null()) made.drop = programs_of(v["drop"]);
}

bool has_own_shape(const json::Value& rule) {
    for (const std::string_view key :
         {"topic", "rows", "columns", "parent", "keep_parent", "map", "require", "drop"}) {
        if (!rule[key].is_null()) return true;
    }
    return false;
}

ClassifyRule rule_of(const json::Value& v, const Shape& common) {
    ClassifyRule made{.match = v["text"].string()};
    if (!v["match"].is_null()) made.match = program_of(v["match"]);
    for (const FrameKind kind :
         {FrameKind::Data, FrameKind::Heartbeat, FrameKind::Ack, FrameKind::Notice,
          FrameKind::Ignore, FrameKind::ErrorFatal, FrameKind::ErrorItem, FrameKind::ErrorIgnore}) {
        if (v["as"].equals(name(kind))) made.as = kind;
    }
    made.item = item_ref_of(v);
    set(v["text_from"], made.text_from);
    set(v["by"], made.by);
    if (has_own_shape(v)) {
        auto shape = std::make_shared<Shape>(common);
        build_one(v, *shape);
        made.shape = std::move(shape);
    }
    return made;
}

}  // namespace

void build_shape(const json::Value& root, Definition& made) {
    each(root["decode"], [&](const json::Value& v) {
        Decode step = Decode::Gzip;
        set(v, step,
            {{"gzip", Decode::Gzip},
             {"zlib", Decode::Zlib},
             {"deflate", Decode::Deflate},
             {"zstd", Decode::Zstd},
             {"base64", Decode::Base64}});
        made.decode.push_back(step);
    });
    build_one(root, made.shape);
    each(root["classify"],
         [&](const json::Value& v) { made.classify.push_back(rule_of(v, made.shape)); });
}

// -- repeats, chains, snapshots -------------------------------------------------------------------------------

namespace {

DedupeSpec dedupe_of(const json::Value& v) {
    DedupeSpec made;
    made.body = v["by"].equals("body");
    if (v["by"].is_array()) {
        each(v["by"], [&](const json::Value& part) {
            if (part.equals("key"))
                made.by.emplace_back(DedupeSpec::Part::Key);
            else if (part.equals("id"))
                made.by.emplace_back(DedupeSpec::Part::Id);
            else if (part.equals("version"))
                made.by.emplace_back(DedupeSpec::Part::Version);
            else
                made.by.emplace_back(selector_of(part));
        });
    }
    set(v["keep"], made.keep);
    set_size(v["max"], made.max);
    return made;
}

void build_continuity(const json::Value& v, ContinuitySpec& made) {
    using Rule = ContinuitySpec::Rule;
    using Per = ContinuitySpec::Per;
    using OnGap = ContinuitySpec::OnGap;
    set(v["rule"], made.rule,
        {{"none", Rule::None},
         {"+1", Rule::PlusOne},
         {"range", Rule::Range},
         {"previous", Rule::Previous},
         {"counter", Rule::Counter},
         {"parent", Rule::Parent},
         {"monotonic", Rule::Monotonic}});
    set(v["at"], made.at);
    set(v["first"], made.first);
    set(v["last"], made.last);
    set(v["previous"], made.previous);
    set(v["parent"], made.parent);
    set(v["per"], made.per,
        {{"key", Per::Key}, {"connection", Per::Connection}, {"source", Per::Source}});
    if (const auto reset = v["reset_to"].integer())
        made.reset_to = static_cast<std::uint64_t>(*reset);
    set(v["on_gap"], made.on_gap,
        {{"note", OnGap::Note},
         {"snapshot", OnGap::Snapshot},
         {"reconnect", OnGap::Reconnect},
         {"backfill", OnGap::Backfill}});
}

SnapshotSpec snapshot_of(const json::Value& v) {
    SnapshotSpec made;
    if (!v["get"].is_null()) made.get = template_of(v["get"], Place::Url);
    set(v["every"], made.every);
    if (const json::Value align = v["align"]; !align.is_null()) {
        made.align = SnapshotSpec::Align{selector_of(align["at"]), selector_of(align["first"]),
                                         selector_of(align["last"])};
    }
    set(v["settle"], made.settle);
    set(v["retry"], made.retry);
    set(v["in_band"], made.in_band);
    return made;
}

}  // namespace

void build_flow(const json::Value& root, Definition& made) {
    if (!root["dedupe"].is_null()) made.dedupe = dedupe_of(root["dedupe"]);
    build_continuity(root["continuity"], made.continuity);
    if (!root["snapshot"].is_null()) made.snapshot = snapshot_of(root["snapshot"]);
    if (const json::Value v = root["backfill"]; !v.is_null()) {
        BackfillSpec backfill{.get = template_of(v["get"], Place::Url)};
        set(v["page"], backfill.page);
        set(v["by"], backfill.by, {{"id", BackfillSpec::By::Id}, {"time", BackfillSpec::By::Time}});
        made.backfill = std::move(backfill);
    }
}

}  // namespace anode::source
