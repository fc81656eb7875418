#include <set>

#include "unit/source/machine_stage.hpp"

/// Whatever the world does, in whatever order: a machine stays sound.
namespace anode::source::spec {
namespace {

constexpr std::string_view kStorms[] = {
    R"({"name":"a","type":"websocket","url":["wss://a.example/","wss://b.example/?c={$position}"],"topic":"t.{.s}","map":{"key":"s","id":"t"},)"
    R"("items":{"i":["A","B","C"]},"shard":{"items":2},"connect":[{"send":{"sub":[{"$each":"{i}"}],"id":"{n:number}"}},{"expect":".ok","item":"item","within":"2s","reject":".no"}],)"
    R"("classify":[{"match":".hb","as":"heartbeat"},{"match":".notice","as":"notice"},{"match":".fatal","as":"error.fatal"},{"match":".bad","as":"error.item","item":"item"}],)"
    R"("alive":{"ping":{"when":"idle 7s","text":"ping","expect":"pong","within":"2s"},"stale":"20s","stale_action":"reconnect","rotate":"40s ± 10s","overlap":"5s","reply":[{"match":".q","send":{"a":"{.q}"}}]},)"
    R"("continuity":{"rule":"+1","at":"t","on_gap":"snapshot"},"snapshot":{"get":"https://x.example/{i}","align":{"at":"t","first":"t","last":"t"},"settle":"500ms","every":"30s"},)"
    R"("resume":{"at":"t","as":{"header":"X-From"}},"rate":{"connects":"3/5s","messages":"5/s","requests":"4/s","concurrency":2},"limits":{"queue":"64KiB","full":"drop"},"placement":{"on_isolation":"pause"}})",
    R"({"name":"b","type":"websocket","url":["wss://a.example/","wss://b.example/"],"urls":"race","topic":"t","map":{"key":"s","id":"t"},)"
    R"("items":{"i":{"get":"https://x.example/list","select":"list","every":"30s"}},"connect":[{"get":"https://x.example/token","capture":{"tk":"t"}},{"send":"{$tk} {i}"},{"wait":"300ms"},{"expect":".ok"}],)"
    R"("continuity":{"rule":"+1","at":"t","per":"key","on_gap":"backfill"},"backfill":{"get":"https://x.example/{from}/{to}","page":2},"limits":{"queue":"64KiB","full":"conflate"}})",
    R"({"name":"c","type":"sse","url":"https://x.example/","topic":"t","limits":{"queue":"64KiB","full":"stop"}})",
    R"({"name":"d","type":"rest","url":"https://x.example/{i}","topic":"t","items":{"i":["A","B"]},"map":{"key":"s","id":"t"},"dedupe":{"by":["id"]},"connect":[{"get":"https://x.example/token","capture":{"tk":"t"}}],)"
    R"("poll":{"every":"3s","interval_header":"X-Poll","pages":{"next":"next","order":"oldest-first","max":3}},"rate":{"requests":"5/s"},"auth":{"type":"oauth2","token_url":"https://id.example/","client_id":"a","client_secret":{"env":"S"}}})",
    R"({"name":"e","type":"rest","url":"https://x.example/","topic":"t","rows":"rows","map":{"key":"s"},"poll":{"every":"2s","diff":{"key":"s","version":"t","vanish":"delete"}}})",
    R"({"name":"f","type":"file","path":"x","topic":"t","speed":{"times":1,"at":"t"}})",
};

/// A world that does what it likes, and remembers what it may still expect.
class Storm {
public:
    Storm(std::string_view definition, std::uint64_t seed)
        : stage_(definition, {}, seed), rng_(seed * 7919 + 1) {
        stage_.secrets.values["S"] = "storm-secret";
        step(in::Start{});
    }

    void run(int steps) {
        for (int n = 0; n < steps && !testing::Test::HasFailure(); ++n) blow();
        balance();
    }

    /// So that a storm can be told from a calm.
    [[nodiscard]] std::size_t happened() const {
        return stage_.rows.size() + stage_.requests.size() + stage_.opens.size();
    }

private:
    std::string text() {
        static constexpr std::string_view kFrames[] = {
            R"({"ok":1,"item":"A"})",
            R"({"ok":1,"item":"B","id":1})",
            R"({"no":1,"item":"C"})",
            R"({"hb":1})",
            R"({"notice":1})",
            R"({"fatal":1})",
            R"({"bad":1,"item":"A"})",
            R"({"q":"who"})",
            "pong",
            "junk {",
            R"([1,2,3])",
            "",
            R"({"list":["A","D","E"]})",
            R"({"t":"token","next":"/more"})",
            R"({"access_token":"T","expires_in":9})",
            R"({"rows":[{"s":"A","t":4},{"s":"B","t":1}]})",
            R"({"rows":[]})",
            R"({"next":"https://other.example/"})"};
        if (rng_.chance(0.4)) {
            return R"({"s":")" + std::string(1, static_cast<char>('A' + rng_.below(3))) +
                   R"(","t":)" + std::to_string(++number_ + rng_.below(3)) + "}";
        }
        if (rng_.chance(0.05)) {
            std::string noise(rng_.below(40), '\0');
            for (char& c : noise) c = static_cast<char>(rng_.below(256));
            return noise;
        }
        return std::string(kFrames[rng_.below(std::size(kFrames))]);
    }
    ConnId some_connection() {
        if (open_.empty() || rng_.chance(0.02))
            return ConnId{static_cast<std::uint32_t>(rng_.below(40))};
        auto it = open_.begin();
        std::advance(it, static_cast<std::ptrdiff_t>(rng_.below(open_.size())));
        return *it;
    }
    Failure some_failure() {
        Failure why;
        why.error = static_cast<ErrorClass>(rng_.below(kErrorClasses));
        static constexpr int kStatus[] = {0, 0, 400, 401, 403, 404, 429, 451, 500, 503};
        why.status = kStatus[rng_.below(std::size(kStatus))];
        if (why.status == 401 || why.status == 403 || why.status == 451) {
            if (rng_.chance(0.9)) why.status = 0;  // else every storm ends as failed
        }
        if (rng_.chance(0.3)) why.headers = {{"Retry-After", rng_.chance(0.5) ? "1" : "soon"}};
        if (rng_.chance(0.3)) why.body = text();
        return why;
    }

    void blow() {
        switch (rng_.below(20)) {
            case 0:
                step(in::Closed{some_connection(), some_failure()});
                break;
            case 1: {
                const bool full = rng_.chance(0.4);
                step(in::Pressure{full});
                break;
            }
            case 2:
                step(in::Alive{some_connection()});
                break;
            case 3:
                if (rng_.chance(0.05)) step(in::Restart{});
                if (rng_.chance(0.05)) step(in::Isolated{rng_.chance(0.3)});
                break;
            case 4:
            case 5:
            case 6:
                open_some();
                break;
            case 7:
            case 8:
            case 9:
                answer_some();
                break;
            case 10:
            case 11:
                pass(Duration(rng_.between(0, 3'000'000'000)));
                break;
            case 12: {
                const std::string data = text(), id = std::to_string(++number_);
                step(in::SseEvent{some_connection(), id, "message", data, {}});
                break;
            }
            case 13: {
                const std::string data = text();
                const ConnId file = stage_.files.empty() ? ConnId{1} : stage_.files.back().conn;
                step(in::FileData{file, data, ++number_});
                if (rng_.chance(0.1)) step(in::FileEnd{file});
                if (rng_.chance(0.3)) step(in::Opened{file, {}});
                break;
            }
            default: {
                const std::string data = text();
                step(in::Frame{some_connection(), data, rng_.chance(0.1)});
                break;
            }
        }
    }
    void open_some() {
        if (opening_.empty()) return;
        const ConnId conn = *opening_.begin();
        opening_.erase(opening_.begin());
        step(in::Opened{conn, {}});
    }
    void answer_some() {
        if (stage_.asked.empty()) return;
        const auto place = static_cast<std::ptrdiff_t>(rng_.below(stage_.asked.size()));
        const RequestId id = stage_.asked[static_cast<std::size_t>(place)].first;
        stage_.asked.erase(stage_.asked.begin() + place);
        if (rng_.chance(0.2)) {
            step(in::RequestFailed{id, some_failure()});
            return;
        }
        const std::string body = text();
        const Headers headers{{"ETag", "\"" + std::to_string(rng_.below(3)) + "\""},
                              {"X-Poll", std::to_string(rng_.below(5))}};
        static constexpr int kStatus[] = {200, 200, 200, 200, 204, 304, 404, 429, 500};
        step(in::Answered{id, kStatus[rng_.below(std::size(kStatus))], headers, body, {}});
    }
    void pass(Duration time) {
        const Instant end = stage_.now.mono + time;
        while (true) {
            auto next = stage_.timers.end();
            for (auto it = stage_.timers.begin(); it != stage_.timers.end(); ++it) {
                if (it->first <= end && (next == stage_.timers.end() || it->first < next->first)) {
                    next = it;
                }
            }
            if (next == stage_.timers.end()) break;
            const auto [at, id] = *next;
            stage_.timers.erase(next);
            move_to(std::max(at, stage_.now.mono));
            step(in::TimerFired{id});
            ASSERT_LT(++fired_, 500'000) << "timers fire without end";
        }
        move_to(end);
    }
    void move_to(Instant time) {
        stage_.now.wall +=
            std::chrono::duration_cast<std::chrono::microseconds>(time - stage_.now.mono).count();
        stage_.now.mono = time;
    }

    void step(const Input& input) {
        if (const auto* closed = std::get_if<in::Closed>(&input)) {
            open_.erase(closed->conn);
            opening_.erase(closed->conn);
        }
        stage_.step(input);
        ASSERT_LT(stage_.effects.actions.size(), 2000u);
        for (const Action& action : stage_.effects.actions) check(action);
        ASSERT_LT(open_.size(), 20u);
        ASSERT_LT(stage_.timers.size(), 5000u);
    }
    /// Nothing is asked of a connection that ended, and no id comes twice.
    void check(const Action& action) {
        if (const auto* open = std::get_if<act::Open>(&action)) {
            EXPECT_TRUE(ever_.insert(open->conn).second);
            open_.insert(open->conn);
            opening_.insert(open->conn);
        } else if (const auto* close = std::get_if<act::CloseConn>(&action)) {
            if (stage_.files.empty()) EXPECT_EQ(open_.count(close->conn), 1u);
            open_.erase(close->conn);
            opening_.erase(close->conn);
        } else if (const auto* send = std::get_if<act::Send>(&action)) {
            EXPECT_EQ(open_.count(send->conn), 1u) << "a message to a connection that ended";
        } else if (const auto* ping = std::get_if<act::Ping>(&action)) {
            EXPECT_EQ(open_.count(ping->conn), 1u);
        } else if (const auto* reading = std::get_if<act::Reading>(&action)) {
            if (stage_.files.empty()) EXPECT_EQ(open_.count(reading->conn), 1u);
        } else if (const auto* arm = std::get_if<act::Arm>(&action)) {
            EXPECT_GE(arm->after, Duration::zero());
        }
    }
    /// Double entry: what was counted as published went out, waits, or was told to be lost.
    void balance() {
        const Status status = stage_.status();
        EXPECT_EQ(status.counters.rows, stage_.rows.size() + status.queued_rows +
                                            status.counters.overflowed + status.counters.conflated);
        step(in::Stop{});
        EXPECT_EQ(stage_.status().queued_rows, 0u);
        EXPECT_TRUE(stage_.asked.empty());
        EXPECT_TRUE(open_.empty()) << "a stopped source holds no connection";
        const std::size_t opens = ever_.size();
        pass(1h);
        EXPECT_EQ(ever_.size(), opens) << "a stopped source opens none";
    }

    Stage stage_;
    Rng rng_;
    std::set<ConnId> ever_, open_, opening_;
    std::uint64_t number_ = 0;
    std::size_t fired_ = 0;
};

class MachineStormSpec : public testing::TestWithParam<std::size_t> {};

TEST_P(MachineStormSpec, WhateverTheWorldDoesTheBooksBalanceAndNothingHangs) {
    std::size_t happened = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Storm storm(kStorms[GetParam()], seed);
        storm.run(400);
        happened += storm.happened();
        if (HasFailure()) return;
    }
    EXPECT_GT(happened, 200u);
}
INSTANTIATE_TEST_SUITE_P(All, MachineStormSpec, testing::Range(std::size_t{0}, std::size(kStorms)));

}  // namespace
}  // namespace anode::source::spec
