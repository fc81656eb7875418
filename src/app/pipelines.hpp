#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/doors.hpp"
#include "app/engine.hpp"
#include "app/ledger.hpp"
#include "core/pipeline/pipeline.hpp"
#include "core/state/state.hpp"
#include "store/store.hpp"

namespace anode::app {

class SharedState;

/// A pipeline as a configuration file declares it.
struct DeclaredPipeline {
    Bytes json;
    std::string origin;  ///< `FILE:LINE`
};

/// Complaints about a definition as the API tells them.
std::unexpected<api::Failure> refused_definition(
    const std::vector<pipeline::Complaint>& complaints);

/// The pipelines of the cluster as this node runs them: those of the shared state, the same on all nodes, and those of our
/// configuration file, ours alone, which hide a shared one of the same name. What they do is core/pipeline's.
/// Thread: built and load() before the loop starts, redeclare() on it; the rest from any thread.
class PipelineObjects final : public api::Objects {
public:
    /// Listens to the state: build it before that is restored.
    PipelineObjects(Loop& loop, Engine& engine, SharedState& state, Ledger& ledger,
                    std::string node);

    /// After the state was restored. `store`: of what this node once kept for itself.
    void load(const Store& store, std::vector<DeclaredPipeline> declared);
    void redeclare(std::vector<DeclaredPipeline> declared);

    void list(api::Reply<std::vector<api::Object>> reply) override;
    void get(std::string name, api::Reply<api::Outcome<api::Object>> reply) override;
    void write(api::Write write, api::Reply<api::Outcome<api::Written>> reply) override;
    void remove(std::string name, std::string actor, api::Reply<api::Outcome<void>> reply) override;
    void remove_if(std::string name, std::string etag, std::string actor,
                   api::Reply<api::Outcome<void>> reply) override;
    void act(std::string name, std::string verb, Bytes body, std::string actor,
             api::Reply<api::Outcome<Bytes>> reply) override;

private:
    struct Entry {
        std::string name;
        Bytes json;
        std::shared_ptr<const pipeline::Definition> definition;  ///< none: not of this version
        std::uint64_t version = 1;
        std::string etag;
        state::Stamp stamp;  ///< of a shared one
        std::string origin = "api";
        bool from_file = false;
        bool runs = false;    ///< the engine has it
        std::string refused;  ///< why not
    };
    using Entries = std::map<std::string, Entry, std::less<>>;

    [[nodiscard]] api::Object object(const Entry& entry, bool history = false) const;
    void write_status(json::Writer& out, const Entry& entry) const;
    static Entry shared_entry(const state::Item& item);
    api::Outcome<Entry> asked(const api::Write& write, const Entry* present) const;
    void do_write(const api::Write& write, api::Reply<api::Outcome<api::Written>> reply);
    void wrote(const api::Write& write, const Entry& entry, bool created,
               api::Reply<api::Outcome<api::Written>> reply);
    void do_remove(const std::string& name, std::optional<std::string> if_match,
                   const std::string& actor, api::Reply<api::Outcome<void>> reply);
    void do_test(const std::string& name, const Bytes& body, api::Reply<api::Outcome<Bytes>> reply);

    void take(const state::Item& item);
    void run(Entry& entry);
    void halt(Entry& entry);
    void choose();

    Loop& loop_;
    Engine& engine_;
    SharedState& state_;
    Ledger& ledger_;
    std::string node_;
    Entries entries_;
};

}  // namespace anode::app
