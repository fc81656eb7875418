#include "app/run.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <future>
#include <thread>

#include "api/doors.hpp"
#include "app/cluster/forwarding.hpp"
#include "app/cluster/key_file.hpp"
#include "app/cluster/members.hpp"
#include "app/cluster/mesh_face.hpp"
#include "app/cluster/mesh_node.hpp"
#include "app/cluster/options.hpp"
#include "app/cluster/owners.hpp"
#include "app/cluster/shared_state.hpp"
#include "app/cluster/state_face.hpp"
#include "app/identity.hpp"
#include "app/log_sink.hpp"
#include "app/node.hpp"
#include "app/pipelines.hpp"
#include "app/restore.hpp"
#include "app/retention.hpp"
#include "app/sources/sources.hpp"
#include "app/vitals.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "runtime/clock.hpp"
#include "runtime/http_client.hpp"
#include "runtime/limits.hpp"
#include "runtime/resolver.hpp"
#include "runtime/signals.hpp"
#include "runtime/system_secrets.hpp"

namespace anode::app {
namespace {

constexpr Duration kGoodbyeMax = 2s, kHandOverMax = 10s;

LogOptions log_options(const Config& config) {
    LogOptions options;
    const std::string format = config.text("log.format");
    options.json = format == "json" || (format == "auto" && ::isatty(STDOUT_FILENO) == 0);
    json::Document levels;
    if (!levels.parse(config.settings().at("log.level").json)) return options;
    const json::Value root = levels.root();
    if (root.is_string()) options.level = parse_level(root.string()).value_or(log::Level::Info);
    if (!root.is_object()) return options;
    for (json::Value member = root.first(); member; member = member.next_in(root)) {
        const log::Level level = parse_level(member.string()).value_or(log::Level::Info);
        if (member.name() == "default")
            options.level = level;
        else
            options.components.emplace_back(member.name(), level);
    }
    return options;
}

std::shared_ptr<const EgressPolicy> egress_of(const Config& config,
                                              const std::vector<std::string>& listening) {
    EgressOptions options;
    for (const std::string& network : config.list("egress.allow_private"))
        if (const auto parsed = IpNetwork::parse(network)) options.allow_private.push_back(*parsed);
    options.ports.clear();
    for (const std::string& port : config.list("egress.ports"))
        options.ports.push_back(static_cast<std::uint16_t>(text::parse_u64(port).value_or(0)));
    for (const std::string& address : listening) options.own_ports.push_back(port_of(address));
    options.own_ports.push_back(port_of(config.text("mesh.listen")));
    options.own_addresses = interface_addresses();
    return std::make_shared<const EgressPolicy>(std::move(options));
}

std::string host_name() {
    char name[256] = "node";
    (void)::gethostname(name, sizeof name - 1);
    return name;
}

int refuse_to_start(const std::string& what) {
    log::error("node", "cannot start", {{"err", what}});
    std::fprintf(stderr, "anode: %s\n", what.c_str());
    return 1;
}

Result<std::unique_ptr<Store>> open_store(const Config& config, metrics::Registry& metrics,
                                          std::uint64_t memory) {
    const std::string directory = config.text("node.data_dir");
    std::error_code failed;
    std::filesystem::create_directories(directory, failed);
    if (failed) return fail(Errc::Io, directory + ": " + failed.message());
    StoreOptions options;
    options.directory = directory + "/store";
    options.sync_interval = config.duration("storage.sync_interval");
    options.min_free_fraction = config.share("storage.min_free");
    options.cache_bytes =
        std::min<std::uint64_t>(config.size("storage.rocksdb.cache", memory), 1ull << 30);
    options.metrics = &metrics;
    return Store::open(options);
}

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
    std::unique_ptr<StateFace> state_face_;
    std::unique_ptr<Owners> owners_;
    std::unique_ptr<Members> members_;
    std::unique_ptr<api::Edge> edge_;
    std::thread restoring_, ending_thread_;
    Loop* main_loop_ = nullptr;
    LogSink* sink_ = nullptr;
    bool ending_ = false;
};

Result<void> RunningNode::start(Loop& main_loop, LogSink& sink) {
    main_loop_ = &main_loop;
    sink_ = &sink;
    if (const auto started = start_store(sink); !started) return started;
    LoopOptions loop_options;
    loop_options.name = "engine";
    loop_options.nap_max = 500us;
    loop_ = std::make_unique<Loop>(loop_options);
    loop_->set_lag_metric(
        &metrics_.histogram("anode_loop_lag_seconds", "Lateness of timers.", {{"loop", "engine"}}));
    resolver_ = std::make_unique<Resolver>(*loop_, egress_);
    http_ = std::make_unique<HttpClient>(*loop_, *resolver_);
    engine_ = std::make_unique<Engine>(*loop_, *store_, metrics_, identity_.node, identity_.epoch);
    ledger_ = std::make_unique<Ledger>(*engine_, facts_.id_text);
    if (const auto started = start_mesh(); !started) return started;
    start_owners();
    state_face_ = std::make_unique<StateFace>(*loop_, *engine_, *shared_);
    pipelines_ =
        std::make_unique<PipelineObjects>(*loop_, *engine_, *shared_, *ledger_, facts_.id_text);
    retention_ = std::make_unique<RetentionObjects>(*loop_, *engine_, *shared_, *store_, *ledger_);
    face_ = std::make_unique<NodeFace>(facts_, options_.config, options_.from, *store_, *ledger_,
                                       *engine_);
    vitals_ =
        std::make_unique<Vitals>(*loop_, *engine_, *sources_, *store_, metrics_, facts_, memory_);
    engine_->restore();
    if (const auto started = start_members(main_loop); !started) return started;
    face_->set_hooks({.drain =
                          [this](bool on) {
                              engine_->drain(on);
                              members_->set_draining(on);
                              mesh_->drain(on);
                              loop_->post([this, on] { drain_owners(on); });
                          },
                      .shutdown = [this] { main_loop_->post([this] { begin_end(); }); },
                      .apply = [this](const Config& next) { apply(next); },
                      .loops = {loop_.get(), &members_->loop(), &mesh_->loop()},
                      .cluster = [this] { return members_->health(); }});
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
    if (options_.ready) options_.ready("http://" + edge_->addresses().front());
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

Result<void> RunningNode::start_mesh() {
    const auto ring = KeyFile::read(options_.config, secrets_);
    if (!ring) return std::unexpected(ring.error());
    auto opened = MeshNode::open(options_.config, identity_, facts_.name, ring->ring.keys(),
                                 {.engine_loop = *loop_,
                                  .own_thread = cpu_limit() > 2,
                                  .engine = *engine_,
                                  .store = *store_,
                                  .ledger = *ledger_,
                                  .metrics = metrics_});
    if (!opened) return std::unexpected(opened.error());
    mesh_ = std::move(*opened);
    mesh_face_ = std::make_unique<MeshFace>(*mesh_);
    forwarding_ = std::make_unique<Forwarding>(
        metrics_, [this](const NodeId& to, std::uint8_t type, Bytes body) {
            mesh_->send(to, type, std::move(body));
        });
    shared_ = std::make_unique<SharedState>(*loop_, *engine_, *store_, mesh_.get(), identity_.node);
    mesh_->set_hooks({.peer_up =
                          [this](const NodeId& node) {
                              forwarding_->peer_up(node);
                              loop_->post([this, node] {
                                  shared_->peer_up(node);
                                  owners_->link_up(node);
                              });
                          },
                      .peer_down =
                          [this](const NodeId& node, mesh::LinkEnd end) {
                              forwarding_->peer_down(node);
                              // A link that ends without a word is what a dead process looks like.
                              if (end != mesh::LinkEnd::Untrusted) members_->link_lost(node);
                              loop_->post([this, node, end] {
                                  shared_->peer_down(node);
                                  owners_->link_down(node, end);
                              });
                          },
                      .from_peer =
                          [this](const NodeId& from, std::uint8_t type, BytesView body) {
                              if (Forwarding::takes(type))
                                  return forwarding_->from_peer(from, type, Bytes(body));
                              const bool state = type >= SharedState::kFirstFrame &&
                                                 type <= SharedState::kLastFrame;
                              const bool owners =
                                  type >= Owners::kFirstFrame && type <= Owners::kLastFrame;
                              if (!state && !owners) return;
                              loop_->post([this, from, type, state, body = Bytes(body)] {
                                  if (state)
                                      shared_->from_peer(from, type, body);
                                  else
                                      owners_->from_peer(from, type, body);
                              });
                          }});
    engine_->set_outlet(mesh_.get());
    return {};
}

/// Who runs what, and the sources that follow it; both listen to the small state, which is restored later.
void RunningNode::start_owners() {
    Owners::World world{
        .loop = *loop_,
        .ledger = *ledger_,
        .metrics = metrics_,
        .self = identity_.node,
        .epoch = identity_.epoch,
        .name = facts_.name,
        .zone = facts_.zone,
        .propose =
            [this](const ownership::Claim& claim) {
                // Nobody asks any more who ran what is gone.
                if (claim.released && shared_->find("source", claim.source) == nullptr) return;
                shared_->write({.kind = "owner",
                                .key = claim.source,
                                .value = claim.encode(),
                                .revoke = false,
                                .if_stamp = {}},
                               [](const Result<state::Item>&) {});
            },
        .send = [this](const NodeId& to, std::uint8_t type,
                       Bytes body) { mesh_->send(to, type, std::move(body)); },
        // A newcomer moves nothing by itself before it agrees with us, so others need not wait long for it.
        .timing = {.warm_up = 3s}};
    owners_ = std::make_unique<Owners>(std::move(world));
    shared_->on_change("owner", [this](const state::Item& item, bool) {
        if (!item.value) return;
        if (const auto claim = ownership::Claim::decode(item.key, *item.value))
            owners_->claimed(*claim);
    });
    shared_->on_in_sync([this] { owners_->in_sync(); });
    sources_ = std::make_unique<Sources>(SourceWorld{*loop_, *resolver_, *http_}, *engine_, *store_,
                                         *ledger_, metrics_, secrets_, egress_, *shared_, *owners_);
}

/// A node without others keeps its sources: there is nobody to take them.
void RunningNode::drain_owners(bool on) {
    if (!on || !owners_->others_alive().empty()) owners_->drain(on);
}

Result<void> RunningNode::start_members(Loop& main_loop) {
    auto opened = Members::open(
        options_.config, identity_,
        {.facts = facts_,
         .ledger = *ledger_,
         .metrics = metrics_,
         .secrets = secrets_,
         .aside = [&main_loop](Loop::Task task) { main_loop.post(std::move(task)); },
         .changed =
             [this](const membership::MemberChanged& changed) {
                 mesh_->member(changed);
                 loop_->post([this, changed] { owners_->member(changed); });
             },
         .keys_changed = [this](std::vector<Bytes> keys) { mesh_->set_keys(std::move(keys)); },
         .minority = [this](bool on) { engine_->set_partitioned(on); },
         .data_port = mesh_->port()});
    if (!opened) return std::unexpected(opened.error());
    members_ = std::move(*opened);
    return {};
}

/// Every address of ours that no source may reach.
std::vector<std::string> RunningNode::listening() const {
    std::vector<std::string> all = edge_->addresses();
    all.push_back(members_->bound());
    all.push_back("127.0.0.1:" + std::to_string(mesh_->port()));
    return all;
}

Result<void> RunningNode::start_edge() {
    const Config& config = options_.config;
    const std::string directory = config.text("node.data_dir");
    api::EdgeOptions edge;
    edge.listen = config.list("http.listen");
    edge.socket = config.text("http.socket");
    if (edge.socket.empty()) edge.socket = directory + "/anode.sock";
    if (edge.socket == "-") edge.socket.clear();
    edge.allowed_origins = config.list("http.allowed_origins");
    edge.public_url = config.text("http.public_url");
    edge.require_token = config.text("auth.mode") == "tokens";
    edge.threads = static_cast<unsigned>(std::max<std::uint64_t>(1, config.number("http.threads")));
    if (edge.require_token) {
        const auto token = bootstrap_token(directory);
        if (!token) return std::unexpected(token.error());
        edge.bootstrap_token_sha256 = token_digest(*token);
    }
    api::Doors doors{*engine_,    *engine_, *store_,   *sources_, *pipelines_,
                     *retention_, *face_,   *members_, metrics_,  {}};
    doors.state = state_face_.get();
    doors.forward = forwarding_.get();
    doors.mesh = mesh_face_.get();
    auto started = api::Edge::start(edge, doors);
    if (!started) return std::unexpected(started.error());
    edge_ = std::move(*started);
    forwarding_->serve_with(
        [this](api::ForwardedRequest request, api::Reply<api::ForwardedAnswer> reply) {
            edge_->serve(std::move(request), std::move(reply));
        });
    // Only now is it known which port `:0` became; sources do not run yet.
    loop_->post([this, egress = egress_of(config, listening())] {
        egress_ = egress;
        resolver_->set_egress(egress);
        sources_->set_egress(egress);
    });
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
    loop_->post([this, egress = egress_of(next, listening()), sources = next.sources,
                 pipelines = next.pipelines]() mutable {
        egress_ = egress;
        resolver_->set_egress(egress);
        sources_->set_egress(std::move(egress));
        sources_->redeclare(std::move(sources));
        pipelines_->redeclare(std::move(pipelines));
    });
}

void RunningNode::on_signal(int signal) {
    if (signal == SIGTERM || signal == SIGINT) {
        if (ending_) {
            log::warn("node", "told twice: ending at once");
            (void)store_->flush();
            sink_->flush();
            std::_Exit(1);
        }
        begin_end();
    } else if (signal == SIGHUP) {
        face_->reload_and_log();
    } else if (signal == SIGUSR2) {
        face_->drain(!face_->draining(), "signal");
    } else if (signal == SIGQUIT) {
        for (const api::Check& check : face_->health())
            log::info("node", "state",
                      {{"check", check.name}, {"status", check.status}, {"detail", check.detail}});
    }
}

void RunningNode::begin_end() {
    if (std::exchange(ending_, true)) return;
    log::info("node", "ending");
    face_->drain(true, "signal");
    main_loop_->after(options_.config.duration("shutdown.timeout"), [this] {
        log::error("node", "the drain took too long: ending at once");
        (void)store_->flush();
        sink_->flush();
        std::_Exit(1);
    });
    ending_thread_ = std::thread([this] {  // so that the main loop still hears a second signal
        end();
        main_loop_->stop();
    });
}

/// Other nodes take our sources while they still run here.
void RunningNode::hand_over_sources() {
    std::promise<void> done;
    loop_->post([&] {
        if (owners_->others_alive().empty()) return done.set_value();
        owners_->hand_over_all(kHandOverMax, [&done] { done.set_value(); });
    });
    done.get_future().wait();
}

/// Sources first, so that nothing new comes in; then listeners, who get what is left, while the goodbye goes through the
/// cluster; the store last.
void RunningNode::end() {
    if (restoring_.joinable()) restoring_.join();
    if (loop_ && engine_ && edge_) {
        hand_over_sources();
        std::promise<void> quiet;
        loop_->post([&] { sources_->end(3s, [&quiet] { quiet.set_value(); }); });
        quiet.get_future().wait();
        members_->begin_to_leave();
        engine_->stop();
        edge_->stop();
        members_->end(kGoodbyeMax);
    }
    if (mesh_) mesh_->end();
    if (forwarding_) forwarding_->end();
    edge_.reset();
    if (loop_) {
        loop_->stop();
        loop_->join();
    }
    if (store_) (void)store_->flush();
    vitals_.reset();
    face_.reset();
    members_.reset();
    retention_.reset();
    pipelines_.reset();
    sources_.reset();
    owners_.reset();
    ledger_.reset();
    state_face_.reset();
    shared_.reset();
    engine_.reset();
    mesh_face_.reset();
    mesh_.reset();
    forwarding_.reset();
    http_.reset();
    resolver_.reset();
    loop_.reset();
    store_.reset();
    log::info("node", "ended");
}

}  // namespace

int run_node(RunOptions options) {
    LogSink sink(log_options(options.config));
    log::set_sink(&sink);
    struct Unset {
        ~Unset() { log::set_sink(nullptr); }
    } unset;
    keep_free_memory();
    raise_fd_limit(1'048'576);
    Loop main_loop(LoopOptions{.name = "main"});
    RunningNode node(std::move(options));
    auto signals = Signals::start(main_loop, [&node](int signal) { node.on_signal(signal); });
    if (!signals) return refuse_to_start(signals.error().what);
    if (const auto started = node.start(main_loop, sink); !started)
        return refuse_to_start(started.error().what);
    main_loop.run();
    return 0;
}

}  // namespace anode::app
