#include "app/sources/sources.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include "runtime/http_client.hpp"
#include "runtime/resolver.hpp"
#include "unit/app/stage.hpp"

namespace anode::app {
namespace {

using api::Failure;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

/// A server that lets everybody in and never says a word.
class SilentServer {
public:
    SilentServer() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto* plain = reinterpret_cast<sockaddr*>(&address);
        if (::bind(fd_, plain, length) != 0 || ::listen(fd_, 8) != 0 ||
            ::getsockname(fd_, plain, &length) != 0)
            std::abort();
        port_ = ntohs(address.sin_port);
    }
    ~SilentServer() { ::close(fd_); }
    SilentServer(const SilentServer&) = delete;
    SilentServer& operator=(const SilentServer&) = delete;
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string url(const std::string& scheme) const {
        return scheme + "://127.0.0.1:" + std::to_string(port_) + "/x";
    }

private:
    int fd_;
    std::uint16_t port_ = 0;
};

class NoSecrets final : public source::Secrets {
public:
    Result<std::string> value(const source::SecretRef&) const override {
        return fail(Errc::NotFound, "no secrets here");
    }
};

const std::string kTicks = R"({"name":"ticks","type":"test","topic":"a.b","enabled":true})";

/// The sources of a node, without the API in front.
class SourcesSpec : public testing::Test {
protected:
    SourcesSpec() {
        StoreOptions options;
        options.directory = directory.path() + "/store";
        options.sync_interval = 1ms;
        options.min_free_fraction = 0;
        store = std::move(*Store::open(options));
        EgressOptions reachable;
        reachable.allow_private = {*IpNetwork::parse("127.0.0.0/8")};
        reachable.ports = {80, server.port()};
        egress = std::make_shared<const EgressPolicy>(reachable);
        node.bytes.fill(1);
        engine = std::make_unique<Engine>(loop, *store, metrics, node, Epoch{1});
        resolver = std::make_unique<Resolver>(loop, egress);
        http = std::make_unique<HttpClient>(loop, *resolver);
        ledger = std::make_unique<Ledger>(*engine, node.text());
        shared = std::make_unique<SharedState>(loop, *engine, *store, nullptr, node);
        owners = std::make_unique<Owners>(
            Owners::World{.loop = loop,
                          .ledger = *ledger,
                          .metrics = metrics,
                          .self = node,
                          .epoch = Epoch{1},
                          .name = "one",
                          .zone = "",
                          .propose = [this](const ownership::Claim& claim) { claims(claim); },
                          .send = [](const NodeId&, std::uint8_t, const Bytes&) {}});
        shared->on_change("owner", [this](const state::Item& item, bool) {
            if (item.value) owners->claimed(*ownership::Claim::decode(item.key, *item.value));
        });
        sources = std::make_unique<Sources>(SourceWorld{loop, *resolver, *http}, *engine, *store,
                                            *ledger, metrics, secrets, egress, *shared, *owners);
    }
    ~SourcesSpec() override { ends(); }

    void starts(std::vector<DeclaredSource> declared = {}) {
        engine->restore();
        shared->restore();
        sources->load(std::move(declared));
        loop.start();
        on_loop(loop, [this] {
            sources->begin({});
            owners->start(true);
        });
    }
    void ends() {
        if (!sources) return;
        std::promise<void> quiet;
        loop.post([&] { sources->end(3s, [&quiet] { quiet.set_value(); }); });
        quiet.get_future().wait();
        loop.stop();
        loop.join();
        (void)store->flush();
        sources.reset();
        owners.reset();
        shared.reset();
        ledger.reset();
        engine.reset();
        http.reset();
        resolver.reset();
    }
    void claims(const ownership::Claim& claim) {
        shared->write({.kind = "owner",
                       .key = claim.source,
                       .value = claim.encode(),
                       .revoke = false,
                       .if_stamp = {}},
                      [](const Result<state::Item>&) {});
    }
    api::Outcome<api::Written> writes(api::Write write) {
        Awaited<api::Outcome<api::Written>> answer;
        sources->write(std::move(write), answer.reply());
        return answer.get();
    }
    api::Outcome<Bytes> acts(std::string name, std::string verb, Bytes body = {}) {
        Awaited<api::Outcome<Bytes>> answer;
        sources->act(std::move(name), std::move(verb), std::move(body), "me", answer.reply());
        return answer.get();
    }
    api::Outcome<api::Object> gets(std::string name) {
        Awaited<api::Outcome<api::Object>> answer;
        sources->get(std::move(name), answer.reply());
        return answer.get();
    }
    api::Outcome<void> removes(std::string name) {
        Awaited<api::Outcome<void>> answer;
        sources->remove(std::move(name), "me", answer.reply());
        return answer.get();
    }

    SilentServer server;
    TempDirectory directory;
    std::unique_ptr<Store> store;
    metrics::Registry metrics;
    NoSecrets secrets;
    Loop loop{LoopOptions{.name = "engine"}};
    std::shared_ptr<const EgressPolicy> egress;
    std::unique_ptr<Engine> engine;
    std::unique_ptr<Resolver> resolver;
    std::unique_ptr<HttpClient> http;
    std::unique_ptr<Ledger> ledger;
    NodeId node;
    std::unique_ptr<SharedState> shared;
    std::unique_ptr<Owners> owners;
    std::unique_ptr<Sources> sources;
};

TEST_F(SourcesSpec, ASourceIsMadeShownChangedAndRemoved) {
    starts();
    const auto made = writes({.body = kTicks});
    ASSERT_TRUE(made.has_value()) << made.error().detail;
    EXPECT_TRUE(made->created);
    EXPECT_THAT(gets("ticks")->json,
                AllOf(HasSubstr(R"("version":1)"), HasSubstr(R"("origin":"api")"),
                      HasSubstr(R"("role":"owner")"), HasSubstr(R"("owner_name":"one")")));
    EXPECT_TRUE(acts("ticks", "restart").has_value());
    ASSERT_TRUE(acts("ticks", "disable").has_value());
    EXPECT_THAT(gets("ticks")->json, HasSubstr(R"("state":"disabled")"));
    EXPECT_EQ(acts("ticks", "restart").error().why, Failure::Why::Exists);
    ASSERT_TRUE(acts("ticks", "enable").has_value());
    EXPECT_THAT(gets("ticks")->json, HasSubstr(R"("version":3)"));
    EXPECT_EQ(acts("ticks", "explode").error().why, Failure::Why::NotFound);
    ASSERT_TRUE(removes("ticks").has_value());
    EXPECT_EQ(gets("ticks").error().why, Failure::Why::NotFound);
    EXPECT_EQ(removes("ticks").error().why, Failure::Why::NotFound);
}

TEST_F(SourcesSpec, AnAnsweredWriteIsInTheStore) {
    starts();
    ASSERT_TRUE(writes({.body = kTicks}).has_value());
    const auto stored = [this] {
        return std::ranges::any_of(store->records("state"), [](const auto& record) {
            return record.second.find("a.b") != std::string::npos;
        });
    };
    EXPECT_TRUE(stored());
    ASSERT_TRUE(removes("ticks").has_value());
    EXPECT_FALSE(gets("ticks").has_value()) << "only its history is left";
    EXPECT_FALSE(store->record("position", "ticks").has_value());
}

TEST_F(SourcesSpec, ADryRunMakesNothing) {
    starts();
    EXPECT_TRUE(writes({.body = kTicks, .dry_run = true}).has_value());
    EXPECT_FALSE(gets("ticks").has_value());
}

TEST_F(SourcesSpec, WhatAFileDeclaresIsReadOnlyUntilTheFileChanges) {
    starts({{kTicks, "anode.toml:3"}});
    EXPECT_THAT(gets("ticks")->json, HasSubstr(R"("origin":"anode.toml:3")"));
    EXPECT_EQ(writes({.name = "ticks", .body = kTicks}).error().why, Failure::Why::ReadOnly);
    EXPECT_EQ(removes("ticks").error().why, Failure::Why::ReadOnly);
    EXPECT_EQ(acts("ticks", "disable").error().why, Failure::Why::ReadOnly);
    on_loop(loop, [&] { sources->redeclare({}); });
    EXPECT_EQ(gets("ticks").error().why, Failure::Why::NotFound);
}

TEST_F(SourcesSpec, WhatWasStoredBeforeThereWasAClusterIsTakenIn) {
    const Bytes record = R"({"version":3,"moved_to":"","definition":)" + kTicks + "}";
    ASSERT_TRUE(store->put({{"source", "ticks", record}}).has_value());
    starts();
    EXPECT_THAT(gets("ticks")->json, HasSubstr(R"("type":"test")"));
    on_loop(loop, [this] { EXPECT_NE(shared->find("source", "ticks"), nullptr); });
}

TEST_F(SourcesSpec, ASourceIsPinnedToANodeThatIsKnownAndUnpinned) {
    starts();
    ASSERT_TRUE(writes({.body = kTicks}).has_value());
    EXPECT_EQ(acts("ticks", "move", R"({"node":"nobody"})").error().why, Failure::Why::Invalid);
    const auto pinned = acts("ticks", "move", R"({"node":"one"})");
    ASSERT_TRUE(pinned.has_value()) << pinned.error().detail;
    EXPECT_THAT(*pinned, HasSubstr(R"("moved_to":")" + node.text()));
    EXPECT_THAT(*acts("ticks", "move", R"({"node":null})"), Not(HasSubstr("moved_to")));
    EXPECT_THAT(*acts("ticks", "history"), HasSubstr(R"("lost":false)"));
}

TEST_F(SourcesSpec, ASourceOfAnotherOwnerStandsByAndShowsWhatTheOwnerTold) {
    starts();
    NodeId other;
    other.bytes.fill(2);
    on_loop(loop, [&] { claims({"ticks", other, Epoch{5}, 9, false}); });
    ASSERT_TRUE(writes({.body = kTicks}).has_value());
    EXPECT_THAT(gets("ticks")->json,
                AllOf(HasSubstr(R"("state":"standby")"), HasSubstr(R"("owner":")" + other.text())));
}

TEST_F(SourcesSpec, ASourceThatIsGoneLeavesNoSeries) {
    starts();
    ASSERT_TRUE(writes({.body = kTicks}).has_value());
    EXPECT_THAT(metrics.prometheus(), HasSubstr(R"(source="ticks")"));
    ASSERT_TRUE(removes("ticks").has_value());
    EXPECT_THAT(metrics.prometheus(), Not(HasSubstr(R"(source="ticks")")));
}

TEST_F(SourcesSpec, ATrialIsAnsweredWhenTheNodeEnds) {
    starts();
    Awaited<api::Outcome<Bytes>> trial, probe;
    sources->act(
        "", "test",
        R"({"name":"t","type":"websocket","topic":"a.b","url":")" + server.url("ws") + "\"}", "me",
        trial.reply());
    sources->act("", "probe", R"({"seconds":60,"url":")" + server.url("http") + "\"}", "me",
                 probe.reply());
    on_loop(loop, [] {});
    EXPECT_TRUE(trial.waits());
    EXPECT_TRUE(probe.waits());
    ends();
    EXPECT_TRUE(trial.get().has_value());
    EXPECT_TRUE(probe.get().has_value());
}

TEST_F(SourcesSpec, ATrialThatCannotBeIsRefusedAtOnce) {
    starts();
    EXPECT_EQ(acts("", "test", "{").error().why, Failure::Why::Invalid);
    EXPECT_EQ(
        acts("", "test", R"({"name":"t","type":"websocket","topic":"a","url":"ws://10.0.0.7/"})")
            .error()
            .why,
        Failure::Why::AddressBlocked);
    EXPECT_EQ(acts("", "probe", R"({"url":"ws://10.0.0.7/"})").error().why,
              Failure::Why::AddressBlocked);
    EXPECT_EQ(acts("", "juggle").error().why, Failure::Why::NotFound);
    EXPECT_TRUE(acts("", "schema").has_value());
}

TEST_F(SourcesSpec, ATrialOfATestSourceShowsMessagesAndStoresNothing) {
    starts();
    const auto shown = acts("", "test", R"({"name":"t","type":"test","topic":"trial.x"})");
    ASSERT_TRUE(shown.has_value()) << shown.error().detail;
    json::Document document;
    ASSERT_TRUE(document.parse(*shown).has_value());
    EXPECT_GT(document.root()["messages"].size(), 0U) << *shown;
    EXPECT_FALSE(store->topic("trial.x").has_value());
}

TEST_F(SourcesSpec, ASourceThatIsStoppedAndStartedGoesOnWhereItStood) {
    starts();
    const std::string path = directory.file("feed.ndjson", "{\"n\":1}\n{\"n\":2}\n");
    const std::string definition =
        R"({"name":"f","type":"file","topic":"f.x","follow":true,"path":")" + path + "\"}";
    const auto holds = [&](std::uint64_t messages) {
        for (int attempt = 0; attempt < 2000; ++attempt) {
            if (const auto topic = store->topic("f.x"); topic && topic->messages >= messages)
                return topic->messages;
            std::promise<void> later;
            on_loop(loop, [&] { loop.after(5ms, [&later] { later.set_value(); }); });
            later.get_future().wait();
        }
        return std::uint64_t{0};
    };
    ASSERT_TRUE(writes({.body = definition}).has_value());
    EXPECT_EQ(holds(2), 2U);
    ASSERT_TRUE(acts("f", "disable").has_value());
    directory.file("feed.ndjson", "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
    ASSERT_TRUE(acts("f", "enable").has_value());
    EXPECT_EQ(holds(3), 3U);
    ASSERT_TRUE(
        writes({.name = "f", .body = R"({"labels":{"a":"b"}})", .patch = true}).has_value());
    directory.file("feed.ndjson", "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n{\"n\":4}\n");
    EXPECT_EQ(holds(4), 4U) << "a label changes nothing in the feed";
    EXPECT_TRUE(store->record("position", "f").has_value());
}

TEST_F(SourcesSpec, AWebhookThatIsNoneIsNotFound) {
    starts();
    ASSERT_TRUE(writes({.body = kTicks}).has_value());
    Awaited<Result<api::PublishResult>> answer;
    engine->push({"ticks", "{}", {}}, answer.reply());
    EXPECT_EQ(answer.get().error().code, Errc::NotFound);
}

TEST_F(SourcesSpec, MessagesOfASourceReachTheStoreAndTheBooksBalance) {
    starts();
    ASSERT_TRUE(writes({.body = R"({"name":"hook","type":"webhook","topic":"hook.{key}",
                                     "map":{"key":"k"},"dedupe":{"by":["key"],"keep":"1m"}})"})
                    .has_value());
    for (const char* body : {R"({"k":"a"})", R"({"k":"a"})", R"({"k":"b"})"}) {
        Awaited<Result<api::PublishResult>> answer;
        engine->push({"hook", body, {}}, answer.reply());
        const auto pushed = answer.get();
        ASSERT_TRUE(pushed.has_value()) << pushed.error().what;
    }
    EXPECT_EQ(store->topic("hook.a")->messages, 1U);
    EXPECT_EQ(store->topic("hook.b")->messages, 1U);
    const Balance balance = on_loop(loop, [&] { return engine->balance(); });
    EXPECT_EQ(balance.duplicates, 1U);
    EXPECT_TRUE(balance.holds());
}

}  // namespace
}  // namespace anode::app
