#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "api/doors.hpp"
#include "app/config/config.hpp"
#include "app/engine.hpp"
#include "app/ledger.hpp"

namespace anode::app {

/// The node as the API sees it: facts, health, drain, configuration.
/// Thread: any; the hooks are set before the edge starts.
class NodeFace final : public api::NodeControl {
public:
    struct Hooks {
        std::function<void(bool)> drain;
        std::function<void()> shutdown;
        /// Applies the live keys of a new configuration.
        std::function<void(const Config& next)> apply;
        /// What a new configuration names but cannot be used, such as a broken certificate; nothing is applied then.
        std::function<Result<void>(const Config& next)> prepare;
        std::function<api::Check()> certificate;  ///< of the HTTP port; may be left out
        std::vector<const Loop*> loops;           ///< whose ticks /livez watches
        std::function<api::Check()> cluster;      ///< how the node stands in its cluster; cheap
        std::function<std::string()> recent_log;  ///< the last lines; may be none
    };
    NodeFace(api::NodeFacts facts, Config config, Config::From from, Store& store, Ledger& ledger,
             Engine& engine);

    void set_hooks(Hooks hooks) { hooks_ = std::move(hooks); }
    void set_started() noexcept { started_.store(true); }

    const api::NodeFacts& facts() const override { return facts_; }
    std::vector<api::Check> health() const override;
    bool ready() const override;
    bool draining() const override { return draining_.load(); }
    void drain(bool on, std::string actor) override;
    void shutdown() override { hooks_.shutdown(); }
    Bytes config() const override;
    api::Outcome<Bytes> check_config(std::string_view toml) override;
    void reload(std::string actor, api::Reply<api::Outcome<Bytes>> reply) override;
    Bytes recent_log() const override { return hooks_.recent_log ? hooks_.recent_log() : Bytes(); }
    void system_message(std::string topic, Bytes json) override {
        engine_.system_message(std::move(topic), std::move(json));
    }
    std::string record_gap(std::string_view scope, std::string_view reason,
                           Bytes members) override {
        return ledger_.gap(scope, reason, members);
    }

    /// For the file a SIGHUP names: reload and log what came of it.
    void reload_and_log();

private:
    api::Outcome<Bytes> do_reload();
    void count_reload(std::string_view result);

    api::NodeFacts facts_;
    mutable std::mutex mutex_;
    Config config_;
    const Config started_with_;  ///< what keys that need a restart still are
    Config::From from_;
    Store& store_;
    Ledger& ledger_;
    Engine& engine_;
    Hooks hooks_;
    std::atomic<bool> started_{false}, draining_{false};
};

/// The complaints as the API and the log tell them.
api::Failure failure_of(const std::vector<ConfigComplaint>& complaints);

}  // namespace anode::app
