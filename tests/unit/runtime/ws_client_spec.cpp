#include "runtime/ws_client.hpp"

#include "runtime/limits.hpp"
#include "support/loop_fixture.hpp"
#include "support/ws_script.hpp"

namespace anode {
namespace {

using namespace support;
using source::ErrorClass;
using testing::ElementsAre;
using testing::HasSubstr;

/// Writes down what a client tells.
struct Diary final : WsClientHandler {
    void on_open(const WsOpened& told) override {
        facts.change([&] {
            opened = told;
            is_open = true;
        });
        if (when_open) when_open();
    }
    void on_refused(const HttpRefusal& told) override {
        facts.change([&] { refusal = told; });
    }
    void on_messages(std::span<const WsMessage> told) override {
        facts.change([&] {
            ++batches;
            for (const WsMessage& message : told) {
                kinds.push_back(message.kind);
                messages.emplace_back(message.payload);
            }
        });
        if (when_message) when_message();
    }
    void on_writable() override {
        facts.change([&] { ++writable; });
    }
    void on_closed(const WsClosed& told) override {
        facts.change([&] {
            closed = told;
            ++ends;
        });
        if (when_closed) when_closed();
    }

    Facts facts;
    bool is_open = false;
    WsOpened opened;
    HttpRefusal refusal;
    std::vector<WsMessage::Kind> kinds;
    std::vector<std::string> messages;
    int batches = 0, ends = 0, writable = 0;
    WsClosed closed;
    std::function<void()> when_open, when_message, when_closed;
};

class WsClientSpec : public LoopSpec {
protected:
    ~WsClientSpec() override {
        on_loop([this] { client.reset(); });
    }
    static WsRequest to(const std::string& url) {
        WsRequest request;
        request.url = *Url::parse(url);
        request.handshake_timeout = 5s;
        return request;
    }
    void connect(WsRequest request) {
        if (!resolver) reach({request.url.port});
        on_loop([&] {
            client = std::make_unique<WsClient>(loop, *resolver, diary);
            client->connect(std::move(request));
        });
    }
    bool ended() {
        return diary.facts.wait([&] { return diary.ends > 0; });
    }
    bool has_messages(std::size_t count) {
        return diary.facts.wait([&] { return diary.messages.size() >= count; });
    }

    Diary diary;
    std::unique_ptr<WsClient> client;
};

TEST_F(WsClientSpec, OpensWithWhatWasAskedForAndTellsFramesOfOneReadTogether) {
    std::string head;
    LoopbackServer server([&](Peer& peer) {
        head = ws_accept(peer, "Sec-WebSocket-Protocol: v2\r\nX-Feed: yes\r\n",
                         ws_text("one") + ws_text("two"));
        peer.write(ws_close(1000, "enough"));
        peer.wait_for_end();
    });
    WsRequest request = to(server.url("ws", "/feed?x=1"));
    request.headers = {{"X-Key", "abc"}};
    request.subprotocols = {"v1", "v2"};
    request.origin = "https://app.test";
    request.user_agent = "anode/1";
    connect(request);
    ASSERT_TRUE(ended());
    EXPECT_THAT(head, HasSubstr("GET /feed?x=1 HTTP/1.1\r\n"));
    EXPECT_THAT(head, HasSubstr("\r\nX-Key: abc\r\n"));
    EXPECT_EQ(header_of(head, "Origin"), "https://app.test");
    EXPECT_EQ(header_of(head, "User-Agent"), "anode/1");
    EXPECT_EQ(header_of(head, "Host"), "127.0.0.1:" + std::to_string(server.port()));
    EXPECT_EQ(diary.opened.subprotocol, "v2");
    EXPECT_THAT(diary.messages, ElementsAre("one", "two"));
    EXPECT_LE(diary.batches, 2);
    EXPECT_EQ(diary.closed.error.kind, ErrorClass::Closed);
    EXPECT_EQ(diary.closed.code, 1000);
    EXPECT_EQ(diary.closed.reason, "enough");
    EXPECT_TRUE(diary.closed.clean);
    EXPECT_EQ(diary.ends, 1);
}

TEST_F(WsClientSpec, SendsMaskedFramesInTheirOrderAndAnswersPings) {
    std::vector<ClientFrame> got;
    LoopbackServer server([&](Peer& peer) {
        ws_accept(peer);
        for (int i = 0; i < 3; ++i)
            if (auto frame = ws_read(peer)) got.push_back(*frame);
        peer.write(ws_frame(ws::Opcode::Ping, "echo me"));
        if (auto frame = ws_read(peer)) got.push_back(*frame);
        peer.write(ws_close(1001));
        if (auto frame = ws_read(peer)) got.push_back(*frame);
    });
    diary.when_open = [&] {
        EXPECT_TRUE(client->send_text("hello"));
        EXPECT_TRUE(client->send_binary(std::string(70'000, 'x')));
        EXPECT_TRUE(client->ping("p"));
    };
    connect(to(server.url("ws")));
    ASSERT_TRUE(ended());
    ASSERT_TRUE(diary.facts.wait([&] { return got.size() == 5; }, 1s) || got.size() == 5);
    EXPECT_EQ(got[0].payload, "hello");
    EXPECT_EQ(got[1].payload.size(), 70'000u);
    EXPECT_EQ(got[2].opcode, ws::Opcode::Ping);
    EXPECT_EQ(got[3].opcode, ws::Opcode::Pong);
    EXPECT_EQ(got[3].payload, "echo me");
    EXPECT_EQ(got[4].opcode, ws::Opcode::Close);
    for (const ClientFrame& frame : got) EXPECT_TRUE(frame.masked);
    EXPECT_THAT(diary.kinds, ElementsAre(WsMessage::Kind::Ping));
}

TEST_F(WsClientSpec, DeliversTheAnswerThatCameInsteadOfTheUpgrade) {
    LoopbackServer server([](Peer& peer) {
        peer.until("\r\n\r\n");
        peer.write(
            "HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nContent-Length: 8\r\n\r\n{\"no\":1}");
        peer.wait_for_end();
    });
    connect(to(server.url("ws")));
    ASSERT_TRUE(ended());
    EXPECT_EQ(diary.refusal.status, 429);
    EXPECT_EQ(diary.refusal.body, "{\"no\":1}");
    EXPECT_THAT(diary.refusal.headers,
                testing::Contains(std::pair<std::string, std::string>("retry-after", "7")));
    EXPECT_EQ(diary.closed.error.kind, ErrorClass::Http);
    EXPECT_FALSE(diary.closed.opened);
}

TEST_F(WsClientSpec, DeliversARefusalWhoseBodyHasNoEndAtTheDeadline) {
    LoopbackServer server([](Peer& peer) {
        peer.until("\r\n\r\n");
        peer.write("HTTP/1.1 400 Bad\r\nContent-Length: 100\r\n\r\nhalf");
        peer.wait_for_end();
    });
    WsRequest request = to(server.url("ws"));
    request.handshake_timeout = 100ms;
    connect(request);
    ASSERT_TRUE(ended());
    EXPECT_EQ(diary.refusal.status, 400);
    EXPECT_EQ(diary.refusal.body, "half");
}

TEST_F(WsClientSpec, CutsARefusalAtItsLimit) {
    LoopbackServer server([](Peer& peer) {
        peer.until("\r\n\r\n");
        peer.write("HTTP/1.1 503 Busy\r\n\r\n" + std::string(300'000, 'b'));
        peer.wait_for_end();
    });
    connect(to(server.url("ws")));
    ASSERT_TRUE(ended());
    EXPECT_EQ(diary.refusal.status, 503);
    EXPECT_EQ(diary.refusal.body.size(), 64u << 10);
}

TEST_F(WsClientSpec, GivesUpOnASilentServer) {
    LoopbackServer server([](Peer& peer) { peer.wait_for_end(); });
    WsRequest request = to(server.url("ws"));
    request.handshake_timeout = 50ms;
    connect(request);
    ASSERT_TRUE(ended());
    EXPECT_EQ(diary.closed.error.kind, ErrorClass::Timeout);
}

TEST_F(WsClientSpec, RefusesAHeadThatIsTooLarge) {
    LoopbackServer server([](Peer& peer) {
        peer.until("\r\n\r\n");
        peer.write("HTTP/1.1 101 Switching Protocols\r\n");
        for (int i = 0; i < 100; ++i) peer.write("X-Filler: " + std::string(1000, 'x') + "\r\n");
        peer.wait_for_end();
    });
    connect(to(server.url("ws")));
    ASSERT_TRUE(ended());
    EXPECT_EQ(diary.closed.error.kind, ErrorClass::TooLarge);
}

TEST_F(WsClientSpec, RefusesAnUpgradeWithAWrongAcceptKey) {
    LoopbackServer server([](Peer& peer) {
        peer.until("\r\n\r\n");
        peer.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: AAAA\r\n\r\n");
        peer.wait_for_end();
    });
    connect(to(server.url("ws")));
    ASSERT_TRUE(ended());
    EXPECT_EQ(diary.closed.error.kind, ErrorClass::Protocol);
}

TEST_F(WsClientSpec, TellsThatNobodyListens) {
    std::uint16_t port = 0;
    {
        port = LoopbackServer([](Peer&) {}).port();
    }
    connect(to("ws://127.0.0.1:" + std::to_string(port)));
    ASSERT_TRUE(ended());
    EXPECT_EQ(diary.closed.error.kind, ErrorClass::Refused);
}

TEST_F(WsClientSpec, TriesTheNextAddressOfAName) {
    LoopbackServer server([](Peer& peer) {
        ws_accept(peer, {}, ws_text("here"));
        peer.wait_for_end();
    });
    reach({server.port()},
          names_mean({*IpAddress::parse("127.0.0.99"), *IpAddress::parse("127.0.0.1")}));
    connect(to(server.url("ws", "/", "feed.test")));
    EXPECT_TRUE(has_messages(1));
    EXPECT_THAT(diary.opened.peer, HasSubstr("127.0.0.1:"));
}

TEST_F(WsClientSpec, NeverConnectsToAnAddressThatEgressRefuses) {
    LoopbackServer server([](Peer& peer) { peer.wait_for_end(); });
    reach({server.port()}, names_mean({*IpAddress::parse("10.0.0.1")}));
    connect(to(server.url("ws", "/", "inner.test")));
    ASSERT_TRUE(ended());
    EXPECT_EQ(diary.closed.error.kind, ErrorClass::Blocked);
    EXPECT_EQ(server.accepted(), 0);
}

TEST_F(WsClientSpec, NoticesAServerThatDiesInsideAFrame) {
    LoopbackServer server([](Peer& peer) {
        ws_accept(peer, {}, ws_text("whole") + ws_text("cut off").substr(0, 5));
    });
    connect(to(server.url("ws")));
    ASSERT_TRUE(ended());
    EXPECT_THAT(diary.messages, ElementsAre("whole"));
    EXPECT_EQ(diary.closed.error.kind, ErrorClass::Reset);
    EXPECT_FALSE(diary.closed.clean);
    EXPECT_TRUE(diary.closed.opened);
}

TEST_F(WsClientSpec, NoticesAReset) {
    LoopbackServer server([](Peer& peer) {
        ws_accept(peer);
        ws_read(peer);
        peer.reset();
    });
    diary.when_open = [&] { EXPECT_TRUE(client->send_text("go")); };
    connect(to(server.url("ws")));
    ASSERT_TRUE(ended());
    EXPECT_EQ(diary.closed.error.kind, ErrorClass::Reset);
}

TEST_F(WsClientSpec, ReportsAReservedBitAsABrokenProtocolAndSaysSo) {
    std::optional<ClientFrame> answer;
    LoopbackServer server([&](Peer& peer) {
        ws_accept(peer, {}, std::string("\xf1\x00", 2));
        answer = ws_read(peer);
    });
    connect(to(server.url("ws")));
    ASSERT_TRUE(ended());
    EXPECT_EQ(diary.closed.error.kind, ErrorClass::Protocol);
}

TEST_F(WsClientSpec, ReportsAFrameOverTheLimit) {
    LoopbackServer server([](Peer& peer) {
        ws_accept(peer, {}, ws_text(std::string(5000, 'x')));
        peer.wait_for_end();
    });
    WsRequest request = to(server.url("ws"));
    request.message_bytes_max = 1000;
    connect(request);
    ASSERT_TRUE(ended());
    EXPECT_EQ(diary.closed.error.kind, ErrorClass::TooLarge);
}

TEST_F(WsClientSpec, PutsLargeAndFragmentedMessagesTogether) {
    const std::string large(3 << 20, 'L');
    LoopbackServer server([&](Peer& peer) {
        ws_accept(peer);
        peer.write(ws_text(large));
        peer.write(ws_frame(ws::Opcode::Text, "a", false) + ws_frame(ws::Opcode::Ping, "") +
                   ws_frame(ws::Opcode::Continuation, "b", false) +
                   ws_frame(ws::Opcode::Continuation, "c"));
        peer.wait_for_end();
    });
    connect(to(server.url("ws")));
    ASSERT_TRUE(has_messages(3));
    EXPECT_EQ(diary.messages[0], large);
    EXPECT_EQ(diary.messages[2], "abc");
}

TEST_F(WsClientSpec, InflatesWhatTheServerCompressed) {
    std::string offer;
    LoopbackServer server([&](Peer& peer) {
        Bytes payload;
        ws::deflate_message("compressed text compressed text", payload);
        Bytes frame;
        ws::append_frame(frame, ws::Opcode::Text, payload, std::nullopt, true, true);
        offer = header_of(
            ws_accept(
                peer,
                "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n",
                frame),
            "Sec-WebSocket-Extensions");
        peer.wait_for_end();
    });
    WsRequest request = to(server.url("ws"));
    request.deflate = true;
    connect(request);
    ASSERT_TRUE(has_messages(1));
    EXPECT_EQ(diary.messages[0], "compressed text compressed text");
    EXPECT_THAT(offer, HasSubstr("permessage-deflate"));
}

TEST_F(WsClientSpec, ReadsNothingWhilePausedAndLosesNothing) {
    std::atomic<std::size_t> written{0};
    const std::string frame = ws_text(std::string(1000, 'x'));
    constexpr std::size_t kFrames = 20'000;
    LoopbackServer server([&](Peer& peer) {
        ws_accept(peer);
        ws_read(peer);
        for (std::size_t i = 0; i < kFrames && peer.write(frame); ++i) ++written;
        peer.write(ws_close(1000));
        peer.wait_for_end();
    });
    diary.when_open = [&] {
        EXPECT_TRUE(client->send_text("go"));
        client->pause();
    };
    connect(to(server.url("ws")));
    ASSERT_TRUE(diary.facts.wait([&] { return diary.is_open; }));
    std::size_t before = 1;
    while (before != written || written == 0) {  // until the kernel's buffers are full
        before = written;
        for (int i = 0; i < 50; ++i) on_loop([] {});
    }
    EXPECT_LT(written, kFrames);
    EXPECT_TRUE(diary.messages.empty());
    on_loop([&] { client->resume(); });
    ASSERT_TRUE(ended());
    EXPECT_EQ(diary.messages.size(), kFrames);
    EXPECT_TRUE(diary.closed.clean);
}

TEST_F(WsClientSpec, RefusesToQueueMoreThanItsLimitAndTellsWhenThereIsRoom) {
    std::promise<void> read;
    auto may_read = read.get_future().share();
    LoopbackServer server([&](Peer& peer) {
        ws_accept(peer);
        may_read.wait();
        peer.wait_for_end();
    });
    Errc refusal = Errc::Internal;
    diary.when_open = [&] {
        const std::string block(64 << 10, 'x');
        for (int i = 0; i < 1000; ++i)
            if (const auto sent = client->send_binary(block); !sent) {
                refusal = sent.error().code;
                break;
            }
    };
    WsRequest request = to(server.url("ws"));
    connect(request);
    ASSERT_TRUE(diary.facts.wait([&] { return diary.is_open; }));
    on_loop([&] {
        EXPECT_EQ(refusal, Errc::Overloaded);
        EXPECT_LE(client->send_queue_bytes(), request.send_queue_bytes_max + 100);
    });
    read.set_value();
    EXPECT_TRUE(diary.facts.wait([&] { return diary.writable > 0; }));
}

TEST_F(WsClientSpec, ClosesInOrder) {
    std::optional<ClientFrame> frame;
    LoopbackServer server([&](Peer& peer) {
        ws_accept(peer);
        frame = ws_read(peer);
        peer.write(ws_close(1000));
        peer.wait_for_end();
    });
    diary.when_open = [&] {
        client->close(1000, "bye");
        EXPECT_FALSE(client->send_text("late"));
    };
    connect(to(server.url("ws")));
    ASSERT_TRUE(ended());
    EXPECT_TRUE(diary.closed.clean);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->opcode, ws::Opcode::Close);
    EXPECT_EQ(frame->payload, std::string("\x03\xe8"
                                          "bye"));
}

TEST_F(WsClientSpec, DoesNotWaitForeverForTheAnswerToItsClose) {
    LoopbackServer server([](Peer& peer) {
        ws_accept(peer);
        peer.wait_for_end();
    });
    diary.when_open = [&] { client->close(1000, "", 30ms); };
    connect(to(server.url("ws")));
    ASSERT_TRUE(ended());
    EXPECT_FALSE(diary.closed.clean);
}

TEST_F(WsClientSpec, MayBeDestroyedInsideEachCallback) {
    LoopbackServer server([](Peer& peer) {
        ws_accept(peer, {}, ws_text("a") + ws_text("b"));
        peer.wait_for_end();
    });
    for (auto* callback : {&diary.when_open, &diary.when_message}) {
        std::promise<void> gone;
        *callback = [&] {
            client.reset();
            gone.set_value();
        };
        connect(to(server.url("ws")));
        gone.get_future().wait();
        *callback = nullptr;
        on_loop([] {});
    }
    EXPECT_EQ(diary.ends, 0);
}

// -- TLS ------------------------------------------------------------------------------------------

class WsTlsSpec : public WsClientSpec {
protected:
    LoopbackServer::Script greeting = [](Peer& peer) {
        if (peer.broken()) return;
        ws_accept(peer, {}, ws_text("secret") + ws_text(std::string(100'000, 's')));
        peer.wait_for_end();
    };
    TlsIdentity identity = TlsIdentity::make("DNS:feed.test,IP:127.0.0.1");
};

TEST_F(WsTlsSpec, VerifiesTheCertificateAgainstTheNameAndTheGivenAuthority) {
    LoopbackServer server(greeting, &identity);
    reach({server.port()}, names_mean({*IpAddress::parse("127.0.0.1")}));
    WsRequest request = to(server.url("wss", "/", "feed.test"));
    request.tls.ca = identity.pem;
    connect(request);
    ASSERT_TRUE(has_messages(2));
    EXPECT_EQ(diary.messages[1].size(), 100'000u);
}

TEST_F(WsTlsSpec, VerifiesAnAddressToo) {
    LoopbackServer server(greeting, &identity);
    WsRequest request = to(server.url("wss"));
    request.tls.ca = identity.pem;
    connect(request);
    EXPECT_TRUE(has_messages(2));
}

TEST_F(WsTlsSpec, RefusesACertificateForAnotherName) {
    LoopbackServer server(greeting, &identity);
    reach({server.port()}, names_mean({*IpAddress::parse("127.0.0.1")}));
    WsRequest request = to(server.url("wss", "/", "other.test"));
    request.tls.ca = identity.pem;
    connect(request);
    ASSERT_TRUE(ended());
    EXPECT_EQ(diary.closed.error.kind, ErrorClass::Tls);
    EXPECT_THAT(diary.closed.error.what, HasSubstr("ostname"));
}

TEST_F(WsTlsSpec, ChecksTheServerNameThatWasGivenInstead) {
    LoopbackServer server(greeting, &identity);
    reach({server.port()}, names_mean({*IpAddress::parse("127.0.0.1")}));
    WsRequest request = to(server.url("wss", "/", "other.test"));
    request.tls.ca = identity.pem;
    request.tls.server_name = "feed.test";
    connect(request);
    EXPECT_TRUE(has_messages(2));
}

TEST_F(WsTlsSpec, RefusesACertificateOfAnUnknownAuthority) {
    LoopbackServer server(greeting, &identity);
    connect(to(server.url("wss")));
    ASSERT_TRUE(ended());
    EXPECT_EQ(diary.closed.error.kind, ErrorClass::Tls);
}

TEST_F(WsTlsSpec, AsksForNoProofWhenToldSo) {
    LoopbackServer server(greeting, &identity);
    WsRequest request = to(server.url("wss"));
    request.tls.insecure = true;
    connect(request);
    EXPECT_TRUE(has_messages(2));
}

TEST_F(WsTlsSpec, ReportsAServerThatSpeaksNoTls) {
    LoopbackServer server([](Peer& peer) {
        peer.some();
        peer.write("HTTP/1.1 400 Bad Request\r\n\r\n");
        peer.wait_for_end();
    });
    connect(to(server.url("wss")));
    ASSERT_TRUE(ended());
    EXPECT_EQ(diary.closed.error.kind, ErrorClass::Tls);
}

TEST_F(WsTlsSpec, GivesUpOnASlowHandshake) {
    LoopbackServer server([](Peer& peer) { peer.wait_for_end(); });
    WsRequest request = to(server.url("wss"));
    request.handshake_timeout = 50ms;
    connect(request);
    ASSERT_TRUE(ended());
    EXPECT_EQ(diary.closed.error.kind, ErrorClass::Timeout);
}

TEST_F(WsTlsSpec, LosesNothingThatTlsHeldDuringAPause) {
    LoopbackServer server(
        [](Peer& peer) {
            ws_accept(peer);
            std::string many;
            for (int i = 0; i < 5000; ++i) many += ws_text(std::string(200, 'm'));
            peer.write(many);
            peer.wait_for_end();
        },
        &identity);
    WsRequest request = to(server.url("wss"));
    request.tls.ca = identity.pem;
    diary.when_message = [&] {
        client->pause();
        loop.defer([&] {
            if (client) client->resume();
        });
    };
    connect(request);
    EXPECT_TRUE(has_messages(5000));
}

// -- proxy -----------------------------------------------------------------------------------------

TEST_F(WsClientSpec, ReachesTheServerThroughAProxy) {
    std::string connect_head, upgrade_head;
    LoopbackServer proxy([&](Peer& peer) {
        connect_head = peer.until("\r\n\r\n");
        peer.write("HTTP/1.1 200 Connection established\r\n\r\n");
        upgrade_head = ws_accept(peer, {}, ws_text("through"));
        peer.wait_for_end();
    });
    reach({proxy.port(), 80}, names_mean({*IpAddress::parse("127.0.0.1")}));
    WsRequest request = to("ws://feed.test/x");
    request.proxy = proxy.url("http");
    connect(request);
    ASSERT_TRUE(has_messages(1));
    EXPECT_THAT(connect_head, HasSubstr("CONNECT feed.test:80 HTTP/1.1\r\n"));
    EXPECT_EQ(header_of(upgrade_head, "Host"), "feed.test");
}

TEST_F(WsClientSpec, TellsWhatAProxyRefuses) {
    LoopbackServer proxy([](Peer& peer) {
        peer.until("\r\n\r\n");
        peer.write("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
        peer.wait_for_end();
    });
    reach({proxy.port(), 80});
    WsRequest request = to("ws://feed.test/x");
    request.proxy = proxy.url("http");
    connect(request);
    ASSERT_TRUE(ended());
    EXPECT_EQ(diary.closed.error.kind, ErrorClass::Http);
    EXPECT_THAT(diary.closed.error.what, HasSubstr("407"));
}

// -- endurance ---------------------------------------------------------------------------------------

TEST_F(WsClientSpec, LeaksNoDescriptorInTenThousandReconnects) {
    LoopbackServer server(
        [](Peer& peer) {
            ws_accept(peer, {}, ws_text("x"));
            peer.reset();
        },
        nullptr, true);
    reach({server.port()});
    int rounds = 0;
    std::uint64_t fds_before = 0, fds_after = 0;
    const WsRequest request = to(server.url("ws"));
    std::function<void()> again = [&] {
        client = std::make_unique<WsClient>(loop, *resolver, diary);
        client->connect(request);
    };
    diary.when_closed = [&] {
        diary.facts.change([&] {
            if (++rounds == 100) fds_before = open_fds();
            if (rounds == 10'000) fds_after = open_fds();
        });
        if (rounds < 10'000) loop.defer(again);
    };
    on_loop([&] { again(); });
    ASSERT_TRUE(diary.facts.wait([&] { return rounds == 10'000; }, 120s)) << rounds;
    EXPECT_LE(fds_after, fds_before + 3);
}

}  // namespace
}  // namespace anode
