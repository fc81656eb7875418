#pragma once

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <map>
#include <mutex>

#include "api/doors.hpp"
#include "api/http/server.hpp"
#include "api/routes.hpp"
#include "core/message/hlc.hpp"
#include "http_call.hpp"
#include "runtime/clock.hpp"
#include "unit/api/fake_cluster.hpp"
#include "unit/api/fake_state.hpp"

/// A node for the specs of the REST side: a real store, router and server; the doors behind them are fakes.
namespace anode::api::rest_spec {

class TempDirectory {
public:
    TempDirectory() {
        std::string name = (std::filesystem::temp_directory_path() / "rest-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        path_ = name;
    }
    ~TempDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

/// Takes messages straight into the store, one block a request.
class FakePublishing final : public Publishing {
public:
    explicit FakePublishing(Store& store) : store_(store), next_(store.first_free()) {}

    void publish(PublishRequest request, Reply<Result<PublishResult>> reply) override {
        if (refuses) return reply(fail(*refuses, "told to"));
        const std::string name = request.idempotency_key;
        if (const auto known = known_.find(name); !name.empty() && known != known_.end()) {
            if (known->second.first != request.body_hash)
                return reply(fail(Errc::Conflict, "the key was used with another body"));
            return reply(PublishResult{known->second.second, request.level, true});
        }
        PublishResult result{take(request.items, "api"), request.level, false};
        if (!name.empty()) known_[name] = {request.body_hash, result.ids};
        reply(std::move(result));
    }
    void push(Push push, Reply<Result<PublishResult>> reply) override {
        if (push.source != "hook")
            return reply(fail(Errc::NotFound, "no webhook source of this name"));
        if (push.body == "forged") return reply(fail(Errc::Refused, "the signature does not fit"));
        reply(PublishResult{take({{.topic = "hook.in", .payload = push.body}}, "hook"), {}, false});
    }
    std::vector<MessageId> take(const std::vector<PublishItem>& items, std::string_view source) {
        const std::lock_guard lock(mutex_);
        BlockBuilder builder;
        std::vector<MessageId> ids;
        for (const PublishItem& item : items) {
            if (builder.full(item.payload.size())) store(builder);
            ids.push_back(add(builder, item, source));
        }
        store(builder);
        return ids;
    }

    std::optional<Errc> refuses;

private:
    MessageId add(BlockBuilder& builder, const PublishItem& item, std::string_view source) {
        Draft draft;
        draft.topic = item.topic;
        draft.source = source;
        draft.payload = item.payload;
        draft.content_type = item.content_type;
        draft.key = item.key;
        draft.kind = item.kind;
        draft.source_time = item.source_time;
        draft.trace = item.trace;
        Entry entry;
        entry.seq = seq_ + builder.count();
        entry.hlc = clock_.tick(wall_now());
        builder.add(entry.hlc, draft);
        return entry.id(log_.node);
    }
    void store(BlockBuilder& builder) {
        const BlockPtr block = builder.seal(log_, seq_, next_);
        seq_ += block->count();
        next_ = block->last_arrival().plus(1);
        std::promise<void> stored;
        const auto queued =
            store_.append({{block}, {}}, [&](const Result<void>&) { stored.set_value(); });
        if (queued) stored.get_future().wait();
    }

    Store& store_;
    std::mutex mutex_;
    LogKey log_{.node = {{0x7f, 3, 0xa9, 1, 2, 3}}, .epoch = {7}, .lane = kDataLane};
    Seq seq_ = 1;
    Arrival next_;
    HlcClock clock_;
    std::map<std::string, std::pair<Hash128, std::vector<MessageId>>> known_;
};

/// Objects whose definitions are taken as they are; `{"bad":…}` is refused.
class FakeObjects final : public Objects {
public:
    void list(Reply<std::vector<Object>> reply) override {
        std::vector<Object> all;
        for (const auto& [name, object] : objects) all.push_back(object);
        reply(std::move(all));
    }
    void get(std::string name, Reply<Outcome<Object>> reply) override {
        const auto found = objects.find(name);
        if (found == objects.end()) return reply(absent());
        reply(found->second);
    }
    void write(Write write, Reply<Outcome<Written>> reply) override {
        json::Document document;
        if (!document.parse(write.body))
            return reply(std::unexpected(Failure{Failure::Why::Invalid, "no JSON", {}}));
        if (document.root()["bad"])
            return reply(std::unexpected(
                Failure{Failure::Why::Invalid, "/bad: unknown", {{"/bad", "invalid", "unknown"}}}));
        std::string name = write.name.empty() ? document.root()["name"].string() : write.name;
        const auto found = objects.find(name);
        const bool created = found == objects.end();
        if (!created && write.create_only)
            return reply(std::unexpected(Failure{Failure::Why::Exists, "exists", {}}));
        if (created && write.must_exist) return reply(absent());
        if (!created && write.if_match && *write.if_match != found->second.etag)
            return reply(std::unexpected(Failure{Failure::Why::Stale, "changed meanwhile", {}}));
        last_actor = write.actor;
        Object object{write.body, "v" + std::to_string(++version_)};
        if (!write.dry_run) objects[name] = object;
        reply(Written{object, created});
    }
    void remove(std::string name, std::string, Reply<Outcome<void>> reply) override {
        if (objects.erase(name) == 0) return reply(absent());
        reply({});
    }
    void act(std::string name, std::string verb, Bytes body, std::string,
             Reply<Outcome<Bytes>> reply) override {
        if (!name.empty() && !objects.contains(name)) return reply(absent());
        reply("{\"did\":\"" + verb + "\",\"to\":\"" + name +
              "\",\"with\":" + std::to_string(body.size()) + "}");
    }

    std::map<std::string, Object> objects;
    std::string last_actor;

private:
    static std::unexpected<Failure> absent() {
        return std::unexpected(Failure{Failure::Why::NotFound, "no such object", {}});
    }
    int version_ = 0;
};

class FakeNode final : public NodeControl {
public:
    explicit FakeNode(FakePublishing& publishing) : publishing_(publishing) {
        facts_.id = {{0x7f, 3, 0xa9, 1, 2, 3}};
        facts_.id_text = facts_.id.text();
        facts_.name = "n1";
        facts_.cluster = "spec";
        facts_.version = "1.2.3";
        facts_.started = wall_now();
    }
    const NodeFacts& facts() const override { return facts_; }
    std::vector<Check> health() const override { return checks; }
    bool ready() const override { return is_ready && !is_draining; }
    bool draining() const override { return is_draining; }
    void drain(bool on, std::string) override { is_draining = on; }
    void shutdown() override { was_shut_down = true; }
    Bytes config() const override { return settings; }
    Outcome<Bytes> check_config(std::string_view toml) override {
        if (toml.find("lisen") == std::string_view::npos) return Bytes(R"({"valid":true})");
        return std::unexpected(Failure{Failure::Why::Invalid,
                                       "request:2:1: lisen: did you mean listen?",
                                       {{"/http/lisen", "invalid", "did you mean listen?"}}});
    }
    void reload(std::string, Reply<Outcome<Bytes>> reply) override {
        reply(Bytes(R"({"reloaded":true,"restart_required":[]})"));
    }
    void system_message(std::string topic, Bytes json) override {
        publishing_.take({{.topic = std::move(topic), .payload = std::move(json)}}, "system");
    }
    std::string record_gap(std::string_view, std::string_view, Bytes) override { return "g-1"; }

    std::vector<Check> checks{{"loops", "ok", "", 0}, {"store", "ok", "", 0}};
    Bytes settings = R"({"items":[{"key":"log.level","value":"info","origin":"default"}]})";
    std::atomic<bool> is_ready{true}, is_draining{false}, was_shut_down{false};

private:
    FakePublishing& publishing_;
    NodeFacts facts_;
};

class FakeListeners final : public Listeners {
public:
    std::vector<ListenerInfo> snapshot() const override { return listeners; }
    bool cut(std::string_view id) override {
        return std::erase_if(listeners, [&](const ListenerInfo& one) { return one.id == id; }) > 0;
    }
    std::vector<ListenerInfo> listeners;
};

class NoFeed final : public LiveFeed {
public:
    std::uint64_t attach(Sink, Arrival&) override { return 0; }
    void detach(std::uint64_t) override {}
};

inline std::unique_ptr<Store> open_store(const std::string& directory) {
    StoreOptions options;
    options.directory = directory;
    options.min_free_fraction = 0;
    options.sync_interval = 0ms;
    auto store = Store::open(options);
    if (!store) std::abort();
    return std::move(*store);
}

/// The node, and words to talk to it.
class RestNode {
public:
    explicit RestNode(EdgeOptions options = {}, RateLimits* rates = nullptr) {
        doors.state = &state;
        doors.rates = rates;
        auth = make_authenticator(options, doors);
        Router router;
        context = std::make_shared<RouteContext>(RouteContext{
            doors, listeners, [this]() -> const Router& { return server->router(); }, ""});
        add_rest_routes(router, context);
        ServerOptions wanted;
        wanted.listen = {"127.0.0.1:0"};
        wanted.rates = rates;
        auto bound = Server::bind(std::move(wanted), std::move(router), *auth, metrics);
        if (!bound) std::abort();
        server = std::move(*bound);
        server->begin();
        const std::string address = server->addresses().front();
        port =
            static_cast<std::uint16_t>(std::atoi(address.substr(address.rfind(':') + 1).c_str()));
    }
    ~RestNode() { server->stop(); }

    Answer get(std::string_view target, const Headers& headers = {}) {
        return call(port, "GET", target, {}, headers);
    }
    Answer post(std::string_view target, std::string_view body = {}, Headers headers = {}) {
        if (std::ranges::none_of(headers, [](const auto& h) { return h.first == "Content-Type"; }))
            headers.emplace_back("Content-Type", "application/json");
        return call(port, "POST", target, body, headers);
    }
    Answer send(std::string_view method, std::string_view target, std::string_view body = {},
                const Headers& headers = {}) {
        return call(port, method, target, body, headers);
    }
    /// Publishes payloads to a topic, one block each.
    void has(std::string_view topic, const std::vector<std::string>& payloads) {
        for (const std::string& payload : payloads)
            publishing.take({{.topic = std::string(topic), .payload = payload}}, "api");
    }

    TempDirectory directory;
    std::unique_ptr<Store> store = open_store(directory.path());
    metrics::Registry metrics;
    FakePublishing publishing{*store};
    NoFeed feed;
    FakeObjects sources, pipelines, retention;
    FakeNode node{publishing};
    FakeCluster cluster{node.facts().id_text};
    FakeState state;
    FakeListeners listeners;
    Doors doors{publishing, feed, *store,  sources, pipelines,
                retention,  node, cluster, metrics, {}};
    std::unique_ptr<Authenticator> auth;
    std::shared_ptr<RouteContext> context;
    std::unique_ptr<Server> server;
    std::uint16_t port = 0;
};

inline std::string messages_of(std::string_view topic) {
    return "/v1/topics/" + std::string(topic) + "/messages";
}

}  // namespace anode::api::rest_spec
