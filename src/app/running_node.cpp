#include "app/running_node.hpp"

#include <unistd.h>

#include <future>

#include "app/restore.hpp"
#include "app/settings.hpp"
#include "base/log.hpp"
#include "base/version.hpp"
#include "runtime/clock.hpp"
#include "runtime/limits.hpp"

/// The order in which a node starts, and what a running one takes from a new configuration.
namespace anode::app {
namespace {

std::string host_name() {
    char name[256] = "node";
    (void)::gethostname(name, sizeof name - 1);
    return name;
}

}  // namespace

Result<void> RunningNode::start(Loop& main_loop, LogSink& sink) {
    main_loop_ = &main_loop;
    sink_ = &sink;
    if (const auto started = start_store(sink); !started) return started;
    LoopOptions loop_options;
    loop_options.name = "engine";
    loop_options.nap_max = 1ms;
    loop_ = std::make_unique<Loop>(loop_options);
    loop_->set_lag_metric(
        &metrics_.histogram("anode_loop_lag_seconds", "Lateness of timers.", {{"loop", "engine"}}));
    resolver_ = std::make_unique<Resolver>(*loop_, egress_);
    http_ = std::make_unique<HttpClient>(*loop_, *resolver_);
    engine_ = std::make_unique<Engine>(*loop_, *store_, metrics_, identity_.node, identity_.epoch);
    engine_->set_default_level(ack_level_of(options_.config));
    ledger_ = std::make_unique<Ledger>(*engine_, facts_.id_text);
    if (const auto started = start_mesh(); !started) return started;
    start_owners();
    start_settling();
    state_face_ = std::make_unique<StateFace>(*loop_, *engine_, *shared_, settling_.get());
    pipelines_ =
        std::make_unique<PipelineObjects>(*loop_, *engine_, *shared_, *ledger_, facts_.id_text);
    retention_ = std::make_unique<RetentionObjects>(*loop_, *engine_, *shared_, *store_, *ledger_);
    face_ = std::make_unique<NodeFace>(facts_, options_.config, options_.from, *store_, *ledger_,
                                       *engine_);
    vitals_ =
        std::make_unique<Vitals>(*loop_, *engine_, *sources_, *store_, metrics_, facts_, memory_);
    vitals_->set_cluster([this] { return cluster_vitals(); });
    engine_->restore();
    if (const auto started = start_members(main_loop); !started) return started;
    http_tls_ = std::make_unique<HttpTls>(options_.config, secrets_);
    face_->set_hooks({.drain =
                          [this](bool on) {
                              engine_->drain(on);
                              members_->set_draining(on);
                              mesh_->drain(on);
                              loop_->post([this, on] { drain_owners(on); });
                          },
                      .shutdown = [this] { main_loop_->post([this] { begin_end(); }); },
                      .apply = [this](const Config& next) { apply(next); },
                      .prepare = [this](const Config& next) { return http_tls_->reload(next); },
                      .certificate = [this] { return http_tls_->health(); },
                      .loops = {loop_.get(), &members_->loop(), &mesh_->loop()},
                      .cluster = [this] { return members_->health(); },
                      .recent_log = [this] { return sink_->recent(); }});
    shared_->restore();
    retention_->load(options_.config.retention);
    pipelines_->load(*store_, std::move(options_.config.pipelines));
    state_face_->adopt_tokens(*store_);
    sources_->load(std::move(options_.config.sources));
    forwarding_->start();
    mesh_->start();
    loop_->start();
    if (const auto started = start_edge(); !started) return started;
    members_->start(edge_->addresses());
    loop_->post([this] { vitals_->start(); });
    start_sources();
    face_->set_started();
    ledger_->event("node", "\"state\":\"started\"");
    log::info("node", "ready",
              {{"http", edge_->addresses().empty() ? "" : edge_->addresses().front()},
               {"name", facts_.name}});
    const char* const scheme = options_.config.given("http.tls.cert") ? "https://" : "http://";
    if (options_.ready) options_.ready(scheme + edge_->addresses().front());
    return {};
}

Result<void> RunningNode::start_store(LogSink& sink) {
    const Config& config = options_.config;
    memory_ = config.size("memory.limit", memory_limit().bytes);
    egress_ = egress_of(config, config.list("http.listen"));
    auto store = open_store(config, metrics_, memory_);
    if (!store) return std::unexpected(store.error());
    store_ = std::move(*store);
    auto identity = begin_run(*store_, config.text("node.data_dir"), wall_now());
    if (!identity) return std::unexpected(identity.error());
    identity_ = *identity;
    facts_.id = identity_.node;
    facts_.id_text = identity_.node.text();
    facts_.name = config.given("node.name") ? config.text("node.name") : host_name();
    facts_.cluster = config.text("gossip.cluster");
    facts_.zone = config.text("node.zone");
    facts_.version = kVersion;
    facts_.started = wall_now();
    sink.set_node(facts_.id_text);
    log::info("store", "opened", {{"directory", config.text("node.data_dir")}});
    return {};
}

/// Sources start when their windows have been read back; listeners are served meanwhile.
void RunningNode::start_sources() {
    std::promise<Duration> longest;
    loop_->post([&] { longest.set_value(sources_->longest_window()); });
    const auto window =
        std::chrono::duration_cast<std::chrono::microseconds>(longest.get_future().get()).count();
    const bool alone = options_.config.list("gossip.join").empty();
    restoring_ = std::thread([this, alone, since = wall_now() - window] {
        auto restored = restore_sources(*store_, since);
        loop_->post([this, alone, restored = std::move(restored)]() mutable {
            sources_->begin(std::move(restored));
            owners_->start(alone);
        });
    });
}

void RunningNode::apply(const Config& next) {
    LogOptions log = log_options(next);
    sink_->set_levels(log.level, std::move(log.components));
    edge_->set_origins(next.list("http.allowed_origins"));
    retention_->declare(next.retention);
    engine_->set_default_level(ack_level_of(next));
    loop_->post([this, egress = egress_of(next, listening()), sources = next.sources,
                 pipelines = next.pipelines]() mutable {
        egress_ = egress;
        resolver_->set_egress(egress);
        sources_->set_egress(std::move(egress));
        sources_->redeclare(std::move(sources));
        pipelines_->redeclare(std::move(pipelines));
    });
}

}  // namespace anode::app
