#include "app/sources/sources.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace anode::app {
namespace {

bool same_feed(const source::Definition& a, const source::Definition& b) {
    return a.type == b.type && a.file.path == b.file.path &&
           std::ranges::equal(a.url, b.url, {}, &source::Template::source,
                              &source::Template::source);
}

}  // namespace

Sources::Sources(SourceWorld world, Engine& engine, Store& store, Ledger& ledger,
                 metrics::Registry& metrics, const source::Secrets& secrets,
                 std::shared_ptr<const EgressPolicy> egress, SharedState& shared, Owners& owners)
    : world_{world,
             engine,
             ledger,
             metrics,
             const_cast<source::Secrets&>(secrets),
             budgets_,
             owners.self().text()},
      store_(store),
      secrets_(secrets),
      egress_(std::move(egress)),
      shared_(shared),
      owners_(owners),
      adopting_(metrics, "declared-source") {
    engine.set_push_target(this);
    engine.on_pressure([this](bool full) {
        for (auto& [name, source] : sources_)
            if (source.runner) source.runner->set_pressure(full);
    });
    shared.on_change("source",
                     [this](const state::Item& item, bool local) { on_item(item, local); });
    shared.on_change("source-restart",
                     [this](const state::Item& item, bool) { on_restart(item.key); });
    shared.on_entry([this](const LogKey&, const Entry& entry) { on_entry(entry); });
    owners.set_work(
        {.prepare = [this](const std::string& source) { prepare(source); },
         .run = [this](const ownership::Run& how) { run(how); },
         .stop = [this](const std::string& source, ownership::StopWhy) { stop(source); }});
}

Sources::~Sources() {
    world_.engine.set_push_target(nullptr);
    world_.engine.on_pressure(nullptr);
}

void Sources::begin(std::map<std::string, source::Restored> restored) {
    running_ = true;
    for (auto& [name, source] : sources_) {
        source.restored = std::move(restored[name]);
        source.position = source.restored.position;
        if (is_pushed(*source.entry.definition) && source.entry.definition->enabled)
            start(source, std::move(source.restored), false);
    }
    tell_owners();
    tick();
    sweep_traces();
}

void Sources::start(Source& source, source::Restored restored, bool held) {
    source.runner =
        std::make_unique<SourceRunner>(world_, source.entry.definition, std::move(restored), held);
    source.runner->start();
    if (world_.engine.pressed()) source.runner->set_pressure(true);
}

/// The series of a source live as long as its definition, over all runners it ever has.
void Sources::forget(const std::string& name) {
    world_.metrics.remove("source", name);
    world_.engine.forget_series(name);
}

/// Ends the runner; the next one goes on where it stood.
void Sources::halt(Source& source) {
    if (!source.runner) return;
    if (!source.runner->held()) {
        source.position = source.runner->position();
        const Bytes* remote = world_.engine.remote_position(source.entry.name);
        source.remote = remote == nullptr ? Bytes() : *remote;
    }
    retire(std::move(source.runner));
}

/// Another definition takes over, from the same position if it reads the same feed.
void Sources::replace(Source& source, SourceEntry entry) {
    const bool fresh = !source.entry.definition;
    const bool same = !fresh && source.entry.json == entry.json;
    const bool stood_by = source.runner && source.runner->held();
    if (!same) halt(source);
    if (!fresh && !same_feed(*source.entry.definition, *entry.definition)) {
        source.position.clear();
        source.restored = {};
    }
    source.entry = std::move(entry);
    const source::Definition& definition = *source.entry.definition;
    if (!same && running_ && definition.enabled && (source.owned || is_pushed(definition)))
        start(source, {.position = source.position, .moved = false, .seen = {}}, false);
    else if (!same && running_ && definition.enabled && stood_by)
        prepare(source.entry.name);  // the owners hear of no end of what was prepared
    tell_owners();
}

void Sources::drop(const std::string& name) {
    const auto found = sources_.find(name);
    if (found == sources_.end()) return;
    retire(std::move(found->second.runner));
    sources_.erase(found);
    told_.erase(name);
    forget(name);
    world_.engine.ride_along({"position", name, std::nullopt});
    tell_owners();
}

/// A runner that ends keeps its connections until they have closed politely.
void Sources::retire(std::unique_ptr<SourceRunner> runner) {
    if (!runner) return;
    runner->retire();
    retired_.push_back(std::move(runner));
    if (std::exchange(sweeping_, true)) return;
    world_.world.loop.after(3s, [this] { sweep_retired(); });
}

void Sources::sweep_retired() {
    const bool too_many = retired_.size() > 1000;
    std::erase_if(retired_, [&](const auto& old) {
        const bool ended = too_many || old->quiet();
        if (ended && !sources_.contains(old->name())) forget(old->name());
        return ended;
    });
    sweeping_ = !retired_.empty();
    if (sweeping_) world_.world.loop.after(3s, [this] { sweep_retired(); });
}

void Sources::end(Duration patience, std::move_only_function<void()> done) {
    running_ = false;
    ended_ = true;
    for (const auto& look : std::exchange(looks_, {}))
        if (const auto running = look.lock()) running->give_up();
    for (auto& [name, source] : sources_)
        if (source.runner) source.runner->stop(true);
    await_quiet(patience, std::move(done));
}

void Sources::await_quiet(Duration left, std::move_only_function<void()> done) {
    const bool quiet = std::ranges::all_of(sources_, [](const auto& entry) {
        return !entry.second.runner || entry.second.runner->quiet();
    });
    if (!quiet && left > 0ns) {
        world_.world.loop.after(20ms, [this, left, done = std::move(done)]() mutable {
            await_quiet(left - 20ms, std::move(done));
        });
        return;
    }
    for (auto& [name, source] : sources_) source.runner.reset();
    retired_.clear();
    done();
}

void Sources::set_egress(std::shared_ptr<const EgressPolicy> egress) {
    egress_ = std::move(egress);
}

Sources::Totals Sources::totals() const {
    Totals totals;
    for (const auto& [name, source] : sources_) {
        ++totals.defined;
        if (source.owned) ++totals.owned;
        if (!source.runner || source.runner->held()) continue;
        if (source.runner->machine().state() == source::State::Live) ++totals.live;
        totals.messages_per_second += source.runner->rate();
    }
    return totals;
}

Duration Sources::longest_window() const {
    Duration longest = 60s;
    for (const auto& [name, source] : sources_) {
        const auto& definition = *source.entry.definition;
        if (definition.dedupe && definition.enabled)
            longest = std::max(longest, definition.dedupe->keep);
    }
    return longest;
}

void Sources::tick() {
    if (!running_) return;
    for (auto& [name, source] : sources_)
        if (source.runner) source.runner->tick();
    share_budgets();
    if (pins_) tell_owners();  // nodes that sources name may have come or gone
    world_.world.loop.after(1s, [this] { tick(); });
}

/// A provider allows so much to the whole cluster: each node takes the part of the sources that it runs.
void Sources::share_budgets() {
    struct Count {
        std::size_t ours = 0, all = 0;
    };
    std::map<std::string, Count> providers;
    for (const auto& [name, source] : sources_) {
        const std::string* provider = source.entry.definition->label("provider");
        if (provider == nullptr || !source.entry.definition->enabled) continue;
        Count& count = providers[*provider];
        // Who stands by has a connection too.
        const auto standby = source.entry.definition->placement.standby;
        count.all += standby == source::Placement::Standby::None ? 1 : 2;
        if (source.owned || source.runner) ++count.ours;
    }
    for (const auto& [provider, count] : providers)
        if (count.ours > 0)
            budgets_.set_share("provider:" + provider,
                               static_cast<double>(count.ours) / static_cast<double>(count.all));
}

}  // namespace anode::app
