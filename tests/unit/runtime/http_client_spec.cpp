#include "runtime/http_client.hpp"

#include "core/codec/inflate.hpp"
#include "support/loop_fixture.hpp"
#include "support/ws_script.hpp"

namespace anode {
namespace {

using namespace support;
using source::ErrorClass;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

std::string ok(const std::string& body, const std::string& headers = {}) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers +
           "\r\n" + body;
}
std::string moved(const std::string& to, int status = 302) {
    return "HTTP/1.1 " + std::to_string(status) + " Moved\r\nContent-Length: 4\r\nLocation: " + to +
           "\r\n\r\ngone";
}

/// Answers each request of a connection by its target.
LoopbackServer::Script answering(std::function<std::string(const std::string& head)> answer) {
    return [answer](Peer& peer) {
        for (;;) {
            const std::string head = peer.until("\r\n\r\n");
            if (head.empty() || !peer.write(answer(head))) return;
        }
    };
}

class HttpClientSpec : public LoopSpec {
protected:
    ~HttpClientSpec() override {
        on_loop([this] { client.reset(); });
    }
    void serve(std::vector<std::uint16_t> ports, ResolverOptions options = {}) {
        reach(std::move(ports), std::move(options));
        on_loop([&] { client = std::make_unique<HttpClient>(loop, *resolver); });
    }
    static HttpRequest get(const std::string& url) {
        HttpRequest request;
        request.url = *Url::parse(url);
        request.timeout = 5s;
        return request;
    }
    NetResult<HttpResponse> fetch(HttpRequest request) {
        if (!client) serve({request.url.port});
        std::promise<NetResult<HttpResponse>> answer;
        loop.post([&] {
            client->fetch(std::move(request), [&](NetResult<HttpResponse> result) {
                answer.set_value(std::move(result));
            });
        });
        return answer.get_future().get();
    }
    ErrorClass failure_of(HttpRequest request) {
        const auto answer = fetch(std::move(request));
        EXPECT_FALSE(answer) << answer->status;
        return answer ? ErrorClass::Internal : answer.error().kind;
    }

    std::unique_ptr<HttpClient> client;
};

TEST_F(HttpClientSpec, FetchesWithTheHeadersThatWereAskedFor) {
    std::string head;
    LoopbackServer server(answering([&](const std::string& got) {
        head = got;
        return ok("{}", "ETag: \"a\"\r\nX-Poll-Interval: 60\r\n");
    }));
    HttpRequest request = get(server.url("http", "/a/../b?x=%20"));
    request.headers = {{"If-None-Match", "\"a\""}, {"X-Empty", ""}};
    request.user_agent = "anode/1";
    const auto answer = fetch(request);
    ASSERT_TRUE(answer) << answer.error().what;
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "{}");
    EXPECT_THAT(answer->headers, Contains(std::pair<std::string, std::string>("etag", "\"a\"")));
    EXPECT_THAT(head, HasSubstr("GET /a/../b?x=%20 HTTP/1.1\r\n"));
    EXPECT_EQ(header_of(head, "If-None-Match"), "\"a\"");
    EXPECT_EQ(header_of(head, "User-Agent"), "anode/1");
    EXPECT_THAT(head, HasSubstr("X-Empty:\r\n"));
}

TEST_F(HttpClientSpec, PostsABody) {
    std::string body;
    LoopbackServer server([&](Peer& peer) {
        const std::string head = peer.until("\r\n\r\n");
        body = peer.exactly(std::stoul(header_of(head, "Content-Length")));
        peer.write(ok("done"));
        peer.wait_for_end();
    });
    HttpRequest request = get(server.url("http"));
    request.method = "POST";
    request.body = "{\"a\":1}";
    request.headers = {{"Content-Type", "application/json"}};
    EXPECT_EQ(fetch(request)->body, "done");
    EXPECT_EQ(body, "{\"a\":1}");
}

TEST_F(HttpClientSpec, KeepsConnectionsAlive) {
    LoopbackServer server(answering([](const std::string&) { return ok("x"); }));
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(fetch(get(server.url("http"))));
    EXPECT_EQ(server.accepted(), 1);
    on_loop([&] { client->forget_connections(); });
    ASSERT_TRUE(fetch(get(server.url("http"))));
    EXPECT_EQ(server.accepted(), 2);
}

TEST_F(HttpClientSpec, DecodesWhatTheServerCompressed) {
    const std::string text(100'000, 'z');
    for (const auto coding : {codec::Coding::Gzip, codec::Coding::Zstd, codec::Coding::Brotli}) {
        const std::string name(codec::http_name(coding));
        LoopbackServer server(answering([&](const std::string&) {
            return ok(codec::compress(coding, text), "Content-Encoding: " + name + "\r\n");
        }));
        serve({server.port()});
        HttpRequest request = get(server.url("http"));
        request.inflate_ratio_max = 1'000'000;
        const auto answer = fetch(request);
        ASSERT_TRUE(answer) << name << ' ' << answer.error().what;
        EXPECT_EQ(answer->body, text) << name;
    }
}

TEST_F(HttpClientSpec, StopsABodyThatInflatesBeyondItsLimits) {
    const Bytes bomb = codec::compress(codec::Coding::Gzip, std::string(50 << 20, '\0'));
    LoopbackServer server(
        answering([&](const std::string&) { return ok(bomb, "Content-Encoding: gzip\r\n"); }));
    EXPECT_EQ(failure_of(get(server.url("http"))), ErrorClass::TooLarge);
    HttpRequest small = get(server.url("http"));
    small.inflate_ratio_max = 1'000'000;
    small.body_bytes_max = 1000;
    EXPECT_EQ(failure_of(small), ErrorClass::TooLarge);
}

TEST_F(HttpClientSpec, RefusesUnknownAndBrokenCodings) {
    LoopbackServer server(answering([](const std::string& head) {
        const bool broken = head.find("/broken") != std::string::npos;
        return ok("plain", broken ? "Content-Encoding: gzip\r\n" : "Content-Encoding: snappy\r\n");
    }));
    EXPECT_EQ(failure_of(get(server.url("http", "/broken"))), ErrorClass::Decode);
    EXPECT_EQ(failure_of(get(server.url("http", "/unknown"))), ErrorClass::Decode);
}

TEST_F(HttpClientSpec, BoundsBodyAndHead) {
    LoopbackServer server(answering([](const std::string& head) {
        if (head.find("/body") != std::string::npos) return ok(std::string(5000, 'b'));
        return "HTTP/1.1 200 OK\r\nX-Filler: " + std::string(90'000, 'x') + "\r\n\r\n";
    }));
    HttpRequest request = get(server.url("http", "/body"));
    request.body_bytes_max = 4999;
    EXPECT_EQ(failure_of(request), ErrorClass::TooLarge);
    request.body_bytes_max = 5000;
    EXPECT_TRUE(fetch(request));
    EXPECT_EQ(failure_of(get(server.url("http", "/head"))), ErrorClass::TooLarge);
}

TEST_F(HttpClientSpec, GivesUpOnASilentServer) {
    LoopbackServer server([](Peer& peer) { peer.wait_for_end(); });
    HttpRequest request = get(server.url("http"));
    request.timeout = 50ms;
    EXPECT_EQ(failure_of(request), ErrorClass::Timeout);
}

TEST_F(HttpClientSpec, TellsHowAConnectionEnded) {
    LoopbackServer server([](Peer& peer) {
        const std::string head = peer.until("\r\n\r\n");
        if (head.find("/cut") != std::string::npos)
            peer.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        if (head.find("/junk") != std::string::npos)
            peer.write("hello, is it me you're looking for?\r\n\r\n");
    });
    EXPECT_EQ(failure_of(get(server.url("http", "/cut"))), ErrorClass::Reset);
    EXPECT_EQ(failure_of(get(server.url("http", "/nothing"))), ErrorClass::Closed);
    EXPECT_EQ(failure_of(get(server.url("http", "/junk"))), ErrorClass::Protocol);
    std::uint16_t port = 0;
    {
        port = LoopbackServer([](Peer&) {}).port();
    }
    serve({port});
    EXPECT_EQ(failure_of(get("http://127.0.0.1:" + std::to_string(port) + "/")),
              ErrorClass::Refused);
}

TEST_F(HttpClientSpec, GivesAnErrorStatusAsAnAnswer) {
    LoopbackServer server(answering([](const std::string&) {
        return std::string("HTTP/1.1 429 Slow\r\nRetry-After: 9\r\nContent-Length: 2\r\n\r\nno");
    }));
    const auto answer = fetch(get(server.url("http")));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 429);
    EXPECT_EQ(answer->body, "no");
}

TEST_F(HttpClientSpec, RefusesAHeaderWithALineEnd) {
    LoopbackServer server(answering([](const std::string&) { return ok(""); }));
    HttpRequest request = get(server.url("http"));
    request.headers = {{"X-A", "b\r\nX-Evil: 1"}};
    EXPECT_EQ(failure_of(request), ErrorClass::Definition);
    EXPECT_EQ(server.accepted(), 0);
}

// -- egress and redirects --------------------------------------------------------------------------

TEST_F(HttpClientSpec, NeverConnectsToAnAddressThatEgressRefuses) {
    LoopbackServer server(answering([](const std::string&) { return ok("inner"); }));
    serve({80, server.port()}, names_mean({*IpAddress::parse("10.0.0.1")}));
    EXPECT_EQ(failure_of(get(server.url("http", "/", "inner.test"))), ErrorClass::Blocked);
    EXPECT_EQ(failure_of(get("http://169.254.169.254/latest")), ErrorClass::Blocked);
    EXPECT_EQ(failure_of(get("http://127.0.0.1:22/")), ErrorClass::Blocked);
    EXPECT_EQ(server.accepted(), 0);
}

TEST_F(HttpClientSpec, ConnectsToTheCheckedAddressWhateverTheNameServerSaysNext) {
    LoopbackServer server(
        answering([](const std::string& head) { return ok(header_of(head, "Host")); }));
    std::atomic<int> lookups{0};
    ResolverOptions options;
    options.fresh = 0s;
    options.lookup = [&](const std::string&) -> Result<std::vector<IpAddress>> {
        return std::vector{*IpAddress::parse(++lookups == 1 ? "127.0.0.1" : "10.0.0.1")};
    };
    serve({server.port()}, std::move(options));
    const auto answer = fetch(get(server.url("http", "/", "rebind.test")));
    ASSERT_TRUE(answer) << answer.error().what;
    EXPECT_EQ(answer->body, "rebind.test:" + std::to_string(server.port()));
    EXPECT_EQ(lookups, 1);
    EXPECT_EQ(failure_of(get(server.url("http", "/", "rebind.test"))), ErrorClass::Blocked);
}

TEST_F(HttpClientSpec, FollowsThreeRedirectsAndNoMore) {
    LoopbackServer server(answering([](const std::string& head) {
        const char step = head[5];  // GET /3
        return step == '0' ? ok("there")
                           : moved(std::string("/") + static_cast<char>(step - 1), 307);
    }));
    const auto answer = fetch(get(server.url("http", "/3")));
    ASSERT_TRUE(answer) << answer.error().what;
    EXPECT_EQ(answer->body, "there");
    EXPECT_EQ(answer->url.target, "/0");
    EXPECT_EQ(failure_of(get(server.url("http", "/4"))), ErrorClass::Protocol);
}

TEST_F(HttpClientSpec, ChecksEachRedirect) {
    std::string to;
    LoopbackServer server(answering([&](const std::string&) { return moved(to); }));
    for (const char* const blocked :
         {"http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/",
          "http://[::ffff:127.0.0.1]/", "http://0x0a.1/", "http://127.0.0.1:22/",
          "//192.168.1.1/"}) {
        to = blocked;
        EXPECT_EQ(failure_of(get(server.url("http"))), ErrorClass::Blocked) << to;
    }
    for (const char* const senseless :
         {"ftp://a/", "file:///etc/passwd", "http://user:pw@a/", "gopher://127.0.0.1/"}) {
        to = senseless;
        EXPECT_EQ(failure_of(get(server.url("http"))), ErrorClass::Protocol) << to;
    }
}

TEST_F(HttpClientSpec, DropsCredentialsOnAnotherHostOnly) {
    std::vector<std::string> heads;
    std::mutex lock;
    const auto note = [&](const std::string& head) {
        const std::lock_guard guard(lock);
        heads.push_back(head);
    };
    LoopbackServer other(answering([&](const std::string& head) {
        note(head);
        return ok("other");
    }));
    LoopbackServer server(answering([&](const std::string& head) {
        note(head);
        return head.starts_with("GET /1") ? moved("/2") : moved(other.url("http"));
    }));
    serve({server.port(), other.port()});
    HttpRequest request = get(server.url("http", "/1"));
    request.headers = {{"Authorization", "Bearer s3cret"},
                       {"X-Api-Key", "k3y"},
                       {"Cookie", "c=1"},
                       {"X-Plain", "p"}};
    request.secret_headers = {"x-api-key"};
    ASSERT_TRUE(fetch(request));
    ASSERT_EQ(heads.size(), 3u);
    EXPECT_THAT(heads[1], HasSubstr("s3cret"));
    EXPECT_THAT(heads[1], HasSubstr("k3y"));
    EXPECT_THAT(heads[2], Not(HasSubstr("s3cret")));
    EXPECT_THAT(heads[2], Not(HasSubstr("k3y")));
    EXPECT_THAT(heads[2], Not(HasSubstr("c=1")));
    EXPECT_THAT(heads[2], HasSubstr("X-Plain: p"));
}

TEST_F(HttpClientSpec, DoesNotFollowARedirectOfAPost) {
    LoopbackServer server([](Peer& peer) {
        peer.until("\r\n\r\n");
        peer.exactly(1);
        peer.write(moved("/elsewhere"));
        peer.wait_for_end();
    });
    HttpRequest request = get(server.url("http"));
    request.method = "POST";
    request.body = "x";
    EXPECT_EQ(fetch(request)->status, 302);
}

// -- TLS ----------------------------------------------------------------------------------------------

TEST_F(HttpClientSpec, VerifiesCertificates) {
    const TlsIdentity identity = TlsIdentity::make("DNS:feed.test");
    LoopbackServer server(
        answering([](const std::string& head) { return ok(header_of(head, "Host")); }), &identity);
    serve({server.port()}, names_mean({*IpAddress::parse("127.0.0.1")}));
    HttpRequest request = get(server.url("https", "/", "feed.test"));
    EXPECT_EQ(failure_of(request), ErrorClass::Tls);
    request.tls.ca = identity.pem;
    EXPECT_TRUE(fetch(request));
    HttpRequest other = get(server.url("https", "/", "other.test"));
    other.tls.ca = identity.pem;
    EXPECT_EQ(failure_of(other), ErrorClass::Tls);
    other.tls.server_name = "feed.test";
    const auto answer = fetch(other);
    ASSERT_TRUE(answer) << answer.error().what;
    EXPECT_EQ(answer->body, "other.test:" + std::to_string(server.port()));
    HttpRequest careless = get(server.url("https", "/", "other.test"));
    careless.tls.insecure = true;
    EXPECT_TRUE(fetch(careless));
}

TEST_F(HttpClientSpec, NeverLeavesTlsByARedirect) {
    const TlsIdentity identity = TlsIdentity::make("DNS:feed.test");
    LoopbackServer plain(answering([](const std::string&) { return ok("plain"); }));
    LoopbackServer server(answering([&](const std::string&) { return moved(plain.url("http")); }),
                          &identity);
    serve({server.port(), plain.port()}, names_mean({*IpAddress::parse("127.0.0.1")}));
    HttpRequest request = get(server.url("https", "/", "feed.test"));
    request.tls.ca = identity.pem;
    EXPECT_EQ(failure_of(request), ErrorClass::Blocked);
    EXPECT_EQ(plain.accepted(), 0);
}

TEST_F(HttpClientSpec, TunnelsOrAsksAProxy) {
    std::string first;
    LoopbackServer proxy([&](Peer& peer) {
        first = peer.until("\r\n\r\n");
        peer.write(ok("by proxy"));
        peer.wait_for_end();
    });
    serve({proxy.port(), 80}, names_mean({*IpAddress::parse("127.0.0.1")}));
    HttpRequest request = get("http://feed.test/x");
    request.proxy = proxy.url("http");
    const auto answer = fetch(request);
    ASSERT_TRUE(answer) << answer.error().what;
    EXPECT_EQ(answer->body, "by proxy");
    EXPECT_THAT(first, HasSubstr("GET http://feed.test/x HTTP/1.1"));
}

// -- cancelling, streaming ------------------------------------------------------------------------------

TEST_F(HttpClientSpec, SaysNothingAboutWhatWasCancelled) {
    LoopbackServer server([](Peer& peer) { peer.wait_for_end(); });
    serve({server.port()});
    bool called = false;
    on_loop([&] {
        const HttpId id =
            client->fetch(get(server.url("http")), [&](NetResult<HttpResponse>) { called = true; });
        client->cancel(id);
        client->cancel(id);
    });
    on_loop([&] { EXPECT_EQ(client->active(), 0u); });
    EXPECT_FALSE(called);
}

struct Tape final : HttpStreamHandler {
    void on_head(const HttpResponse& told) override {
        facts.change([&] { status = told.status; });
    }
    void on_data(BytesView decoded) override {
        facts.change([&] { data += decoded; });
        if (when_data) when_data();
    }
    void on_end(const NetResult<void>& told) override {
        facts.change([&] {
            ended = true;
            good = told.has_value();
        });
    }
    Facts facts;
    int status = 0;
    std::string data;
    bool ended = false, good = false;
    std::function<void()> when_data;
};

TEST_F(HttpClientSpec, TellsAStreamAsItComes) {
    std::promise<void> first_seen;
    auto seen = first_seen.get_future().share();
    LoopbackServer server([&](Peer& peer) {
        peer.until("\r\n\r\n");
        peer.write(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: "
            "chunked\r\n\r\n"
            "7\r\ndata: 1\r\n");
        seen.wait();
        peer.write("7\r\ndata: 2\r\n0\r\n\r\n");
        peer.wait_for_end();
    });
    serve({server.port()});
    Tape tape;
    on_loop([&] { client->stream(get(server.url("http")), tape); });
    ASSERT_TRUE(tape.facts.wait([&] { return tape.data == "data: 1"; }));
    EXPECT_EQ(tape.status, 200);
    first_seen.set_value();
    ASSERT_TRUE(tape.facts.wait([&] { return tape.ended; }));
    EXPECT_EQ(tape.data, "data: 1data: 2");
    EXPECT_TRUE(tape.good);
}

TEST_F(HttpClientSpec, HoldsAStreamThatIsPausedAndLosesNothing) {
    constexpr std::size_t kBytes = 30 << 20;
    std::atomic<std::size_t> written{0};
    LoopbackServer server([&](Peer& peer) {
        peer.until("\r\n\r\n");
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kBytes) + "\r\n\r\n");
        const std::string block(64 << 10, 'x');
        while (written < kBytes && peer.write(block)) written += block.size();
        peer.wait_for_end();
    });
    serve({server.port()});
    Tape tape;
    HttpId id{};
    tape.when_data = [&] { client->pause(id); };
    on_loop([&] { id = client->stream(get(server.url("http")), tape); });
    ASSERT_TRUE(tape.facts.wait([&] { return !tape.data.empty(); }));
    std::size_t before = 1;
    while (before != written) {
        before = written;
        for (int i = 0; i < 50; ++i) on_loop([] {});
    }
    EXPECT_LT(written, kBytes);
    tape.when_data = nullptr;
    on_loop([&] { client->resume(id); });
    ASSERT_TRUE(tape.facts.wait([&] { return tape.ended; }));
    EXPECT_EQ(tape.data.size(), kBytes);
}

TEST_F(HttpClientSpec, MayCancelAStreamFromItsOwnCallback) {
    LoopbackServer server([](Peer& peer) {
        peer.until("\r\n\r\n");
        peer.write("HTTP/1.1 200 OK\r\n\r\nsome data");
        peer.wait_for_end();
    });
    serve({server.port()});
    Tape tape;
    HttpId id{};
    tape.when_data = [&] { client->cancel(id); };
    on_loop([&] { id = client->stream(get(server.url("http")), tape); });
    ASSERT_TRUE(tape.facts.wait([&] { return !tape.data.empty(); }));
    for (int i = 0; i < 3; ++i) on_loop([] {});
    on_loop([&] { EXPECT_EQ(client->active(), 0u); });
    EXPECT_FALSE(tape.ended);
}

TEST_F(HttpClientSpec, GivesUpOnAStreamWithoutAHead) {
    LoopbackServer server([](Peer& peer) { peer.wait_for_end(); });
    serve({server.port()});
    Tape tape;
    on_loop([&] {
        HttpRequest request = get(server.url("http"));
        request.timeout = 50ms;
        client->stream(std::move(request), tape);
    });
    ASSERT_TRUE(tape.facts.wait([&] { return tape.ended; }));
    EXPECT_FALSE(tape.good);
}

}  // namespace
}  // namespace anode
