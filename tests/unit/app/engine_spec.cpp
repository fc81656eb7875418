#include "app/engine.hpp"

#include <algorithm>

#include "unit/app/stage.hpp"

namespace anode::app {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::unique_ptr<Store> opened(const TempDirectory& directory) {
    StoreOptions options;
    options.directory = directory.path() + "/store";
    options.sync_interval = 1ms;
    options.min_free_fraction = 0;
    auto store = Store::open(options);
    if (!store) throw std::runtime_error(store.error().what);
    return std::move(*store);
}

std::vector<std::string> stored(const Store& store, std::string_view topics) {
    Query query;
    query.topics = *PatternSet::parse(topics);
    const auto scan = store.scan(std::move(query));
    std::vector<Found> found;
    for (;;) {
        const auto more = scan->next(found, 1000, 1 << 20);
        if (!more || !*more) break;
    }
    std::vector<std::string> payloads;
    for (const Found& one : found) payloads.emplace_back(one.block->entry(one.index).payload);
    return payloads;
}

std::shared_ptr<const pipeline::Definition> pipeline_of(std::string_view json) {
    json::Document document;
    EXPECT_TRUE(document.parse(json).has_value());
    return *pipeline::parse(document.root());
}

class EngineSpec : public testing::Test {
protected:
    TempDirectory directory;
};

TEST_F(EngineSpec, WhatIsPublishedIsStoredInItsOrder) {
    const auto store = opened(directory);
    RunningEngine run(*store);
    const auto answer = run.publish(publish_request("a.b", {"1", "2", "3"}));
    ASSERT_TRUE(answer.has_value());
    EXPECT_THAT(answer->ids, SizeIs(3));
    EXPECT_TRUE(std::ranges::is_sorted(answer->ids));
    EXPECT_EQ(answer->level.ack, api::Ack::Disk);
    EXPECT_THAT(stored(*store, "a.b"), ElementsAre("1", "2", "3"));
    const Balance balance = run.balance();
    EXPECT_EQ(balance.received, 3U);
    EXPECT_TRUE(balance.holds());
}

TEST_F(EngineSpec, LiveListenersSeeEveryMessageOnceInOrder) {
    const auto store = opened(directory);
    RunningEngine run(*store);
    std::mutex mutex;
    std::vector<std::string> seen;
    std::vector<Arrival> arrivals;
    Arrival head;
    const std::uint64_t id = run.engine->attach(
        [&](const BlockPtr& block) {
            const std::lock_guard lock(mutex);
            for (std::uint32_t i = 0; i < block->count(); ++i) {
                seen.emplace_back(block->entry(i).payload);
                arrivals.push_back(block->first_arrival().plus(i));
            }
        },
        head);
    std::vector<std::string> wanted;
    for (int i = 0; i < 500; ++i) {
        wanted.push_back(std::to_string(i));
        run.engine->publish(publish_request("a.b", {wanted.back()}, api::Ack::Received), {});
    }
    ASSERT_TRUE(run.publish(publish_request("a.b", {"\"end\""})).has_value());
    run.engine->detach(id);
    ASSERT_TRUE(run.publish(publish_request("a.b", {"\"unseen\""})).has_value());
    wanted.emplace_back("\"end\"");
    EXPECT_EQ(seen, wanted);
    EXPECT_EQ(arrivals.front(), head.plus(1));
    EXPECT_EQ(arrivals.back(), head.plus(501));
}

TEST_F(EngineSpec, AckReceivedDoesNotWaitForTheDisk) {
    ScriptedStore store;
    RunningEngine run(store);
    const auto answer = run.publish(publish_request("a.b", {"1"}, api::Ack::Received));
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->level.ack, api::Ack::Received);
}

TEST_F(EngineSpec, AckDiskWaitsForTheDisk) {
    ScriptedStore store;
    RunningEngine run(store);
    Awaited<Result<api::PublishResult>> answer;
    run.engine->publish(publish_request("a.b", {"1"}), answer.reply());
    store.awaits_append();
    EXPECT_TRUE(answer.waits());
    EXPECT_EQ(run.balance().queued, 1U);
    store.ends_one();
    EXPECT_TRUE(answer.get().has_value());
}

TEST_F(EngineSpec, AKeyAnswersAgainAndAddsNothing) {
    const auto store = opened(directory);
    RunningEngine run(*store);
    const auto first = run.publish(publish_request("a.b", {"1"}, api::Ack::Disk, "k"));
    const auto again = run.publish(publish_request("a.b", {"1"}, api::Ack::Disk, "k"));
    const auto other_topic = run.publish(publish_request("a.c", {"1"}, api::Ack::Disk, "k"));
    ASSERT_TRUE(first && again && other_topic);
    EXPECT_FALSE(first->repeated);
    EXPECT_TRUE(again->repeated);
    EXPECT_EQ(again->ids, first->ids);
    EXPECT_FALSE(other_topic->repeated);
    EXPECT_THAT(stored(*store, "a.b"), ElementsAre("1"));
    EXPECT_TRUE(run.balance().holds());
}

TEST_F(EngineSpec, AKeyWithAnotherBodyIsAConflict) {
    const auto store = opened(directory);
    RunningEngine run(*store);
    ASSERT_TRUE(run.publish(publish_request("a.b", {"1"}, api::Ack::Disk, "k")).has_value());
    const auto other = run.publish(publish_request("a.b", {"2"}, api::Ack::Disk, "k"));
    ASSERT_FALSE(other.has_value());
    EXPECT_EQ(other.error().code, Errc::Conflict);
    EXPECT_THAT(run.metrics.prometheus(), HasSubstr(R"(reason="key-reused")"));
    EXPECT_TRUE(run.balance().holds());
}

TEST_F(EngineSpec, KeysAreRememberedOverARestart) {
    std::vector<MessageId> ids;
    {
        const auto store = opened(directory);
        RunningEngine run(*store);
        ids = run.publish(publish_request("a.b", {"1"}, api::Ack::Disk, "k"))->ids;
    }
    const auto store = opened(directory);
    RunningEngine run(*store);
    const auto again = run.publish(publish_request("a.b", {"1"}, api::Ack::Disk, "k"));
    ASSERT_TRUE(again.has_value());
    EXPECT_TRUE(again->repeated);
    EXPECT_EQ(again->ids, ids);
    EXPECT_THAT(stored(*store, "a.b"), ElementsAre("1"));
}

TEST_F(EngineSpec, IdsGoOnRisingOverARestart) {
    MessageId last;
    for (int run_number = 0; run_number < 3; ++run_number) {
        const auto store = opened(directory);
        RunningEngine run(*store);
        const auto answer = run.publish(publish_request("a.b", {"1"}));
        ASSERT_TRUE(answer.has_value());
        EXPECT_GT(answer->ids.front(), last);
        last = answer->ids.front();
    }
}

TEST_F(EngineSpec, ARecordThatCannotBeReadIsNoKey) {
    ScriptedStore store;
    store.kept = {{std::string("a.b\0k", 5), "rubbish"}};
    RunningEngine run(store);
    EXPECT_FALSE(run.publish(publish_request("a.b", {"1"}, api::Ack::Received, "k"))->repeated);
}

TEST_F(EngineSpec, PipelinesFeedTheLogAndTheirFailuresTheDeadLetters) {
    const auto store = opened(directory);
    RunningEngine run(*store);
    on_loop(run.loop, [&] {
        ASSERT_TRUE(run.engine->pipelines().put(
            pipeline_of(
                R"({"name":"p","input":"in.a","output":"out.a","steps":[{"map":".data+1"}]})"),
            run.loop.now()));
        run.engine->pipelines_changed();
    });
    ASSERT_TRUE(run.publish(publish_request("in.a", {"1", "{}"})).has_value());
    EXPECT_THAT(stored(*store, "out.a"), ElementsAre("2"));
    EXPECT_THAT(stored(*store, "$dlq.api"), ElementsAre(AllOf(HasSubstr("pipeline p, step 0 (map)"),
                                                              HasSubstr(R"("raw":"{}")"))));
    EXPECT_TRUE(run.balance().holds());
}

TEST_F(EngineSpec, WindowsComeOutByThemselves) {
    const auto store = opened(directory);
    RunningEngine run(*store);
    std::promise<void> came;
    Arrival head;
    const auto id = run.engine->attach(
        [&came, once = false](const BlockPtr& block) mutable {
            for (std::uint32_t i = 0; i < block->count(); ++i)
                if (block->entry(i).topic == "out.a" && !std::exchange(once, true))
                    came.set_value();
        },
        head);
    on_loop(run.loop, [&] {
        ASSERT_TRUE(run.engine->pipelines().put(
            pipeline_of(
                R"({"name":"p","input":"in.a","output":"out.a","steps":[{"conflate":"10ms"}]})"),
            run.loop.now()));
    });
    ASSERT_TRUE(run.publish(publish_request("in.a", {"1"})).has_value());
    EXPECT_EQ(came.get_future().wait_for(20s), std::future_status::ready);
    run.engine->detach(id);
}

TEST_F(EngineSpec, DeadLettersAreLimitedAndTheRestIsCounted) {
    const auto store = opened(directory);
    RunningEngine run(*store);
    on_loop(run.loop, [&] {
        for (int i = 0; i < 150; ++i) run.engine->dead_letter("bad", "why", "{\"a\":");
        run.engine->dead_letter("other", "why", "x");
    });
    run.engine->stop();
    EXPECT_THAT(stored(*store, "$dlq.bad"), SizeIs(100));
    EXPECT_THAT(stored(*store, "$dlq.other"), SizeIs(1));
}

TEST_F(EngineSpec, ALongOrBinaryLetterIsCutAndStillJson) {
    const auto store = opened(directory);
    RunningEngine run(*store);
    on_loop(run.loop, [&] { run.engine->dead_letter("bad", "why", std::string(100'000, '\xff')); });
    run.engine->stop();
    const auto letters = stored(*store, "$dlq.bad");
    ASSERT_THAT(letters, SizeIs(1));
    json::Document document;
    ASSERT_TRUE(document.parse(letters[0]).has_value());
    EXPECT_EQ(document.root()["bytes"].raw(), "100000");
}

TEST_F(EngineSpec, ANodeThatDrainsRefuses) {
    ScriptedStore store;
    RunningEngine run(store);
    run.engine->drain(true);
    EXPECT_EQ(run.publish(publish_request("a.b", {"1"})).error().code, Errc::Closed);
    run.engine->drain(false);
    EXPECT_TRUE(run.publish(publish_request("a.b", {"1"}, api::Ack::Received)).has_value());
}

TEST_F(EngineSpec, APushWithoutASourceIsNotFound) {
    ScriptedStore store;
    RunningEngine run(store);
    Awaited<Result<api::PublishResult>> answer;
    run.engine->push({"none", "{}", {}}, answer.reply());
    EXPECT_EQ(answer.get().error().code, Errc::NotFound);
}

TEST_F(EngineSpec, AFullDiskRefusesDurableWritesAndKeepsStreaming) {
    ScriptedStore store;
    store.full = true;
    store.answers_append(Error{Errc::NoSpace, "full"});
    RunningEngine run(store);
    std::atomic<int> live{0};
    Arrival head;
    const auto id = run.engine->attach(
        [&](const BlockPtr& block) { live += static_cast<int>(block->count()); }, head);
    EXPECT_EQ(run.publish(publish_request("a.b", {"1"})).error().code, Errc::NoSpace);
    EXPECT_EQ(run.publish(publish_request("a.b", {"2"})).error().code, Errc::NoSpace);
    EXPECT_TRUE(run.publish(publish_request("a.b", {"3"}, api::Ack::Received)).has_value());
    run.engine->stop();  // what nobody waits for goes to the store together, a little later
    EXPECT_EQ(live, 2) << "the second was refused before it became a message";
    const Balance balance = run.balance();
    EXPECT_TRUE(balance.holds());
    EXPECT_EQ(balance.dropped, 2U);
    EXPECT_EQ(balance.rejected, 1U);
    run.engine->detach(id);
}

TEST_F(EngineSpec, RoomOnTheDiskIsNoticed) {
    ScriptedStore store;
    store.full = true;
    store.answers_append(Error{Errc::NoSpace, "full"});
    RunningEngine run(store);
    EXPECT_FALSE(run.publish(publish_request("a.b", {"1"})).has_value());
    store.answers_append(std::nullopt);
    store.full = false;
    // Looked at once a second.
    for (int attempt = 0; attempt < 2000; ++attempt) {
        Awaited<Result<api::PublishResult>> answer;
        run.engine->publish(publish_request("a.b", {"2"}), answer.reply());
        on_loop(run.loop, [] {});
        if (store.waiting() == 0 && !answer.waits()) {
            ASSERT_EQ(answer.get().error().code, Errc::NoSpace);
            std::promise<void> later;
            on_loop(run.loop, [&] { run.loop.after(10ms, [&later] { later.set_value(); }); });
            later.get_future().wait();
            continue;
        }
        store.ends_one();
        EXPECT_TRUE(answer.get().has_value());
        return;
    }
    ADD_FAILURE() << "the node never went on";
}

TEST_F(EngineSpec, AKeyWhoseMessagesWereLostIsFreeAgain) {
    ScriptedStore store;
    RunningEngine run(store);
    Awaited<Result<api::PublishResult>> first, meanwhile;
    run.engine->publish(publish_request("a.b", {"1"}, api::Ack::Disk, "k"), first.reply());
    store.awaits_append();
    run.engine->publish(publish_request("a.b", {"1"}, api::Ack::Disk, "k"), meanwhile.reply());
    store.ends_one(fail(Errc::Io, "broken"));
    EXPECT_EQ(first.get().error().code, Errc::Io);
    on_loop(run.loop, [] {});
    while (store.waiting() > 0) store.ends_one();
    EXPECT_FALSE(meanwhile.get().has_value()) << "no answer may tell of messages that are gone";

    Awaited<Result<api::PublishResult>> again;
    run.engine->publish(publish_request("a.b", {"1"}, api::Ack::Disk, "k"), again.reply());
    store.ends_one();
    const auto answer = again.get();
    ASSERT_TRUE(answer.has_value());
    EXPECT_FALSE(answer->repeated);
}

TEST_F(EngineSpec, AFullQueueStopsTheIntakeAndLosesNothing) {
    ScriptedStore store;
    RunningEngine run(store);
    std::atomic<int> pressed{0};
    on_loop(run.loop, [&] { run.engine->on_pressure([&](bool on) { pressed += on ? 1 : -1; }); });
    store.answers_append(Error{Errc::Overloaded, "queue"});
    Awaited<Result<api::PublishResult>> waiting;
    run.engine->publish(publish_request("a.b", {"1"}), waiting.reply());
    store.awaits_asked(1);
    on_loop(run.loop, [] {});
    EXPECT_TRUE(run.engine->pressed());
    EXPECT_EQ(pressed, 1);
    EXPECT_EQ(run.publish(publish_request("a.b", {"2"})).error().code, Errc::Overloaded);
    store.answers_append(std::nullopt);
    store.ends_one();  // nothing was in flight: the engine asks again by itself
    EXPECT_TRUE(waiting.get().has_value());
    on_loop(run.loop, [] {});
    EXPECT_FALSE(run.engine->pressed());
    EXPECT_EQ(pressed, 0);
    EXPECT_TRUE(run.balance().holds());
}

TEST_F(EngineSpec, AQueueThatIsNearlyFullPressesToo) {
    ScriptedStore store;
    RunningEngine run(store);
    store.queued = 60u << 20;
    EXPECT_TRUE(run.publish(publish_request("a.b", {"1"}, api::Ack::Received)).has_value());
    store.awaits_append();
    on_loop(run.loop, [] {});
    EXPECT_TRUE(run.engine->pressed());
    store.queued = 0;
    store.ends_one();
    on_loop(run.loop, [] {});
    EXPECT_FALSE(run.engine->pressed());
}

TEST_F(EngineSpec, SheddingRefusesUntilItIsOver) {
    ScriptedStore store;
    RunningEngine run(store);
    on_loop(run.loop, [&] { run.engine->shed(true); });
    EXPECT_EQ(run.publish(publish_request("a.b", {"1"})).error().code, Errc::Overloaded);
    on_loop(run.loop, [&] { run.engine->shed(false); });
    EXPECT_TRUE(run.publish(publish_request("a.b", {"1"}, api::Ack::Received)).has_value());
}

TEST_F(EngineSpec, TheEndLetsWindowsOutAndStoresThem) {
    const auto store = opened(directory);
    RunningEngine run(*store);
    on_loop(run.loop, [&] {
        ASSERT_TRUE(run.engine->pipelines().put(
            pipeline_of(
                R"({"name":"p","input":"in.a","output":"out.a","steps":[{"window":{"size":"24h"}}]})"),
            run.loop.now()));
    });
    ASSERT_TRUE(run.publish(publish_request("in.a", {"1", "2"}, api::Ack::Received)).has_value());
    run.engine->stop();
    EXPECT_THAT(stored(*store, "out.a"), ElementsAre(HasSubstr(R"("count":2)")));
    EXPECT_EQ(run.publish(publish_request("a.b", {"1"})).error().code, Errc::Closed);
}

TEST_F(EngineSpec, TheEndHandsOverWhatWaitedForAFullQueue) {
    ScriptedStore store;
    RunningEngine run(store);
    store.answers_append(Error{Errc::Overloaded, "queue"});
    Awaited<Result<api::PublishResult>> waiting;
    run.engine->publish(publish_request("a.b", {"1"}), waiting.reply());
    store.awaits_asked(1);
    on_loop(run.loop, [] {});
    store.answers_append(std::nullopt);
    run.engine->stop();
    EXPECT_TRUE(waiting.get().has_value());
}

TEST_F(EngineSpec, AStoreThatStaysFullDoesNotHoldTheEndUp) {
    ScriptedStore store;
    RunningEngine run(store);
    store.answers_append(Error{Errc::Overloaded, "queue"});
    run.engine->publish(publish_request("a.b", {"1"}), {});
    run.engine->stop();
}

TEST_F(EngineSpec, SystemMessagesAreStoredAsTheNodesOwn) {
    const auto store = opened(directory);
    RunningEngine run(*store);
    run.engine->system_message("$sys.event.test", R"({"a":1})");
    run.engine->stop();
    EXPECT_THAT(stored(*store, "$sys.>"), ElementsAre(R"({"a":1})"));
    EXPECT_EQ(run.balance().derived, 1U);
}

TEST_F(EngineSpec, ASourceThatIsGoneTakesItsSeriesAlong) {
    metrics::Registry registry;
    IngestSeries series(registry);
    Draft draft;
    draft.topic = "a.b";
    for (int i = 0; i < 2500; ++i) {
        const std::string source = "s" + std::to_string(i);
        draft.source = source;
        series.taken(draft);
        registry.remove("source", source);
        series.forget(source);
    }
    draft.source = "new";
    series.taken(draft);
    EXPECT_THAT(registry.prometheus(),
                HasSubstr(R"(anode_ingest_messages_total{ns="a",source="new"} 1)"));
}

TEST_F(EngineSpec, LabelsAreBounded) {
    metrics::Registry registry;
    IngestSeries series(registry);
    Draft draft;
    for (int i = 0; i < 150; ++i) {
        const std::string topic = "ns" + std::to_string(i) + ".x";
        draft.topic = topic;
        series.taken(draft);
    }
    EXPECT_THAT(registry.prometheus(),
                AllOf(HasSubstr(R"(ns="ns99")"), HasSubstr(R"(ns="other",source="api"} 50)")));
    EXPECT_THAT(registry.prometheus(), testing::Not(HasSubstr(R"(ns="ns100")")));
}

}  // namespace
}  // namespace anode::app
