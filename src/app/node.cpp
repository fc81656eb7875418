#include "app/node.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"

namespace anode::app {
namespace {

constexpr Duration kTickMax = 5s;

api::Check check(std::string name, bool good, std::string bad_detail, WallTime since,
                 const char* otherwise = "fail") {
    return {std::move(name), good ? "ok" : otherwise, good ? std::string() : std::move(bad_detail),
            since};
}

std::string joined(const std::vector<std::string>& keys) {
    std::string text;
    for (const std::string& key : keys) text.append(text.empty() ? "" : " ").append(key);
    return text;
}

}  // namespace

api::Failure failure_of(const std::vector<ConfigComplaint>& complaints) {
    api::Failure failure{api::Failure::Why::Invalid, {}, {}};
    for (const ConfigComplaint& complaint : complaints) {
        std::string pointer = complaint.key;
        std::ranges::replace(pointer, '.', '/');
        const std::string line = complaint.place + ": " +
                                 (complaint.key.empty() ? "" : complaint.key + ": ") +
                                 complaint.detail;
        failure.detail += (failure.detail.empty() ? "" : "; ") + line;
        failure.errors.push_back(
            {pointer.empty() ? std::string() : "/" + pointer, "invalid", line});
    }
    return failure;
}

NodeFace::NodeFace(api::NodeFacts facts, Config config, Config::From from, Store& store,
                   Ledger& ledger, Engine& engine)
    : facts_(std::move(facts)),
      config_(config),
      started_with_(std::move(config)),
      from_(std::move(from)),
      store_(store),
      ledger_(ledger),
      engine_(engine) {}

std::vector<api::Check> NodeFace::health() const {
    std::vector<api::Check> checks;
    const bool ticking = std::ranges::all_of(
        hooks_.loops, [](const Loop* loop) { return loop->tick_age() < kTickMax; });
    checks.push_back(
        check("loops", ticking, "an event loop has not ticked for 5 s", facts_.started));
    checks.push_back(check("config", true, {}, facts_.started));
    const StoreStats stats = store_.stats();
    checks.push_back(check("store", !stats.full,
                           "the disk is nearly full: durable publishes are refused", facts_.started,
                           "warn"));
    checks.push_back(check("blocks", stats.quarantined == 0,
                           std::to_string(stats.quarantined) + " blocks are quarantined",
                           facts_.started, "warn"));
    checks.push_back(
        check("intake", !engine_.pressed(), "the store cannot keep up", facts_.started, "warn"));
    if (hooks_.cluster) checks.push_back(hooks_.cluster());
    if (hooks_.certificate) checks.push_back(hooks_.certificate());
    checks.push_back(
        check("drain", !draining_.load(), "the node is draining", facts_.started, "warn"));
    return checks;
}

bool NodeFace::ready() const {
    if (!started_.load() || draining_.load()) return false;
    return std::ranges::none_of(health(),
                                [](const api::Check& check) { return check.status == "fail"; });
}

void NodeFace::drain(bool on, std::string actor) {
    if (draining_.exchange(on) == on) return;
    ledger_.audit(actor, on ? "node.drain" : "node.undrain", facts_.id_text);
    ledger_.event("node", std::string("\"state\":\"") + (on ? "draining" : "ready") + "\"");
    log::info("node", on ? "draining" : "no longer draining",
              {{"actor", actor.substr(0, actor.rfind('\t'))}});
    hooks_.drain(on);
}

Bytes NodeFace::config() const {
    const std::lock_guard lock(mutex_);
    return config_json(config_);
}

api::Outcome<Bytes> NodeFace::check_config(std::string_view toml) {
    const auto config = Config::from_text(toml, "request");
    if (!config) return std::unexpected(failure_of(config.error()));
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("valid", true).key("changed").begin_array();
    const std::lock_guard lock(mutex_);
    for (const std::string& key : config_.changed(*config)) out.value(key);
    out.end_array().end_object();
    return json;
}

void NodeFace::reload(std::string actor, api::Reply<api::Outcome<Bytes>> reply) {
    auto outcome = do_reload();
    if (outcome) ledger_.audit(actor, "config.reload", facts_.id_text);
    reply(std::move(outcome));
}

void NodeFace::count_reload(std::string_view result) {
    engine_.metrics()
        .counter("anode_config_reloads_total", "Reloads of the configuration.",
                 {{"result", std::string(result)}})
        .add();
}

api::Outcome<Bytes> NodeFace::do_reload() {
    auto next = Config::load(from_);
    if (!next) {
        count_reload("refused");
        auto failure = failure_of(next.error());
        log::warn("config", "the new configuration is refused; the running one stays",
                  {{"err", failure.detail}});
        return std::unexpected(std::move(failure));
    }
    if (const auto prepared = hooks_.prepare ? hooks_.prepare(*next) : Result<void>(); !prepared) {
        count_reload("refused");
        log::warn("config", "the new configuration is refused; the running one stays",
                  {{"err", prepared.error().what}});
        return std::unexpected(api::Failure{api::Failure::Why::Invalid, prepared.error().what, {}});
    }
    std::vector<std::string> changed, restart;
    {
        const std::lock_guard lock(mutex_);
        changed = config_.changed(*next);
        restart = started_with_.restart_required(*next);
        hooks_.apply(*next);
        config_ = std::move(*next);
    }
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("reloaded", true).key("changed").begin_array();
    for (const std::string& key : changed) out.value(key);
    out.end_array().key("restart_required").begin_array();
    for (const std::string& key : restart) out.value(key);
    out.end_array().end_object();
    count_reload("applied");
    engine_.metrics()
        .gauge("anode_config_restart_required", "Keys that wait for a restart.")
        .set(static_cast<double>(restart.size()));
    log::info("config", "configuration reloaded",
              {{"changed", joined(changed)}, {"restart_required", joined(restart)}});
    return json;
}

void NodeFace::reload_and_log() { (void)do_reload(); }

}  // namespace anode::app
