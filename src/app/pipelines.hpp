#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/doors.hpp"
#include "app/engine.hpp"
#include "app/ledger.hpp"
#include "core/pipeline/pipeline.hpp"
#include "store/store.hpp"

namespace anode::app {

/// A pipeline as a configuration file declares it.
struct DeclaredPipeline {
    Bytes json;
    std::string origin;  ///< `FILE:LINE`
};

/// The pipelines of this node as stored objects. What they do is core/pipeline's.
/// Thread: load() before the loop starts, redeclare() on it; the rest from any thread.
class PipelineObjects final : public api::Objects {
public:
    PipelineObjects(Loop& loop, Engine& engine, Store& store, Ledger& ledger, std::string node);

    void load(std::vector<DeclaredPipeline> declared);
    void redeclare(std::vector<DeclaredPipeline> declared);

    void list(api::Reply<std::vector<api::Object>> reply) override;
    void get(std::string name, api::Reply<api::Outcome<api::Object>> reply) override;
    void write(api::Write write, api::Reply<api::Outcome<api::Written>> reply) override;
    void remove(std::string name, std::string actor, api::Reply<api::Outcome<void>> reply) override;
    void act(std::string name, std::string verb, Bytes body, std::string actor,
             api::Reply<api::Outcome<Bytes>> reply) override;

private:
    struct Entry {
        std::string name;
        Bytes json;
        std::shared_ptr<const pipeline::Definition> definition;
        std::uint64_t version = 1;
        std::string origin = "api";
        bool from_file = false;
    };

    [[nodiscard]] api::Object object(const Entry& entry) const;
    [[nodiscard]] std::string etag(const Entry& entry) const;
    api::Outcome<Entry> apply(const api::Write& write, const Entry* present) const;
    void do_write(const api::Write& write, api::Reply<api::Outcome<api::Written>> reply);
    void do_test(const std::string& name, const Bytes& body, api::Reply<api::Outcome<Bytes>> reply);

    Loop& loop_;
    Engine& engine_;
    Store& store_;
    Ledger& ledger_;
    std::string node_;
    std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace anode::app
