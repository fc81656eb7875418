#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../live/client.hpp"
#include "../live/fake_node.hpp"
#include "core/codec/inflate.hpp"

namespace anode::api::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

/// Replaces `{host}` by the server's own name.
std::string for_host(const Fixture& edge, std::string text) {
    for (std::size_t at; (at = text.find("{host}")) != std::string::npos;)
        text.replace(at, 6, edge.host);
    return text;
}

/// Sends it all and reads until the server closes.
std::string talk(const Fixture& edge, const std::string& request) {
    Client client(edge.port);
    client.send(for_host(edge, request));
    const std::string answer = client.rest();
    EXPECT_TRUE(client.ended) << "the server must close: " << request.substr(0, 120);
    return answer;
}

int count_of(std::string_view text, std::string_view what) {
    int count = 0;
    for (std::size_t at = text.find(what); at != std::string_view::npos;
         at = text.find(what, at + what.size()))
        ++count;
    return count;
}

const std::string kPost =
    "POST /echo HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n";
const std::string kChunked = kPost + "Transfer-Encoding: chunked\r\n";
const std::string kLast = "GET /livez HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n";

TEST(HttpServer, ADoubtfulRequestIsRefusedAndWhatFollowsItIsNotAnswered) {
    Fixture edge;
    const std::vector<std::string> doubtful{
        kPost + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        kPost + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n1",
        kPost + "Content-Length: +1\r\n\r\n1",
        kPost + "Content-Length : 1\r\n\r\n1",
        kPost + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        kPost + "X-A: 1\r\n folded\r\nContent-Length: 1\r\n\r\n1",
        "GET /livez HTTP/1.1\nHost: {host}\n\n",
        "GET /livez HTTP/1.1\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET http://evil.example/livez HTTP/1.1\r\nHost: {host}\r\n\r\n",
        "GET /livez\r\n\r\n",
        "GET  /livez HTTP/1.1\r\nHost: {host}\r\n\r\n",
        kChunked + "\r\n1;a=b\r\n1\r\n0\r\n\r\n",
        kChunked + "\r\n0x1\r\n1\r\n0\r\n\r\n",
        kChunked + "\r\n1\r\n11\r\n0\r\n\r\n",
        kChunked + "\r\n1\r\n1\r\n0\r\nContent-Length: 5\r\n\r\n",
    };
    for (const std::string& request : doubtful) {
        const std::string answer =
            talk(edge, request + "GET /livez HTTP/1.1\r\nHost: {host}\r\n\r\n");
        EXPECT_EQ(count_of(answer, "HTTP/1.1 "), 1) << request << "\n→ " << answer;
        const int status = status_of(answer);
        EXPECT_TRUE(status == 400 || status == 421 || status == 501 || status == 505)
            << request << status;
    }
}

TEST(HttpServer, PipelinedRequestsAreAnsweredInOrder) {
    Fixture edge;
    std::string requests;
    for (int i = 0; i < 20; ++i)
        requests += "GET /things/n" + std::to_string(i) + " HTTP/1.1\r\nHost: {host}\r\n\r\n";
    const std::string answer = talk(edge, requests + kLast);
    std::size_t at = 0;
    for (int i = 0; i < 20; ++i) {
        at = answer.find("\r\n\r\nn" + std::to_string(i) + "HTTP", at);
        ASSERT_NE(at, std::string::npos) << i;
    }
    EXPECT_THAT(answer, EndsWith("ok"));
}

TEST(HttpServer, HeadHasTheLengthButNotTheBody) {
    Fixture edge;
    const std::string answer =
        talk(edge, "HEAD /livez HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(answer, HasSubstr("Content-Length: 2\r\n"));
    EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST(HttpServer, AnUnknownPathIs404AndAnUnknownMethodIs405WithThoseThatAreKnown) {
    Fixture edge;
    const std::string lost =
        talk(edge, "GET /nowhere HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(status_of(lost), 404);
    EXPECT_THAT(lost, HasSubstr("application/problem+json"));
    EXPECT_THAT(lost, HasSubstr(R"({"type":"urn:anode:problem:not-found","title":)"));
    const std::string wrong =
        talk(edge, "DELETE /livez HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(status_of(wrong), 405);
    EXPECT_THAT(wrong, HasSubstr("Allow: GET, HEAD, OPTIONS\r\n"));
}

TEST(HttpServer, VerbsAndParametersAreToldApart) {
    Fixture edge;
    EXPECT_THAT(talk(edge,
                     "GET /things/a%20b HTTP/1.1\r\nHost: {host}\r\nConnection: "
                     "close\r\n\r\n"),
                EndsWith("\r\n\r\na b"));
    EXPECT_THAT(talk(edge,
                     "POST /things/x:stop HTTP/1.1\r\nHost: {host}\r\nContent-Length: "
                     "0\r\nConnection: close\r\n\r\n"),
                EndsWith("stop x"));
    EXPECT_EQ(status_of(talk(
                  edge, "POST /things/x:go HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")),
              404);
}

TEST(HttpServer, NoPathLeadsOutOfItsPlace) {
    Fixture edge;
    for (const char* path : {"/../etc/passwd", "/things/%2e%2e", "/things/..%2f..%2fetc",
                             "//etc/passwd", "/things/%00", "/things/\\x"}) {
        const int status =
            status_of(talk(edge, std::string("GET ") + path +
                                     " HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
        EXPECT_TRUE(status == 400 || status == 404) << path << ' ' << status;
    }
}

TEST(HttpServer, AnUnknownParameterIsRefused) {
    Fixture edge;
    const std::string answer =
        talk(edge, "GET /livez?colour=red HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(status_of(answer), 400);
    EXPECT_THAT(answer, HasSubstr("colour"));
}

TEST(HttpServer, ChunkedBodiesAndContinueWork) {
    Fixture edge;
    EXPECT_THAT(talk(edge, kChunked + "Connection: close\r\n\r\n3\r\n{\"n\r\n5\r\n\": "
                                      "1}\r\n0\r\n\r\n"),
                EndsWith("{\"n\": 1}"));
    Client client(edge.port);
    client.send(for_host(edge, kPost + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
    EXPECT_EQ(status_of(client.take_head()), 100);
    client.send("42");
    EXPECT_EQ(status_of(client.take_head()), 200);
}

TEST(HttpServer, ABodyOfSomeMegabytesIsTakenWhole) {
    Fixture edge;
    const std::string body(5'000'000, 'x');
    EXPECT_THAT(talk(edge, kPost + "Connection: close\r\nContent-Length: " +
                               std::to_string(body.size()) + "\r\n\r\n" + body),
                EndsWith("\r\n\r\n" + body));
}

TEST(HttpServer, ABodyThatIsTooLargeIs413BeforeItIsRead) {
    EdgeLimits limits;
    limits.body_bytes_max = 1000;
    Fixture edge(limits);
    EXPECT_EQ(status_of(talk(edge, kPost + "Content-Length: 1001\r\n\r\nxxx")), 413);
    EXPECT_EQ(
        status_of(talk(edge, kChunked + "\r\n3e9\r\n" + std::string(1001, 'x') + "\r\n0\r\n\r\n")),
        413);
}

TEST(HttpServer, CompressedBodiesAreUnpackedWithinTheirLimits) {
    Fixture edge;
    const auto post = [&](const Bytes& body, std::string_view coding) {
        return talk(edge, kPost + "Content-Encoding: " + std::string(coding) +
                              "\r\nConnection: close\r\nContent-Length: " +
                              std::to_string(body.size()) + "\r\n\r\n" + body);
    };
    EXPECT_THAT(post(codec::compress(codec::Coding::Gzip, "{\"n\":1}"), "gzip"),
                EndsWith("{\"n\":1}"));
    EXPECT_THAT(post(codec::compress(codec::Coding::Zstd, "{\"n\":1}"), "zstd"),
                EndsWith("{\"n\":1}"));
    const Bytes bomb = codec::compress(codec::Coding::Gzip, std::string(40'000'000, 'x'));
    EXPECT_EQ(status_of(post(bomb, "gzip")), 413);
    EXPECT_EQ(status_of(post("x", "br")), 415);
    EXPECT_EQ(status_of(post("no gzip", "gzip")), 400);
}

TEST(HttpServer, AnswersOverOneKibibyteAreCompressedOnRequestAndKnown304) {
    Fixture edge;
    const std::string get = "GET /big HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n";
    const std::string plain = talk(edge, get + "\r\n");
    EXPECT_THAT(plain, HasSubstr("Content-Length: 5002\r\n"));
    EXPECT_THAT(plain, HasSubstr("ETag: \"tag-1\"\r\n"));
    const std::string packed = talk(edge, get + "Accept-Encoding: gzip\r\n\r\n");
    EXPECT_THAT(packed, HasSubstr("Content-Encoding: gzip\r\n"));
    EXPECT_LT(packed.size(), 1000U);
    const std::string known = talk(edge, get + "If-None-Match: \"tag-1\"\r\n\r\n");
    EXPECT_EQ(status_of(known), 304);
    EXPECT_THAT(known, EndsWith("\r\n\r\n"));
}

TEST(HttpServer, AStreamedAnswerComesWholeInChunks) {
    Fixture edge;
    const std::string answer =
        talk(edge, "GET /lines HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(answer, HasSubstr("\r\n999\n\r\n"));
    EXPECT_THAT(answer, EndsWith("0\r\n\r\n"));
}

TEST(HttpServer, ARequestThatAHandlerDropsIsAnsweredWith500) {
    Fixture edge;
    EXPECT_EQ(
        status_of(talk(edge, "GET /dropped HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")),
        500);
}

TEST(HttpServer, TooManyOrTooLongHeadersAre431) {
    Fixture edge;
    std::string many = "GET /livez HTTP/1.1\r\nHost: {host}\r\n";
    for (int i = 0; i < 101; ++i) many += "X-" + std::to_string(i) + ": 1\r\n";
    EXPECT_EQ(status_of(talk(edge, many + "\r\n")), 431);
    EXPECT_EQ(status_of(talk(edge, "GET /livez HTTP/1.1\r\nHost: {host}\r\nX: " +
                                       std::string(17'000, 'x') + "\r\n\r\n")),
              431);
}

TEST(HttpServer, AHeadThatDoesNotEndInTimeIs408) {
    EdgeLimits limits;
    limits.header_wait = 200ms;
    Fixture edge(limits);
    EXPECT_EQ(status_of(talk(edge, "GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ")), 408);
}

TEST(HttpServer, AnIdleConnectionIsClosed) {
    EdgeLimits limits;
    limits.idle = 200ms;
    Fixture edge(limits);
    Client client(edge.port);
    client.send(for_host(edge, "GET /livez HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    EXPECT_THAT(client.rest(), EndsWith("ok"));
    EXPECT_TRUE(client.ended);
}

TEST(HttpServer, UnknownHostsAreRefusedAndOwnNamesAreKnown) {
    Fixture edge;
    const auto ask = [&](const std::string& host) {
        return status_of(
            talk(edge, "GET /livez HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n"));
    };
    for (const char* host :
         {"evil.example", "evil.example:7945", "127.0.0.1.evil.example", "169.254.169.254", ""}) {
        const int status = ask(host);
        EXPECT_TRUE(status == 400 || status == 421) << host << ' ' << status;
    }
    EXPECT_EQ(ask("localhost"), 200);
    EXPECT_EQ(ask("LOCALHOST:1"), 200);
    EXPECT_EQ(ask("127.0.0.1"), 200);
}

TEST(HttpServer, AForeignOriginMayNeitherWriteNorListen) {
    Fixture edge({}, {"https://friend.example"});
    const auto write = [&](const std::string& origin) {
        return status_of(talk(edge, kPost + "Origin: " + origin +
                                        "\r\nConnection: close\r\nContent-Length: 1\r\n\r\n1"));
    };
    EXPECT_EQ(write("https://evil.example"), 403);
    EXPECT_EQ(write("null"), 403);
    EXPECT_EQ(write("http://friend.example"), 403);
    EXPECT_EQ(write("https://friend.example"), 200);
    EXPECT_EQ(write("http://" + edge.host), 200);
    const auto listen = [&](const std::string& origin) {
        return status_of(
            Socket(edge.port, "/v1/stream?topics=a.>", "Origin: " + origin + "\r\n").head);
    };
    EXPECT_EQ(listen("https://friend.example.evil.example"), 403);
    EXPECT_EQ(listen("https://friend.example"), 101);
}

TEST(HttpServer, CorsHeadersGoToListedOriginsOnly) {
    Fixture edge({}, {"https://friend.example"});
    const auto ask = [&](const std::string& headers) {
        return talk(edge, "GET /livez HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n" + headers +
                              "\r\n");
    };
    EXPECT_THAT(ask("Origin: https://friend.example\r\n"),
                HasSubstr("Access-Control-Allow-Origin: https://friend.example\r\n"));
    EXPECT_THAT(ask("Origin: https://evil.example\r\n"), Not(HasSubstr("Access-Control")));
    EXPECT_THAT(ask(""), Not(HasSubstr("Access-Control")));
}

TEST(HttpServer, ARequestIdIsTakenOrMade) {
    Fixture edge;
    const auto ask = [&](const std::string& headers) {
        return talk(edge, "GET /livez HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n" + headers +
                              "\r\n");
    };
    EXPECT_THAT(ask("X-Request-Id: mine-1\r\n"), HasSubstr("X-Request-Id: mine-1\r\n"));
    EXPECT_THAT(ask(""), HasSubstr("X-Request-Id: req-"));
}

TEST(HttpServer, Http10IsAnsweredAndClosed) {
    Fixture edge;
    EXPECT_EQ(status_of(talk(edge, "GET /livez HTTP/1.0\r\nHost: {host}\r\n\r\n")), 200);
}

}  // namespace
}  // namespace anode::api::testing
