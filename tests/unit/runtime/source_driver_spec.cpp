#include "runtime/source_driver.hpp"

#include <deque>
#include <fstream>

#include "core/source/grammar.hpp"
#include "runtime/http_client.hpp"
#include "runtime/system_secrets.hpp"
#include "support/loop_fixture.hpp"
#include "support/ws_script.hpp"

namespace anode {
namespace {

using namespace support;
using testing::ElementsAre;
using testing::HasSubstr;
namespace in = source::in;
namespace act = source::act;

/// Writes down its inputs as words and does what the test has prepared for each of them.
class ScriptedMachine final : public source::Machine {
public:
    using Script = std::function<void(const std::string& word, source::Effects& out)>;
    ScriptedMachine(std::vector<std::string>& words, Facts& facts, Script script)
        : words_(words), facts_(facts), script_(std::move(script)) {}

    void handle(const source::Input& input, Now, source::Effects& out) override {
        const std::string word = std::visit([](const auto& what) { return text(what); }, input);
        facts_.change([&] { words_.push_back(word); });
        script_(word, out);
    }
    [[nodiscard]] source::State state() const noexcept override { return source::State::Live; }
    [[nodiscard]] const source::Counters& counters() const noexcept override { return counters_; }
    [[nodiscard]] source::Status status() const override { return {}; }

private:
    static std::string text(const in::Start&) { return "start"; }
    static std::string text(const in::Stop& what) { return what.drain ? "drain" : "stop"; }
    static std::string text(const in::Restart&) { return "restart"; }
    static std::string text(const in::Isolated&) { return "isolated"; }
    static std::string text(const in::Opened&) { return "opened"; }
    static std::string text(const in::Frame& what) {
        return (what.binary ? "binary " : "frame ") + std::string(what.data);
    }
    static std::string text(const in::SseEvent& what) {
        return "event " + std::string(what.event) + ' ' + std::string(what.id) + ' ' +
               std::string(what.data);
    }
    static std::string text(const in::Alive&) { return "alive"; }
    static std::string text(const in::Closed& what) {
        return "closed " + std::string(source::name(what.why.error)) + ' ' +
               std::to_string(what.why.status) + ' ' + std::to_string(what.why.close_code) + ' ' +
               what.why.body;
    }
    static std::string text(const in::Answered& what) {
        return "answered " + std::to_string(what.status) + ' ' + std::string(what.body);
    }
    static std::string text(const in::RequestFailed& what) {
        return "request-failed " + std::string(source::name(what.why.error));
    }
    static std::string text(const in::TimerFired& what) {
        return "timer " + std::to_string(static_cast<std::uint64_t>(what.id));
    }
    static std::string text(const in::Pressure& what) { return what.full ? "full" : "free"; }
    static std::string text(const in::Pushed& what) { return "pushed " + std::string(what.body); }
    static std::string text(const in::FileData& what) {
        return "row " + std::string(what.row) + ' ' + std::to_string(what.position);
    }
    static std::string text(const in::FileEnd&) { return "file-end"; }

    std::vector<std::string>& words_;
    Facts& facts_;
    Script script_;
    source::Counters counters_;
};

struct Basin final : SourceSink {
    void on_rows(SourceDriver&, std::span<const source::Row> rows,
                 std::span<const source::DeadLetter>) override {
        for (const source::Row& row : rows) payloads.emplace_back(row.payload);
        if (when_rows) when_rows();
    }
    void on_batch_end(SourceDriver&) override { ++batches; }
    void on_state(SourceDriver&, const act::StateChanged& change) override {
        states.push_back(change.why);
    }
    void on_gap(SourceDriver&, const act::GapFound& gap) override { gaps.push_back(gap.cause); }
    void on_event(SourceDriver&, const act::Event& event) override {
        events.emplace_back(event.kind);
    }
    std::vector<std::string> payloads, states, gaps, events;
    int batches = 0;
    std::function<void()> when_rows;
};

class SourceDriverSpec : public LoopSpec {
protected:
    ~SourceDriverSpec() override {
        on_loop([this] {
            driver.reset();
            http.reset();
        });
    }
    void run(std::vector<std::uint16_t> ports, ScriptedMachine::Script script) {
        reach(std::move(ports));
        on_loop([&] {
            http = std::make_unique<HttpClient>(loop, *resolver);
            driver = std::make_unique<SourceDriver>(
                SourceWorld{loop, *resolver, *http}, "fed",
                std::make_unique<ScriptedMachine>(words, facts, std::move(script)), basin);
            driver->start();
        });
    }
    bool hears(const std::string& word) {
        return facts.wait(
            [&] { return std::find(words.begin(), words.end(), word) != words.end(); });
    }
    static act::Open open(source::Transport transport, const std::string& url) {
        act::Open action;
        action.conn = source::ConnId{1};
        action.spec.transport = transport;
        action.spec.url = url;
        return action;
    }
    static source::Row row(BytesView payload) {
        source::Row made;
        made.payload = payload;
        return made;
    }

    Facts facts;
    std::vector<std::string> words;
    Basin basin;
    std::unique_ptr<HttpClient> http;
    std::unique_ptr<SourceDriver> driver;
};

TEST_F(SourceDriverSpec, SpeaksWebSocketForItsMachine) {
    std::vector<std::string> got;
    LoopbackServer server([&](Peer& peer) {
        ws_accept(peer);
        got.push_back(ws_read(peer)->payload);
        peer.write(ws_text("a") + ws_frame(ws::Opcode::Binary, "b") +
                   ws_frame(ws::Opcode::Ping, "") + ws_text("c"));
        if (const auto pong = ws_read(peer))
            got.push_back(pong->opcode == ws::Opcode::Pong ? "pong" : "?");
        peer.write(ws_close(4001, "moving"));
        peer.wait_for_end();
    });
    run({server.port()}, [&](const std::string& word, source::Effects& out) {
        if (word == "start")
            out.actions.emplace_back(open(source::Transport::WebSocket, server.url("ws")));
        if (word == "opened")
            out.actions.emplace_back(act::Send{source::ConnId{1}, "subscribe", false});
        if (word.starts_with("frame")) out.rows.push_back(row("payload"));
    });
    ASSERT_TRUE(hears("closed closed 0 4001 "));
    EXPECT_THAT(words, ElementsAre("start", "opened", "frame a", "binary b", "alive", "frame c",
                                   "closed closed 0 4001 "));
    EXPECT_THAT(got, ElementsAre("subscribe", "pong"));
    on_loop([&] {
        EXPECT_EQ(basin.payloads.size(), 2u);
        EXPECT_GE(basin.batches, 1);
        EXPECT_LE(basin.batches, 2);
        EXPECT_TRUE(driver->quiet());
        EXPECT_GT(driver->bytes_in(), 0u);
    });
}

TEST_F(SourceDriverSpec, HandsOverTheAnswerThatCameInsteadOfTheUpgrade) {
    LoopbackServer server([](Peer& peer) {
        peer.until("\r\n\r\n");
        peer.write("HTTP/1.1 400 Bad\r\nContent-Length: 12\r\n\r\nCursorTooOld");
        peer.wait_for_end();
    });
    run({server.port()}, [&](const std::string& word, source::Effects& out) {
        if (word == "start")
            out.actions.emplace_back(open(source::Transport::WebSocket, server.url("ws")));
    });
    EXPECT_TRUE(hears("closed http 400 0 CursorTooOld"));
}

TEST_F(SourceDriverSpec, TellsNothingMoreOfAConnectionThatTheMachineClosed) {
    LoopbackServer server([](Peer& peer) {
        ws_accept(peer, {}, ws_text("1") + ws_text("2") + ws_text("3"));
        peer.wait_for_end();
    });
    run({server.port()}, [&](const std::string& word, source::Effects& out) {
        if (word == "start")
            out.actions.emplace_back(open(source::Transport::WebSocket, server.url("ws")));
        if (word == "frame 1") {
            out.actions.emplace_back(act::CloseConn{source::ConnId{1}, 1000, "done"});
            out.actions.emplace_back(act::Arm{source::TimerId{7}, 1ms});
        }
    });
    ASSERT_TRUE(hears("timer 7"));
    EXPECT_THAT(words, ElementsAre("start", "opened", "frame 1", "timer 7"));
}

TEST_F(SourceDriverSpec, ReportsAUrlThatEgressRefusesOrThatIsNone) {
    run({80}, [&](const std::string& word, source::Effects& out) {
        if (word == "start")
            out.actions.emplace_back(open(source::Transport::WebSocket, "ws://10.0.0.1/"));
        if (word == "closed address-blocked 0 0 ") {
            act::Open second = open(source::Transport::Sse, "nonsense");
            second.conn = source::ConnId{2};
            out.actions.emplace_back(second);
        }
    });
    EXPECT_TRUE(hears("closed address-blocked 0 0 "));
    EXPECT_TRUE(hears("closed definition 0 0 "));
}

TEST_F(SourceDriverSpec, ReadsServerSentEvents) {
    LoopbackServer server([](Peer& peer) {
        peer.until("\r\n\r\n");
        peer.write(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
            ": hello\n\nid: 5\nevent: trade\ndata: x\ndata: y\n\ndata: z\n\n");
    });
    run({server.port()}, [&](const std::string& word, source::Effects& out) {
        if (word == "start")
            out.actions.emplace_back(open(source::Transport::Sse, server.url("http")));
    });
    ASSERT_TRUE(hears("closed closed 0 0 "));
    EXPECT_THAT(words, ElementsAre("start", "opened", "alive", "event trade 5 x\ny",
                                   "event message 5 z", "closed closed 0 0 "));
}

TEST_F(SourceDriverSpec, ReportsAStreamThatIsRefusedOrOfAnotherKind) {
    LoopbackServer server([](Peer& peer) {
        const std::string head = peer.until("\r\n\r\n");
        peer.write(head.starts_with("GET /html")
                       ? "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi"
                       : "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy");
    });
    run({server.port()}, [&](const std::string& word, source::Effects& out) {
        if (word == "start")
            out.actions.emplace_back(open(source::Transport::Sse, server.url("http")));
        if (word == "closed http 503 0 busy") {
            act::Open second = open(source::Transport::Sse, server.url("http", "/html"));
            second.conn = source::ConnId{2};
            out.actions.emplace_back(second);
        }
    });
    EXPECT_TRUE(hears("closed http 503 0 busy"));
    EXPECT_TRUE(hears("closed protocol 200 0 hi"));
}

TEST_F(SourceDriverSpec, ReadsLinesOverHttp) {
    LoopbackServer server([](Peer& peer) {
        peer.until("\r\n\r\n");
        peer.write("HTTP/1.1 200 OK\r\n\r\n{\"a\":1}\n\n{\"a\":2}\n{\"a\":3}");
    });
    run({server.port()}, [&](const std::string& word, source::Effects& out) {
        if (word == "start")
            out.actions.emplace_back(open(source::Transport::Ndjson, server.url("http")));
    });
    ASSERT_TRUE(hears("closed closed 0 0 "));
    EXPECT_THAT(words, ElementsAre("start", "opened", "frame {\"a\":1}", "frame {\"a\":2}",
                                   "frame {\"a\":3}", "closed closed 0 0 "));
}

TEST_F(SourceDriverSpec, MakesRequestsAndForgetsThoseThatAreCancelled) {
    LoopbackServer server([](Peer& peer) {
        peer.until("\r\n\r\n");
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    });
    run({server.port()}, [&](const std::string& word, source::Effects& out) {
        if (word != "start") return;
        for (std::uint32_t i = 1; i <= 3; ++i) {
            act::Request request;
            request.id = source::RequestId{i};
            request.what.url = i == 3 ? "http://10.0.0.1/" : server.url("http");
            out.actions.emplace_back(std::move(request));
        }
        out.actions.emplace_back(act::CancelRequest{source::RequestId{1}});
    });
    ASSERT_TRUE(hears("answered 200 hi"));
    ASSERT_TRUE(hears("request-failed address-blocked"));
    on_loop([&] { EXPECT_TRUE(driver->quiet()); });
    EXPECT_EQ(std::count(words.begin(), words.end(), "answered 200 hi"), 1);
}

TEST_F(SourceDriverSpec, ReadsFiles) {
    const std::string path =
        testing::TempDir() + "anode-driver-" + std::to_string(::getpid()) + ".ndjson";
    std::ofstream(path) << "one\ntwo\n";
    run({80}, [&](const std::string& word, source::Effects& out) {
        if (word == "start") out.actions.emplace_back(act::OpenFile{source::ConnId{1}, path});
    });
    ASSERT_TRUE(hears("file-end"));
    EXPECT_THAT(words, ElementsAre("start", "opened", "row one 4", "row two 8", "file-end"));
    ::unlink(path.c_str());
}

TEST_F(SourceDriverSpec, TellsStatesGapsAndEventsInTheirOrder) {
    run({80}, [&](const std::string& word, source::Effects& out) {
        if (word != "start") return;
        out.actions.emplace_back(act::StateChanged{{}, {}, "first"});
        out.actions.emplace_back(act::GapFound{"", "", "", 3, "sequence"});
        out.actions.emplace_back(act::Event{"rotated", ""});
    });
    on_loop([&] {
        EXPECT_THAT(basin.states, ElementsAre("first"));
        EXPECT_THAT(basin.gaps, ElementsAre("sequence"));
        EXPECT_THAT(basin.events, ElementsAre("rotated"));
    });
}

TEST_F(SourceDriverSpec, TakesPressureInsideACallbackAfterTheStepThatRuns) {
    basin.when_rows = [&] { driver->set_pressure(true); };
    run({80}, [&](const std::string& word, source::Effects& out) {
        if (word == "start") {
            out.rows.push_back(row("x"));
            out.actions.emplace_back(act::StateChanged{{}, {}, "after the rows"});
        }
    });
    on_loop([&] {
        EXPECT_THAT(words, ElementsAre("start", "full"));
        EXPECT_THAT(basin.states, ElementsAre("after the rows"));
    });
}

TEST_F(SourceDriverSpec, AnswersAPushAtOnce) {
    run({80}, [&](const std::string& word, source::Effects& out) {
        if (word == "pushed good") out.actions.emplace_back(act::PushAnswered{true, {}, {}});
        if (word == "pushed bad")
            out.actions.emplace_back(act::PushAnswered{false, Errc::Malformed, "no JSON"});
    });
    on_loop([&] {
        EXPECT_TRUE(driver->push({}, "good"));
        const auto refused = driver->push({}, "bad");
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Errc::Malformed);
    });
}

TEST_F(SourceDriverSpec, DropsEverythingWhenItIsDestroyed) {
    LoopbackServer server([](Peer& peer) { peer.wait_for_end(); });
    run({server.port()}, [&](const std::string& word, source::Effects& out) {
        if (word != "start") return;
        out.actions.emplace_back(open(source::Transport::WebSocket, server.url("ws")));
        act::Request request;
        request.id = source::RequestId{1};
        request.what.url = server.url("http");
        out.actions.emplace_back(std::move(request));
        out.actions.emplace_back(act::Arm{source::TimerId{1}, 1ms});
    });
    on_loop([&] { driver.reset(); });
    const std::size_t heard = words.size();
    for (int i = 0; i < 20; ++i) on_loop([] {});
    EXPECT_EQ(words.size(), heard);
}

TEST_F(SourceDriverSpec, RunsARealDefinitionFromUrlToRows) {
    LoopbackServer server([&](Peer& peer) {
        ws_accept(peer);
        const auto subscribe = ws_read(peer);
        if (!subscribe || subscribe->payload.find("t@trade") == std::string::npos) return;
        peer.write(ws_text(R"({"result":null,"id":1})"));
        for (int i = 1; i <= 3; ++i)
            peer.write(ws_text(R"({"e":"trade","s":"BTCUSDT","t":)" + std::to_string(i) +
                               R"(,"p":"1.10"})"));
        peer.wait_for_end();
    });
    auto definition =
        source::parse(R"({"name":"fed","type":"websocket","topic":"feed.fed.{.s}","url":")" +
                      server.url("ws") + R"(",
        "connect":[{"send":{"method":"SUBSCRIBE","params":["t@trade"],"id":1}},{"expect":".id == 1","within":"5s"}],
        "map":{"key":"s","id":"t"},"dedupe":{"by":["key","id"],"keep":"10m"}})");
    ASSERT_TRUE(definition);
    reach({server.port()});
    SystemSecrets secrets;
    source::Budgets budgets;
    int rows = 0;
    basin.when_rows = [&] {
        facts.change([&] { rows = static_cast<int>(basin.payloads.size()); });
    };
    on_loop([&] {
        http = std::make_unique<HttpClient>(loop, *resolver);
        auto shared = std::make_shared<const source::Definition>(std::move(*definition));
        driver = std::make_unique<SourceDriver>(
            SourceWorld{loop, *resolver, *http}, "fed",
            source::make_machine(shared, {}, secrets, budgets, Rng(1)), basin);
        driver->start();
    });
    ASSERT_TRUE(facts.wait([&] { return rows == 3; }));
    on_loop([&] {
        EXPECT_EQ(driver->machine().state(), source::State::Live);
        EXPECT_THAT(basin.payloads[0], HasSubstr(R"("p":"1.10")"));
        driver->stop();
    });
    on_loop([&] { driver.reset(); });
}

}  // namespace
}  // namespace anode
