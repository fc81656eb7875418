#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "api/state_door.hpp"

namespace anode::api {

/// A cluster's state in memory. Answers at once, on the thread that asks.
class FakeState final : public ClusterState {
public:
    void settle(Duration timeout, Reply<std::vector<std::string>> pending) override {
        waited = timeout;
        pending(lacking);
    }
    void watch_tokens(TokenWatch watch) override {
        for (const auto& [id, record] : tokens) watch(id, &record);
        watch_ = std::move(watch);
    }
    void put_token(std::string id, Bytes record, Reply<Result<void>> reply) override {
        if (!refusal) return reply(refusal);
        tokens[id] = record;
        if (watch_) watch_(id, &record);
        reply({});
    }
    void revoke_token(std::string id, Reply<Result<void>> reply) override {
        if (!refusal) return reply(refusal);
        tokens.erase(id);
        if (watch_) watch_(id, nullptr);
        reply({});
    }

    std::map<std::string, Bytes> tokens;
    std::vector<std::string> lacking;  ///< who never has it in time
    Duration waited{0};
    Result<void> refusal;

private:
    TokenWatch watch_;
};

}  // namespace anode::api
