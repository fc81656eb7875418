#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/doors.hpp"
#include "app/cluster/adopt.hpp"
#include "app/cluster/owners.hpp"
#include "app/cluster/shared_state.hpp"
#include "app/sources/book.hpp"
#include "app/sources/declared.hpp"
#include "app/sources/look.hpp"
#include "app/sources/runner.hpp"
#include "app/sources/view.hpp"
#include "store/store.hpp"

namespace anode::app {

/// All sources of the cluster, and those of them that run here. Definitions lie in the small state, so every node has them all;
/// which one runs where is decided by the owners. Push sources run on every node.
/// Declared: what a file declares is written to the state by the node that reads the file, unless it is there already; it goes
///           when that node's file declares it no longer.
/// Thread:   the constructor before the loop starts; load() before it starts or on it; the API's methods from any thread; the
///           rest on the loop.
class Sources final : public api::Objects, public PushTarget {
public:
    /// Registers with the small state and the owners, so it is built before they are restored and started.
    Sources(SourceWorld world, Engine& engine, Store& store, Ledger& ledger,
            metrics::Registry& metrics, const source::Secrets& secrets,
            std::shared_ptr<const EgressPolicy> egress, SharedState& shared, Owners& owners);
    ~Sources() override;

    /// Takes in what is declared, and what a version without a cluster stored. After the small state was restored.
    void load(std::vector<DeclaredSource> declared);
    /// From now on sources run here. `restored` tells where each one stood.
    void begin(std::map<std::string, source::Restored> restored);
    /// Stops all; `done` runs on the loop when the last connection has closed, at the latest after `patience`.
    void end(Duration patience, std::move_only_function<void()> done);
    /// New declarations of a reload: changed ones restart, vanished ones go.
    void redeclare(std::vector<DeclaredSource> declared);
    void set_egress(std::shared_ptr<const EgressPolicy> egress);
    /// Sources that are defined and, of those that run here, how many are live; for the status page.
    struct Totals {
        std::uint64_t defined = 0, owned = 0, live = 0;
        double messages_per_second = 0;
    };
    [[nodiscard]] Totals totals() const;
    /// The longest time for which some source remembers ids.
    [[nodiscard]] Duration longest_window() const;

    void list(api::Reply<std::vector<api::Object>> reply) override;
    void get(std::string name, api::Reply<api::Outcome<api::Object>> reply) override;
    void write(api::Write write, api::Reply<api::Outcome<api::Written>> reply) override;
    void remove(std::string name, std::string actor, api::Reply<api::Outcome<void>> reply) override;
    void remove_if(std::string name, std::string etag, std::string actor,
                   api::Reply<api::Outcome<void>> reply) override;
    void act(std::string name, std::string verb, Bytes body, std::string actor,
             api::Reply<api::Outcome<Bytes>> reply) override;
    void push(api::Publishing::Push push, api::Reply<Result<api::PublishResult>> reply) override;

private:
    struct Source {
        SourceEntry entry;
        std::unique_ptr<SourceRunner> runner;
        bool owned = false;         ///< we are to run it; a runner without it only stands by
        Bytes position;             ///< of the runner before, for the next one
        Bytes remote;               ///< what other nodes had told when `position` was current
        source::Restored restored;  ///< of the last run of this node, for the first runner
    };

    // sources.cpp
    void start(Source& source, source::Restored restored, bool held);
    void halt(Source& source);
    void replace(Source& source, SourceEntry entry);
    void drop(const std::string& name);
    void retire(std::unique_ptr<SourceRunner> runner);
    void sweep_retired();
    void await_quiet(Duration left, std::move_only_function<void()> done);
    void forget(const std::string& name);
    void tick();
    void share_budgets();

    // sources_cluster.cpp
    void on_item(const state::Item& item, bool local);
    void on_restart(const std::string& name);
    void remove_traces(const std::string& name);
    void sweep_traces();
    void on_entry(const Entry& entry);
    void take_over_records();
    void declare();
    void declare_again(Duration later);
    void undeclare();
    void tell_owners();
    [[nodiscard]] ownership::SourceFacts facts_of(const SourceEntry& entry) const;
    void prepare(const std::string& name);
    void await_prepared(const std::string& name, Instant since);
    void run(const ownership::Run& how);
    void stop(const std::string& name);
    [[nodiscard]] source::Restored resume(Source& source, const ownership::Run& how);
    [[nodiscard]] SourcePlace place_of(const Source& source) const;

    // sources_api.cpp
    [[nodiscard]] api::Object object(const Source& source) const;
    void do_write(api::Write write, api::Reply<api::Outcome<api::Written>> reply);
    void do_remove(const std::string& name, const std::string& etag, const std::string& actor,
                   api::Reply<api::Outcome<void>> reply);
    void do_act(const std::string& name, const std::string& verb, const Bytes& body,
                const std::string& actor, api::Reply<api::Outcome<Bytes>> reply);
    void look_at(const std::string& verb, const Bytes& body, api::Reply<api::Outcome<Bytes>> reply);
    [[nodiscard]] Bytes view() const;  // sources_view.cpp
    api::Outcome<Bytes> look(const Source& source, const std::string& verb) const;
    void change(Source& source, const std::string& verb, const Bytes& body,
                const std::string& actor, api::Reply<api::Outcome<Bytes>> reply);
    api::Outcome<SourceEntry> moved(const Source& source, const Bytes& body) const;
    /// Writes the entry to the small state; the error is the API's. `adopted`: see state::Write.
    api::Outcome<void> keep(const SourceEntry& entry, bool adopted = false);

    RunnerWorld world_;
    Store& store_;
    const source::Secrets& secrets_;
    std::shared_ptr<const EgressPolicy> egress_;
    SharedState& shared_;
    Owners& owners_;
    std::map<std::string, Source, std::less<>> sources_;
    std::map<std::string, SourceEntry> declared_;          ///< by our own file
    std::map<std::string, SourceTold, std::less<>> told_;  ///< what owners on other nodes said last
    std::vector<std::unique_ptr<SourceRunner>> retired_;   ///< closing their connections
    source::Budgets budgets_;
    AdoptProgress adopting_;
    bool running_ = false, ended_ = false;
    bool declaring_ = false;                  ///< the next portion is due
    bool telling_ = false;                    ///< the owners are about to hear of all sources
    bool pins_ = false;                       ///< some source names its node
    bool sweeping_ = false;                   ///< a look at retired_ is due
    std::vector<std::weak_ptr<Look>> looks_;  ///< trials and probes that run
    std::uint32_t trials_ = 0;
};

}  // namespace anode::app
