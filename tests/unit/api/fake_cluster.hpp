#pragma once

#include <string>
#include <vector>

#include "api/cluster_door.hpp"

namespace anode::api {

/// A cluster that is what the test says. Answers at once, on the thread that asks.
class FakeCluster final : public ClusterDoor {
public:
    explicit FakeCluster(std::string self_id = "n-1") {
        MemberInfo self;
        self.id = std::move(self_id);
        self.name = "n1";
        self.self = true;
        self.version = "1.2.3";
        self.address = "127.0.0.1:7946";
        self.incarnation = 7;
        shown.members.push_back(std::move(self));
    }

    void view(Reply<ClusterView> reply) override {
        if (!is_ending) reply(shown);
    }
    void join(std::vector<std::string> contacts, Reply<Result<void>> reply) override {
        joined = std::move(contacts);
        reply(refusal);
    }
    void leave(Reply<Result<void>> reply) override {
        has_left = refusal.has_value();
        reply(refusal);
    }
    void forget(std::string id, Reply<Result<void>> reply) override {
        forgotten = std::move(id);
        reply(refusal);
    }
    void keys(membership::KeyRequest request, Reply<membership::KeyReport> reply) override {
        asked = std::move(request);
        reply(report);
    }

    ClusterView shown;
    bool is_ending = false;  ///< drops every question
    Result<void> refusal;    ///< of join, leave and forget
    membership::KeyReport report;

    std::vector<std::string> joined;
    bool has_left = false;
    std::string forgotten;
    membership::KeyRequest asked;
};

}  // namespace anode::api
