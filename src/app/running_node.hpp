#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "api/doors.hpp"
#include "app/cluster/forwarding.hpp"
#include "app/cluster/members.hpp"
#include "app/cluster/mesh_face.hpp"
#include "app/cluster/mesh_node.hpp"
#include "app/cluster/owners.hpp"
#include "app/cluster/settling.hpp"
#include "app/cluster/shared_state.hpp"
#include "app/cluster/state_face.hpp"
#include "app/http_tls.hpp"
#include "app/identity.hpp"
#include "app/log_sink.hpp"
#include "app/node.hpp"
#include "app/pipelines.hpp"
#include "app/retention.hpp"
#include "app/run.hpp"
#include "app/sources/sources.hpp"
#include "app/vitals.hpp"
#include "runtime/http_client.hpp"
#include "runtime/resolver.hpp"
#include "runtime/system_secrets.hpp"

namespace anode::app {

/// A node's parts in the order they depend on each other. Built by start(), taken down by end().
class RunningNode {
public:
    explicit RunningNode(RunOptions options) : options_(std::move(options)) {}

    Result<void> start(Loop& main_loop, LogSink& sink);
    ~RunningNode() {
        if (ending_thread_.joinable())
            ending_thread_.join();
        else
            end();
    }
    void on_signal(int signal);

private:
    void end();
    Result<void> start_store(LogSink& sink);
    Result<void> start_mesh();
    Result<void> start_members(Loop& main_loop);
    Result<void> start_edge();
    void start_owners();
    void start_settling();
    void remember(const ownership::Claim& claim);
    [[nodiscard]] Vitals::Cluster cluster_vitals() const;
    void drain_owners(bool on);
    void hand_over_sources();
    void start_sources();
    [[nodiscard]] std::vector<std::string> listening() const;
    void apply(const Config& next);
    void begin_end();

    RunOptions options_;
    metrics::Registry metrics_;
    std::uint64_t memory_ = 0;
    std::unique_ptr<Store> store_;
    Identity identity_;
    api::NodeFacts facts_;
    std::shared_ptr<const EgressPolicy> egress_;
    SystemSecrets secrets_;
    std::unique_ptr<Loop> loop_;
    std::unique_ptr<Resolver> resolver_;
    std::unique_ptr<HttpClient> http_;
    std::unique_ptr<Engine> engine_;
    std::unique_ptr<Ledger> ledger_;
    std::unique_ptr<Sources> sources_;
    std::unique_ptr<PipelineObjects> pipelines_;
    std::unique_ptr<RetentionObjects> retention_;
    std::unique_ptr<NodeFace> face_;
    std::unique_ptr<Vitals> vitals_;
    std::unique_ptr<MeshNode> mesh_;
    std::unique_ptr<MeshFace> mesh_face_;
    std::unique_ptr<Forwarding> forwarding_;
    std::unique_ptr<SharedState> shared_;
    std::unique_ptr<Settling> settling_;
    std::unique_ptr<StateFace> state_face_;
    std::unique_ptr<Owners> owners_;
    std::unique_ptr<Members> members_;
    std::unique_ptr<HttpTls> http_tls_;
    std::unique_ptr<api::Edge> edge_;
    std::thread restoring_, ending_thread_;
    Loop* main_loop_ = nullptr;
    LogSink* sink_ = nullptr;
    bool ending_ = false;
};

}  // namespace anode::app
