#include <algorithm>
#include <utility>

#include "app/sources/sources.hpp"
#include "base/log.hpp"
#include "core/json/json.hpp"

/// What sources have to do with other nodes: definitions of the small state, and who runs what.
namespace anode::app {
namespace {

constexpr std::string_view kEvents = "$sys.event.source";
constexpr const char* kTraces[] = {"owner", "source-restart"};
constexpr Duration kTraceAge = 60s;
constexpr Duration kPreparePatience = 2s, kPrepareLook = 10ms, kAgain = 10s;

bool keeps_connection(const source::Definition& definition) {
    return definition.type == source::Type::Websocket || definition.type == source::Type::Sse;
}

/// A poll has nothing that could be kept open: its standby would only ask as often again.
bool wants_standby(const source::Definition& definition) {
    return keeps_connection(definition) &&
           definition.placement.standby != source::Placement::Standby::None;
}

}  // namespace

// -- definitions -----------------------------------------------------------------------------------

void Sources::on_item(const state::Item& item, bool local) {
    if (!item.value) {
        drop(item.key);
        if (local) remove_traces(item.key);
        if (!local && declared_.contains(item.key)) world_.world.loop.post([this] { declare(); });
        return;
    }
    auto entry = decode_entry(item.key, *item.value);
    if (!entry) {
        log::error("source", "a stored definition cannot be read by this version",
                   {{"source", item.key}, {"err", entry.error().what}});
        return drop(item.key);
    }
    entry->version = item.version;
    entry->stamp = item.stamp.text();
    replace(sources_[item.key], std::move(*entry));
}

/// What the cluster remembers beside a definition goes with it.
void Sources::remove_traces(const std::string& name) {
    for (const char* kind : kTraces)
        if (shared_.find(kind, name) != nullptr)
            shared_.write({.kind = kind, .key = name}, [](const Result<state::Item>&) {});
}

/// Traces that were written while their source was being removed elsewhere, or whose remover died half-way. One node of the
/// cluster looks, so that not all write the same.
void Sources::sweep_traces() {
    world_.world.loop.after(kTraceAge, [this] {
        if (running_) sweep_traces();
    });
    if (!owners_.warm()) return;  // definitions may be missing here that are there
    const auto others = owners_.others_alive();
    if (std::ranges::any_of(others, [&](const NodeId& id) { return id < owners_.self(); })) return;
    const WallTime before = world_.world.loop.now().wall - kTraceAge / 1us;
    std::vector<std::string> gone;
    for (const char* kind : kTraces)
        for (const state::Item* item : shared_.all(kind))
            if (shared_.find("source", item->key) == nullptr && item->stamp.hlc.micros() < before)
                gone.push_back(item->key);
    for (const std::string& name : gone) remove_traces(name);
}

void Sources::on_restart(const std::string& name) {
    const auto found = sources_.find(name);
    if (found != sources_.end() && found->second.owned && found->second.runner)
        found->second.runner->restart();
}

void Sources::load(std::vector<DeclaredSource> declared) {
    world_.world.loop.post([this, declared = std::move(declared)]() mutable {
        take_over_records();
        redeclare(std::move(declared));
    });
}

/// What this node stored before definitions were the cluster's, in the form that registers have.
void Sources::take_over_records() {
    adopt(world_.world.loop, world_.engine, store_, shared_, "source",
          [](BytesView record) -> std::optional<Bytes> {
              json::Document document;
              if (!document.parse(record)) return std::nullopt;
              if (!decode_entry(document.root()["definition"]["name"].string(), record))
                  return std::nullopt;
              return Bytes(record);
          });
}

void Sources::redeclare(std::vector<DeclaredSource> declared) {
    declared_.clear();
    for (DeclaredSource& one : declared) {
        json::Document document;
        if (!document.parse(one.json)) continue;  // the configuration was checked before
        auto definition = check_definition(document.root(), *egress_);
        if (!definition) {
            log::error("source", "a declared source is refused",
                       {{"source", document.root()["name"].string()},
                        {"place", one.origin},
                        {"err", definition.error().detail}});
            continue;
        }
        SourceEntry entry;
        entry.name = (*definition)->name;
        entry.definition = std::move(*definition);
        entry.json = std::move(one.json);
        entry.origin = std::move(one.origin);
        entry.from_file = true;
        entry.declared_by = world_.node;
        declared_[entry.name] = std::move(entry);
    }
    undeclare();
    declare();
}

/// Writes what the state does not hold in this form, in portions: the loop has other work too.
void Sources::declare() {
    std::size_t written = 0, left = 0;
    for (auto& [name, entry] : declared_) {
        const auto found = sources_.find(name);
        if (found != sources_.end()) {
            const SourceEntry& present = found->second.entry;
            const bool ours = present.declared_by == world_.node;
            if (present.from_file && present.json == entry.json &&
                (!ours || present.origin == entry.origin))
                continue;
            entry.moved_to = present.moved_to;
        }
        if (written == kAdoptPortion) {
            ++left;
            continue;
        }
        ++written;
        if (const auto kept = keep(entry, true); !kept) {
            log::error("source", "a declared source could not be shared",
                       {{"source", name}, {"err", kept.error().detail}});
            return declare_again(kAgain);
        }
    }
    adopting_.left(left, world_.world.loop.now().mono);
    if (left > 0) declare_again(1ms);
}

void Sources::declare_again(Duration later) {
    if (std::exchange(declaring_, true)) return;
    world_.world.loop.after(later, [this] {
        declaring_ = false;
        declare();
    });
}

void Sources::undeclare() {
    std::vector<std::string> gone;
    for (const auto& [name, source] : sources_)
        if (source.entry.declared_by == world_.node && !declared_.contains(name))
            gone.push_back(name);
    for (const std::string& name : gone) {
        shared_.write({.kind = "source", .key = name, .value = {}, .revoke = false, .if_stamp = {}},
                      [](const Result<state::Item>&) {});
    }
}

// -- ownership -------------------------------------------------------------------------------------

ownership::SourceFacts Sources::facts_of(const SourceEntry& entry) const {
    const source::Definition& definition = *entry.definition;
    ownership::SourceFacts facts;
    facts.name = entry.name;
    facts.enabled = definition.enabled;
    facts.zone = definition.placement.zone;
    facts.pause_when_isolated =
        definition.placement.on_isolation == source::Placement::OnIsolation::Pause;
    facts.standby = wants_standby(definition);
    const std::string& wish = entry.moved_to.empty() ? definition.placement.node : entry.moved_to;
    if (!wish.empty()) facts.pinned = owners_.find(wish);
    return facts;
}

void Sources::tell_owners() {
    if (!running_ || std::exchange(telling_, true)) return;
    world_.world.loop.post([this] {
        telling_ = false;
        if (!running_) return;
        std::vector<ownership::SourceFacts> all;
        all.reserve(sources_.size());
        pins_ = false;
        for (const auto& [name, source] : sources_) {
            const SourceEntry& entry = source.entry;
            pins_ |= !entry.moved_to.empty() || !entry.definition->placement.node.empty();
            if (!is_pushed(*entry.definition)) all.push_back(facts_of(entry));
        }
        owners_.know(std::move(all));
    });
}

/// A connection is worth opening beforehand where repeats are removed: its rows of the time before it counts are then known for
/// what they are.
void Sources::prepare(const std::string& name) {
    const auto found = sources_.find(name);
    if (found == sources_.end() || !running_) return;
    Source& source = found->second;
    const source::Definition& definition = *source.entry.definition;
    const bool worth_it =
        keeps_connection(definition) && (definition.dedupe || wants_standby(definition));
    if (!worth_it || source.runner) return owners_.prepared(name);
    start(source, resume(source, {.source = name, .term = 0, .position = {}, .takeover = true}),
          true);
    await_prepared(name, world_.world.loop.now().mono);
}

void Sources::await_prepared(const std::string& name, Instant since) {
    const auto found = sources_.find(name);
    if (found == sources_.end()) return;
    const SourceRunner* runner = found->second.runner.get();
    if (runner == nullptr || !runner->held()) return;
    const bool patient = world_.world.loop.now().mono - since < kPreparePatience;
    if (patient && runner->machine().state() != source::State::Live) {
        world_.world.loop.after(kPrepareLook, [this, name, since] { await_prepared(name, since); });
        return;
    }
    owners_.prepared(name);
}

/// Where a feed is taken up: the place of a hand-over is exact; otherwise the newest that we know of.
source::Restored Sources::resume(Source& source, const ownership::Run& how) {
    source::Restored restored = std::exchange(source.restored, {});
    restored.position = source.position;
    if (how.position && !how.position->empty()) {
        restored.position = *how.position;
        return restored;
    }
    const Bytes* remote = world_.engine.remote_position(source.entry.name);
    if (remote != nullptr && *remote != source.remote) {
        restored.position = *remote;
        restored.moved = true;
    }
    restored.moved |= how.takeover;
    return restored;
}

void Sources::run(const ownership::Run& how) {
    const auto found = sources_.find(how.source);
    if (found == sources_.end() || !running_) return;
    Source& source = found->second;
    source.owned = true;
    if (source.runner) return source.runner->release();
    start(source, resume(source, how), false);
}

void Sources::stop(const std::string& name) {
    const auto found = sources_.find(name);
    if (found == sources_.end()) return owners_.stopped(name, {});
    Source& source = found->second;
    const bool ran = std::exchange(source.owned, false);
    halt(source);
    owners_.stopped(name, ran ? source.position : Bytes());
}

// -- what others tell ------------------------------------------------------------------------------

void Sources::on_entry(const Entry& entry) {
    if (entry.topic != kEvents) return;
    json::Document document;
    if (!document.parse(entry.payload)) return;
    const json::Value event = document.root();
    const json::Value state = event["to"];
    if (!state.is_string()) return;
    SourceTold& told = told_[std::string(event["source"].string())];
    if (entry.hlc < told.at) return;
    told = {entry.hlc, std::string(event["node"].string()), std::string(state.string()),
            std::string(event["why"].string())};
}

SourcePlace Sources::place_of(const Source& source) const {
    SourcePlace place;
    if (is_pushed(*source.entry.definition)) {
        place.role = "everywhere";
        place.owner = world_.node;
        place.owner_name = owners_.name_of(owners_.self());
        return place;
    }
    const Owners::View view = owners_.view(source.entry.name);
    place.role = role_name(view.role);
    place.term = view.term;
    if (source.entry.definition->placement.standby != source::Placement::Standby::None)
        place.standby = view.standby ? view.standby->text() : std::string();
    for (const NodeId& node : view.candidates) place.candidates.push_back(node.text());
    if (!view.owner) return place;
    place.owner = view.owner->text();
    place.owner_name = owners_.name_of(*view.owner);
    const auto told = told_.find(source.entry.name);
    if (told != told_.end() && told->second.node == place.owner) place.told = &told->second;
    return place;
}

}  // namespace anode::app
