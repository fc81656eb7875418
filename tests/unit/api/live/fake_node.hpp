#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "api/doors.hpp"
#include "api/http/server.hpp"
#include "api/live/live.hpp"
#include "api/routes.hpp"
#include "core/message/hlc.hpp"
#include "unit/api/fake_cluster.hpp"

/// A node without anything behind it: messages are published into memory and handed to the feed.
namespace anode::api::testing {

/// Blocks in memory. `committed` moves only when it is told to, if `commits` is false.
class FakeStore final : public Store {
public:
    bool commits = true;
    Arrival removed_up_to;

    std::uint32_t tag() const override { return 7; }
    Arrival first_free() const override { return {1ULL << Arrival::kRunShift}; }
    Hlc last_hlc() const override { return {}; }
    Arrival committed() const override {
        const std::lock_guard lock(mutex_);
        return committed_;
    }
    Arrival oldest() const override { return removed_up_to.plus(1); }
    Result<void> append(Append, Done) override { return {}; }
    std::uint64_t queued_bytes() const override { return 0; }
    Result<void> flush() override { return {}; }

    void take(const BlockPtr& block) {
        const std::lock_guard lock(mutex_);
        blocks_.push_back(block);
        if (commits) committed_ = block->last_arrival();
    }
    void commit_all() {
        const std::lock_guard lock(mutex_);
        if (!blocks_.empty()) committed_ = blocks_.back()->last_arrival();
    }
    void commit_up_to(Arrival arrival) {
        const std::lock_guard lock(mutex_);
        committed_ = std::max(committed_, arrival);
    }

    class MemoryScan final : public Scan {
    public:
        MemoryScan(const FakeStore& store, Query query)
            : store_(store), query_(std::move(query)), position_(query_.after.value_or(Arrival{})) {
            if (query_.order == Order::Descending && !query_.after) position_ = {UINT64_MAX};
        }
        Result<bool> next(std::vector<Found>& out, std::size_t messages_max, std::size_t) override {
            const std::lock_guard lock(store_.mutex_);
            const std::size_t had = out.size();
            std::vector<Found> all;
            for (const BlockPtr& block : store_.blocks_)
                for (std::uint32_t i = 0; i < block->count(); ++i) all.push_back({block, i});
            if (query_.order == Order::Descending) std::ranges::reverse(all);
            for (const Found& found : all) {
                const Entry entry = found.block->entry(found.index);
                if (entry.arrival > store_.committed_ || entry.arrival <= store_.removed_up_to)
                    continue;
                if (query_.order == Order::Ascending ? entry.arrival <= position_
                                                     : entry.arrival >= position_)
                    continue;
                if (out.size() - had == messages_max) return true;
                position_ = entry.arrival;
                if (!query_.topics.matches(entry.topic)) continue;
                if (query_.from && entry.ts() < *query_.from) continue;
                if (query_.to && entry.ts() >= *query_.to) continue;
                out.push_back(found);
            }
            return out.size() > had;
        }
        Arrival position() const override { return position_; }

    private:
        const FakeStore& store_;
        Query query_;
        Arrival position_;
    };
    std::unique_ptr<Scan> scan(Query query) const override {
        return std::make_unique<MemoryScan>(*this, std::move(query));
    }
    Result<std::vector<Found>> last(const PatternSet& topics, std::size_t) const override {
        const std::lock_guard lock(mutex_);
        std::map<std::pair<std::string, std::string>, Found> newest;
        for (const BlockPtr& block : blocks_)
            for (std::uint32_t i = 0; i < block->count(); ++i) {
                const Entry entry = block->entry(i);
                if (entry.arrival <= committed_ && topics.matches(entry.topic))
                    newest[{std::string(entry.topic), std::string(entry.key)}] = {block, i};
            }
        std::vector<Found> out;
        for (const auto& [name, found] : newest) out.push_back(found);
        std::ranges::sort(out, {},
                          [](const Found& f) { return f.block->first_arrival().plus(f.index); });
        return out;
    }
    Result<std::vector<BlockPtr>> blocks(Arrival, std::size_t) const override {
        return std::vector<BlockPtr>{};
    }
    std::vector<LogHolding> logs() const override { return {}; }
    Result<std::vector<LogBlock>> log_blocks(const LogKey&, Seq, Seq, std::size_t) const override {
        return std::vector<LogBlock>{};
    }
    Result<void> forget_log(const LogKey&) override { return {}; }
    Arrival at_time(WallTime from) const override {
        const std::lock_guard lock(mutex_);
        for (const BlockPtr& block : blocks_)
            for (std::uint32_t i = 0; i < block->count(); ++i)
                if (block->entry(i).ts() >= from) return block->first_arrival();
        return committed_.plus(1);
    }
    bool removed_since(const PatternSet&, Arrival after) const override {
        return after < removed_up_to;
    }
    std::vector<TopicInfo> topics(std::string_view, std::string_view, std::size_t) const override {
        return {};
    }
    std::optional<TopicInfo> topic(std::string_view) const override { return std::nullopt; }
    std::optional<Bytes> record(std::string_view, std::string_view) const override {
        return std::nullopt;
    }
    std::vector<std::pair<std::string, Bytes>> records(std::string_view) const override {
        return {};
    }
    Result<void> put(std::vector<Record>) override { return {}; }
    void set_retention(std::vector<RetentionRule>) override {}
    void apply_retention(WallTime) override {}
    Result<void> purge(const PatternSet&, WallTime) override { return {}; }
    Result<void> compact() override { return {}; }
    StoreStats stats() const override { return {}; }

private:
    mutable std::mutex mutex_;
    std::vector<BlockPtr> blocks_;
    Arrival committed_;
};

class FakeNode final : public Publishing, public LiveFeed, public NodeControl {
public:
    FakeNode() {
        facts_.id.bytes[0] = 0x7f;
        facts_.id_text = facts_.id.text();
        facts_.cluster = "test";
        head_ = {store.first_free().value - 1};
    }

    // -- what a spec does ---------------------------------------------------------------------------
    struct Message {
        std::string topic, payload, key, content_type;
    };
    /// One block with these messages.
    std::vector<MessageId> publish(const std::vector<Message>& messages) {
        const std::lock_guard lock(mutex_);
        std::vector<MessageId> ids;
        BlockBuilder builder;
        const Seq first = seq_ + 1;
        for (const Message& message : messages) {
            Draft draft;
            draft.topic = message.topic;
            draft.payload = message.payload;
            draft.key = message.key;
            draft.content_type = message.content_type;
            const Hlc stamp = clock_.tick(wall());
            builder.add(stamp, draft);
            ++seq_;
            ids.push_back(
                {stamp.value, static_cast<std::uint64_t>(facts_.id.number()) << 32 | seq_});
        }
        const auto count = builder.count();
        const BlockPtr block = builder.seal({facts_.id, {1}, kDataLane}, first, head_.plus(1));
        head_ = head_.plus(count);
        for (const auto& [id, sink] : sinks_) sink(block);
        store.take(block);
        return ids;
    }
    void publish(const std::string& topic, const std::string& payload) {
        publish({{topic, payload, "", ""}});
    }
    static WallTime wall() {
        return std::chrono::duration_cast<std::chrono::microseconds>(
                   std::chrono::system_clock::now().time_since_epoch())
            .count();
    }

    // -- Publishing -----------------------------------------------------------------------------------
    void publish(PublishRequest request, Reply<Result<PublishResult>> reply) override {
        std::vector<Message> messages;
        for (const PublishItem& item : request.items)
            messages.push_back({item.topic, item.payload, item.key, item.content_type});
        PublishResult result;
        result.ids = publish(messages);
        result.level = request.level;
        reply(std::move(result));
    }
    void push(Push, Reply<Result<PublishResult>> reply) override {
        reply(fail(Errc::NotFound, "no"));
    }

    // -- LiveFeed -------------------------------------------------------------------------------------
    std::uint64_t attach(Sink sink, Arrival& head) override {
        const std::lock_guard lock(mutex_);
        head = head_;
        sinks_.emplace_back(++next_sink_, std::move(sink));
        return next_sink_;
    }
    void detach(std::uint64_t id) override {
        const std::lock_guard lock(mutex_);
        std::erase_if(sinks_, [id](const auto& sink) { return sink.first == id; });
    }

    // -- NodeControl ----------------------------------------------------------------------------------
    const NodeFacts& facts() const override { return facts_; }
    std::vector<Check> health() const override { return {}; }
    bool ready() const override { return true; }
    bool draining() const override { return false; }
    void drain(bool, std::string) override {}
    void shutdown() override {}
    Bytes config() const override { return "{}"; }
    Outcome<Bytes> check_config(std::string_view) override { return Bytes("{}"); }
    void reload(std::string, Reply<Outcome<Bytes>> reply) override { reply(Bytes("{}")); }
    void system_message(std::string, Bytes) override {}
    std::string record_gap(std::string_view, std::string_view reason, Bytes) override {
        const std::lock_guard lock(mutex_);
        gaps.emplace_back(reason);
        return "g-" + std::to_string(gaps.size());
    }

    FakeStore store;
    std::vector<std::string> gaps;

private:
    std::mutex mutex_;
    NodeFacts facts_;
    HlcClock clock_;
    Seq seq_ = 0;
    Arrival head_;
    std::uint64_t next_sink_ = 0;
    std::vector<std::pair<std::uint64_t, Sink>> sinks_;
};

class NoObjects final : public Objects {
public:
    void list(Reply<std::vector<Object>> reply) override { reply({}); }
    void get(std::string, Reply<Outcome<Object>> reply) override {
        reply(std::unexpected(Failure{}));
    }
    void write(Write, Reply<Outcome<Written>> reply) override { reply(std::unexpected(Failure{})); }
    void remove(std::string, std::string, Reply<Outcome<void>> reply) override {
        reply(std::unexpected(Failure{}));
    }
    void act(std::string, std::string, Bytes, std::string, Reply<Outcome<Bytes>> reply) override {
        reply(std::unexpected(Failure{}));
    }
};

/// Everybody is an administrator; who names a token in the path is let in by that.
class OpenDoor final : public Authenticator {
public:
    std::expected<Caller, Problem> identify(const Request& request) override {
        Caller caller = Caller::administrator("anybody");
        caller.credential.id = request.arg("token").value_or("");
        return caller;
    }
    std::expected<Caller, Problem> identify_token(std::string_view, std::string_view) override {
        return Caller::administrator("anybody");
    }
    std::expected<Caller, Problem> identify_ticket(std::string_view) override {
        return Caller::administrator("anybody");
    }
    bool stands(const Credential& credential) override {
        const std::lock_guard lock(mutex_);
        return credential.id != ended_;
    }
    std::uint64_t changes() const override { return changes_; }
    void ends(std::string token) {
        const std::lock_guard lock(mutex_);
        ended_ = std::move(token);
        ++changes_;
    }

private:
    std::mutex mutex_;
    std::string ended_ = "nobody's";
    std::atomic<std::uint64_t> changes_{1};
};

/// A server with the live routes and a few plain ones, on a free port.
class Fixture {
public:
    explicit Fixture(EdgeLimits limits = {}, std::vector<std::string> origins = {},
                     unsigned threads = 1) {
        const Doors doors{node,    node, node.store, objects,  objects,
                          objects, node, cluster,    registry, limits};
        auth = std::make_unique<OpenDoor>();
        live = std::make_unique<Live>(doors, *auth, false);
        Router router;
        live->add_routes(router);
        add_plain_routes(router);
        ServerOptions options;
        options.listen = {"127.0.0.1:0"};
        options.limits = limits;
        options.allowed_origins = std::move(origins);
        options.threads = threads;
        auto bound = Server::bind(std::move(options), std::move(router), *auth, registry);
        if (!bound) throw std::runtime_error(bound.error().what);
        server = std::move(*bound);
        live->bind_loops(*server);
        server->begin();
        const std::string address = server->addresses().front();
        port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
        host = address;
    }
    ~Fixture() {
        live->detach();
        server->stop();
    }

    FakeNode node;
    FakeCluster cluster;
    NoObjects objects;
    metrics::Registry registry;
    std::unique_ptr<OpenDoor> auth;
    std::unique_ptr<Live> live;
    std::unique_ptr<Server> server;
    std::uint16_t port = 0;
    std::string host;

private:
    static void add_plain_routes(Router& router) {
        const auto add = [&](Method method, std::string pattern, Handler handler,
                             RunOn run_on = RunOn::Loop) {
            Route route;
            route.method = method;
            route.pattern = std::move(pattern);
            route.role = Role::None;
            route.handler = std::move(handler);
            route.run_on = run_on;
            router.add(std::move(route));
        };
        add(Method::Get, "/livez", [](Request&, Responder to) { to.text("ok"); });
        add(Method::Post, "/echo",
            [](Request& request, Responder to) { to.json(std::move(request.body)); });
        add(
            Method::Get, "/big",
            [](Request&, Responder to) {
                Response response = Response::json('"' + std::string(5000, 'x') + '"');
                response.etag = "tag-1";
                to.send(std::move(response));
            },
            RunOn::Worker);
        add(Method::Get, "/lines", [](Request&, Responder to) {
            to.stream(Response::text(""), [n = 0](Bytes& out) mutable -> Result<bool> {
                out += std::to_string(n++) + "\n";
                return n < 1000;
            });
        });
        add(Method::Get, "/dropped", [](Request&, Responder) {});
        add(Method::Get, "/things/{name}",
            [](Request& request, Responder to) { to.text(std::string(request.param("name"))); });
        add(Method::Post, "/things/{name}:stop", [](Request& request, Responder to) {
            to.text("stop " + std::string(request.param("name")));
        });
    }
};

}  // namespace anode::api::testing
