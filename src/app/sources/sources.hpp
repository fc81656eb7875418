#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/doors.hpp"
#include "app/sources/book.hpp"
#include "app/sources/look.hpp"
#include "app/sources/runner.hpp"
#include "store/store.hpp"

namespace anode::app {

/// A source as a configuration file declares it.
struct DeclaredSource {
    Bytes json;
    std::string origin;  ///< `FILE:LINE`
};

/// All sources of this node: what is defined, and what runs.
/// Thread: start() before the loop starts or on it; the rest of the public face from any thread.
class Sources final : public api::Objects, public PushTarget {
public:
    Sources(SourceWorld world, Engine& engine, Store& store, Ledger& ledger,
            metrics::Registry& metrics, const source::Secrets& secrets,
            std::shared_ptr<const EgressPolicy> egress, std::string node);
    ~Sources() override;

    /// Loads what is stored and declared. Sources begin to run with begin().
    void load(std::vector<DeclaredSource> declared);
    /// Starts what is enabled. `restored` tells where each one stood.
    void begin(std::map<std::string, source::Restored> restored);
    /// Stops all; `done` runs on the loop when the last connection has closed, at the latest after `patience`.
    void end(Duration patience, std::move_only_function<void()> done);
    /// New declarations of a reload: changed ones restart, vanished ones go.
    void redeclare(std::vector<DeclaredSource> declared);
    void set_egress(std::shared_ptr<const EgressPolicy> egress);
    /// Sources that run and, of those, are live; for the status page.
    struct Totals {
        std::uint64_t defined = 0, live = 0;
        double messages_per_second = 0;
    };
    [[nodiscard]] Totals totals() const;  ///< on the loop
    /// The longest time for which some source remembers ids.
    [[nodiscard]] Duration longest_window() const;

    void list(api::Reply<std::vector<api::Object>> reply) override;
    void get(std::string name, api::Reply<api::Outcome<api::Object>> reply) override;
    void write(api::Write write, api::Reply<api::Outcome<api::Written>> reply) override;
    void remove(std::string name, std::string actor, api::Reply<api::Outcome<void>> reply) override;
    void act(std::string name, std::string verb, Bytes body, std::string actor,
             api::Reply<api::Outcome<Bytes>> reply) override;
    void push(api::Publishing::Push push, api::Reply<Result<api::PublishResult>> reply) override;

private:
    struct Source {
        SourceEntry entry;
        std::unique_ptr<SourceRunner> runner;
        Bytes position;  ///< of the runner before, for the next one
    };

    [[nodiscard]] api::Object object(const Source& source) const;
    void do_write(api::Write write, api::Reply<api::Outcome<api::Written>> reply);
    void do_act(const std::string& name, const std::string& verb, const Bytes& body,
                const std::string& actor, api::Reply<api::Outcome<Bytes>> reply);
    api::Outcome<Bytes> look(const Source& source, const std::string& verb) const;
    void change(Source& source, const std::string& verb, const Bytes& body,
                const std::string& actor, api::Reply<api::Outcome<Bytes>> reply);
    void set_enabled(Source& source, bool enabled);
    void store_entry(const SourceEntry& entry);
    void run(Source& source, source::Restored restored = {});
    void halt(Source& source);
    void replace(Source& source, SourceEntry entry);
    void retire(std::unique_ptr<SourceRunner> runner);
    void sweep_retired();
    void await_quiet(Duration left, std::move_only_function<void()> done);
    void forget(const std::string& name);
    void tick();

    RunnerWorld world_;
    Store& store_;
    const source::Secrets& secrets_;
    std::shared_ptr<const EgressPolicy> egress_;
    std::map<std::string, Source, std::less<>> sources_;
    std::vector<std::unique_ptr<SourceRunner>> retired_;  ///< closing their connections
    source::Budgets budgets_;
    bool running_ = false, ended_ = false;
    bool sweeping_ = false;                   ///< a look at retired_ is due
    std::vector<std::weak_ptr<Look>> looks_;  ///< trials and probes that run
    std::uint32_t trials_ = 0;
};

}  // namespace anode::app
