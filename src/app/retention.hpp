#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/doors.hpp"
#include "app/engine.hpp"
#include "app/ledger.hpp"
#include "core/json/json.hpp"
#include "core/state/state.hpp"
#include "store/store.hpp"

namespace anode::app {

class SharedState;

/// Which messages are kept how long: rules of the cluster first, by name, which are the same on all nodes; then those of our
/// configuration, ours alone; and the default last.
/// Thread: built and load() before the loop starts; the rest from any thread. Source: interfaces, sections 10, 12 and 16.
class RetentionObjects final : public api::Objects {
public:
    /// Listens to the state: build it before that is restored.
    RetentionObjects(Loop& loop, Engine& engine, SharedState& state, Store& store, Ledger& ledger);

    /// After the state was restored: gives all rules to the store for the first time.
    void load(std::vector<RetentionRule> declared);
    /// Takes the rules of the configuration.
    void declare(std::vector<RetentionRule> declared);

    void list(api::Reply<std::vector<api::Object>> reply) override;
    void get(std::string name, api::Reply<api::Outcome<api::Object>> reply) override;
    void write(api::Write write, api::Reply<api::Outcome<api::Written>> reply) override;
    void remove(std::string name, std::string actor, api::Reply<api::Outcome<void>> reply) override;
    void remove_if(std::string name, std::string etag, std::string actor,
                   api::Reply<api::Outcome<void>> reply) override;
    void act(std::string name, std::string verb, Bytes body, std::string actor,
             api::Reply<api::Outcome<Bytes>> reply) override;

private:
    struct Shared {
        RetentionRule rule;
        std::uint64_t version = 1;
        std::string etag;
    };
    [[nodiscard]] static api::Object object(const Shared& shared,
                                            const std::vector<state::Earlier>* history = nullptr);
    [[nodiscard]] std::optional<api::Failure> refusal(const api::Write& write,
                                                      const Shared* present) const;
    static api::Outcome<RetentionRule> asked(const api::Write& write, const json::Value& body,
                                             const Shared* present);
    [[nodiscard]] bool declares(std::string_view name) const;
    void take(const state::Item& item);
    void apply_locked();
    void do_get(const std::string& name, api::Reply<api::Outcome<api::Object>> reply);
    void do_write(api::Write write, api::Reply<api::Outcome<api::Written>> reply);
    void do_remove(const std::string& name, const std::string& etag, const std::string& actor,
                   api::Reply<api::Outcome<void>> reply);

    Loop& loop_;
    Engine& engine_;
    SharedState& state_;
    Store& store_;
    Ledger& ledger_;
    mutable std::mutex mutex_;  ///< guards what follows
    bool loaded_ = false;
    std::vector<RetentionRule> declared_;
    std::map<std::string, Shared, std::less<>> shared_;  ///< changed on the engine's thread only
};

/// `{"topics": …, "age": …, "bytes": …}` as configuration and API write it. All complaints with their pointers.
api::Outcome<RetentionRule> parse_retention(std::string name, const json::Value& tree);

}  // namespace anode::app
