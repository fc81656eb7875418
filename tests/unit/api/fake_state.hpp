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

    void watch_users(TokenWatch watch) override {
        for (const auto& [name, record] : users) watch(name, &record);
        user_watch_ = std::move(watch);
    }
    void put_user(std::string name, Bytes record, Reply<Result<void>> reply) override {
        if (!refusal) return reply(refusal);
        users[name] = record;
        if (user_watch_) user_watch_(name, &record);
        reply({});
    }
    void remove_user(std::string name, Reply<Result<void>> reply) override {
        if (!refusal) return reply(refusal);
        users.erase(name);
        if (user_watch_) user_watch_(name, nullptr);
        reply({});
    }

    std::map<std::string, Bytes> tokens, users;
    std::vector<std::string> lacking;  ///< who never has it in time
    Duration waited{0};
    Result<void> refusal;

private:
    TokenWatch watch_, user_watch_;
};

}  // namespace anode::api
