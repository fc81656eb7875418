#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/doors.hpp"
#include "app/ledger.hpp"
#include "core/json/json.hpp"
#include "store/store.hpp"

namespace anode::app {

/// Which messages are kept how long: rules of the configuration, rules set over the API, and the default last.
/// Thread: any. Source: interfaces, sections 10, 12 and 16.
class RetentionObjects final : public api::Objects {
public:
    RetentionObjects(Store& store, Ledger& ledger);

    /// Takes the rules of the configuration and gives all of them to the store.
    void declare(std::vector<RetentionRule> declared);

    void list(api::Reply<std::vector<api::Object>> reply) override;
    void get(std::string name, api::Reply<api::Outcome<api::Object>> reply) override;
    void write(api::Write write, api::Reply<api::Outcome<api::Written>> reply) override;
    void remove(std::string name, std::string actor, api::Reply<api::Outcome<void>> reply) override;
    void act(std::string name, std::string verb, Bytes body, std::string actor,
             api::Reply<api::Outcome<Bytes>> reply) override;

private:
    [[nodiscard]] static api::Object object(const RetentionRule& rule, std::string_view origin);
    static std::optional<api::Failure> refusal(const api::Write& write,
                                               const RetentionRule* present);
    static api::Outcome<RetentionRule> written_rule(const api::Write& write,
                                                    const json::Value& body,
                                                    const RetentionRule* present);
    void apply_locked();

    Store& store_;
    Ledger& ledger_;
    std::mutex mutex_;
    std::vector<RetentionRule> declared_;
    std::map<std::string, RetentionRule> set_;  ///< over the API; these come first, by name
};

/// `{"topics": …, "age": …, "bytes": …}` as configuration and API write it. All complaints with their pointers.
api::Outcome<RetentionRule> parse_retention(std::string name, const json::Value& tree);

}  // namespace anode::app
