#include "runtime/loop.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

#include "runtime/timer_heap.hpp"
#include "support/loop_fixture.hpp"

namespace anode {
namespace {

using support::Facts;
using testing::ElementsAre;

class LoopTaskSpec : public support::LoopSpec {};

TEST_F(LoopTaskSpec, RunsPostedTasksInTheirOrderOnItsOwnThread) {
    std::vector<int> seen;
    bool on_thread = false;
    for (int i = 0; i < 100; ++i) loop.post([&seen, i] { seen.push_back(i); });
    on_loop([&] { on_thread = loop.on_thread(); });
    ASSERT_EQ(seen.size(), 100u);
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
    EXPECT_TRUE(on_thread);
    EXPECT_FALSE(loop.on_thread());
}

TEST_F(LoopTaskSpec, LosesNoTaskOfManyThreads) {
    std::atomic<int> count{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 10'000; ++i) loop.post([&] { ++count; });
        });
    for (auto& thread : threads) thread.join();
    on_loop([] {});
    EXPECT_EQ(count, 40'000);
    EXPECT_EQ(loop.queue_depth(), 0u);
}

TEST_F(LoopTaskSpec, RunsDeferredTasksAfterTheRoundThatAskedForThem) {
    std::vector<std::string> seen;
    on_loop([&] {
        loop.defer([&] {
            seen.emplace_back("deferred");
            loop.defer([&] { seen.emplace_back("deferred again"); });
        });
        seen.emplace_back("task");
    });
    on_loop([] {});
    on_loop([] {});
    EXPECT_THAT(seen, ElementsAre("task", "deferred", "deferred again"));
}

TEST_F(LoopTaskSpec, RunsTimersInTheOrderOfTheirTime) {
    Facts facts;
    std::vector<int> seen;
    on_loop([&] {
        for (const int ms : {30, 10, 20})
            loop.after(std::chrono::milliseconds(ms),
                       [&, ms] { facts.change([&] { seen.push_back(ms); }); });
    });
    ASSERT_TRUE(facts.wait([&] { return seen.size() == 3; }));
    EXPECT_THAT(seen, ElementsAre(10, 20, 30));
}

TEST_F(LoopTaskSpec, NeverRunsATimerThatWasCancelled) {
    Facts facts;
    std::vector<int> seen;
    on_loop([&] {
        const TimerId first = loop.after(5ms, [&] { facts.change([&] { seen.push_back(1); }); });
        loop.after(10ms, [&] { facts.change([&] { seen.push_back(2); }); });
        loop.cancel(first);
        loop.cancel(first);
        loop.cancel(TimerId{12345});
    });
    ASSERT_TRUE(facts.wait([&] { return !seen.empty(); }));
    EXPECT_THAT(seen, ElementsAre(2));
}

TEST_F(LoopTaskSpec, KeepsOneTimeForOneRound) {
    on_loop([&] {
        const Now before = loop.now();
        const Instant real = Instant(std::chrono::steady_clock::now().time_since_epoch());
        while (Instant(std::chrono::steady_clock::now().time_since_epoch()) - real < 2ms) {
        }
        EXPECT_EQ(loop.now().mono, before.mono);
        EXPECT_EQ(loop.now().wall, before.wall);
    });
}

TEST_F(LoopTaskSpec, ShowsHowLongItsRoundHasTaken) {
    std::promise<void> entered, leave;
    loop.post([&] {
        entered.set_value();
        leave.get_future().wait();
    });
    entered.get_future().wait();
    const Instant began = Instant(std::chrono::steady_clock::now().time_since_epoch());
    while (loop.tick_age() < 5ms)
        ASSERT_LT(Instant(std::chrono::steady_clock::now().time_since_epoch()) - began, 5s);
    leave.set_value();
    on_loop([] {});
    while (loop.tick_age() != Duration::zero())
        ASSERT_LT(Instant(std::chrono::steady_clock::now().time_since_epoch()) - began, 5s);
}

TEST_F(LoopTaskSpec, TakesNoTaskOnceItStopped) {
    loop.stop();
    EXPECT_FALSE(loop.post([] {}));
}

struct Reader : Loop::Watcher {
    explicit Reader(std::function<void(std::uint32_t)> call) : ready(std::move(call)) {}
    void on_ready(std::uint32_t events) override { ready(events); }
    std::function<void(std::uint32_t)> ready;
};

TEST_F(LoopTaskSpec, TellsWhenADescriptorIsReadable) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    Facts facts;
    std::string got;
    Reader reader([&](std::uint32_t) {
        char bytes[16];
        const auto count = ::read(ends[0], bytes, sizeof bytes);
        facts.change([&] { got.append(bytes, static_cast<std::size_t>(count)); });
    });
    on_loop([&] { ASSERT_TRUE(loop.watch(ends[0], Loop::Readable, reader)); });
    ASSERT_EQ(::write(ends[1], "news", 4), 4);
    EXPECT_TRUE(facts.wait([&] { return got == "news"; }));
    on_loop([&] { loop.unwatch(ends[0], reader); });
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_F(LoopTaskSpec, NeverCallsAWatcherThatAnotherOneOfTheSameRoundRemoved) {
    std::array<int, 2> a{}, b{};
    ASSERT_EQ(::pipe(a.data()) + ::pipe(b.data()), 0);
    ASSERT_EQ(::write(a[1], "x", 1) + ::write(b[1], "x", 1), 2);
    int calls = 0;
    std::unique_ptr<Reader> first, second;
    first = std::make_unique<Reader>([&](std::uint32_t) {
        ++calls;
        loop.unwatch(a[0], *first);
        if (second) loop.unwatch(b[0], *second);
    });
    second = std::make_unique<Reader>([&](std::uint32_t) {
        ++calls;
        loop.unwatch(a[0], *first);
        loop.unwatch(b[0], *second);
    });
    on_loop([&] {
        ASSERT_TRUE(loop.watch(a[0], Loop::Readable, *first));
        ASSERT_TRUE(loop.watch(b[0], Loop::Readable, *second));
    });
    for (int i = 0; i < 3; ++i) on_loop([] {});
    on_loop([&] { EXPECT_LE(calls, 1); });
    for (const int fd : {a[0], a[1], b[0], b[1]}) ::close(fd);
}

struct LoopNapSpec : testing::Test {
    /// Lets a watcher read 500 bytes, one an event; tells how often the loop napped meanwhile.
    std::uint64_t naps_of(Reader& reader) {
        Loop loop({.name = "nap", .nap_max = 500us, .nap_events_per_second = 100});
        loop.start();
        std::promise<void> watched;
        loop.post([&] {
            EXPECT_TRUE(loop.watch(ends[0], Loop::Readable, reader));
            watched.set_value();
        });
        watched.get_future().wait();
        for (int i = 0; i < 500; ++i) EXPECT_EQ(::write(ends[1], "x", 1), 1);
        EXPECT_TRUE(facts.wait([&] { return rounds == 500; }));
        loop.stop();
        loop.join();
        return loop.naps();
    }
    void SetUp() override { ASSERT_EQ(::pipe(ends.data()), 0); }
    void TearDown() override {
        ::close(ends[0]);
        ::close(ends[1]);
    }
    void on_byte(std::uint32_t) {
        char byte;
        EXPECT_EQ(::read(ends[0], &byte, 1), 1);
        facts.change([&] { ++rounds; });
    }
    std::array<int, 2> ends{};
    Facts facts;
    int rounds = 0;
};

TEST_F(LoopNapSpec, StillRunsEverythingWhenItNapsBetweenBusyRounds) {
    Reader reader([this](std::uint32_t events) { on_byte(events); });
    naps_of(reader);
}

TEST_F(LoopNapSpec, DoesNotNapForWhatGathersByItself) {
    struct Gathering final : Reader {
        using Reader::Reader;
        bool gathers() const noexcept override { return true; }
    } reader([this](std::uint32_t events) { on_byte(events); });
    EXPECT_EQ(naps_of(reader), 0u);
}

TEST(TimerHeapSpec, GivesTimersInOrderWhateverWasCancelled) {
    TimerHeap heap;
    std::vector<std::uint64_t> ids;
    std::vector<int> fired;
    for (int i = 0; i < 1000; ++i) {
        const int due = (i * 7919) % 1009;
        ids.push_back(heap.arm(Instant(Duration(due)), [&fired, due] { fired.push_back(due); }));
    }
    for (std::size_t i = 0; i < ids.size(); i += 3) heap.cancel(ids[i]);
    Instant due;
    while (auto task = heap.take_due(Instant(Duration(2000)), due)) (*task)();
    EXPECT_EQ(fired.size(), 666u);
    EXPECT_TRUE(std::is_sorted(fired.begin(), fired.end()));
    EXPECT_EQ(heap.earliest(), std::nullopt);
}

TEST(TimerHeapSpec, DoesNotMistakeANewTimerForAnOldOne) {
    TimerHeap heap;
    const auto old = heap.arm(Instant(Duration(1)), [] {});
    Instant due;
    ASSERT_TRUE(heap.take_due(Instant(Duration(1)), due));
    const auto young = heap.arm(Instant(Duration(2)), [] {});
    heap.cancel(old);
    EXPECT_EQ(heap.size(), 1u);
    heap.cancel(young);
    EXPECT_EQ(heap.size(), 0u);
}

}  // namespace
}  // namespace anode
