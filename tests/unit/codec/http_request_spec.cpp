#include "base/rng.hpp"
#include "core/codec/http.hpp"

namespace anode::http {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

struct Read {
    Progress progress = Progress::More;
    int status = 0;
    RequestHead head;
    std::string rest;
};

/// Reads in pieces of at most `piece` bytes.
Read read(std::string_view bytes, std::size_t piece = SIZE_MAX, const Limits& limits = {}) {
    RequestReader reader(limits);
    Read result;
    while (!bytes.empty() && result.progress == Progress::More) {
        BytesView input = bytes.substr(0, piece);
        const std::size_t before = input.size();
        result.progress = reader.read(input);
        bytes.remove_prefix(before - input.size());
    }
    if (result.progress == Progress::Refused) result.status = reader.refusal().status;
    result.head = std::move(reader.head());
    result.rest = bytes;
    return result;
}

RequestHead head_of(std::string_view bytes) {
    Read result = read(bytes);
    EXPECT_EQ(result.progress, Progress::Done) << result.status << " for " << bytes;
    return std::move(result.head);
}
RequestHead get(const std::string& target) {
    return head_of("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n");
}
int status_of(std::string_view bytes) { return read(bytes).status; }
int status_of_target(const std::string& target) {
    return status_of("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n");
}
int status_of_host(const std::string& host) {
    return status_of("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
}

TEST(HttpRequest, IsReadWholeOrByteByByte) {
    const std::string bytes =
        "POST /v1/topics/a.b/messages?ack=disk HTTP/1.1\r\nHost: "
        "localhost:7945\r\nContent-Type:application/json  \r\n"
        "X-Empty:\r\nContent-Length: 5\r\n\r\nhello";
    for (const std::size_t piece :
         {SIZE_MAX, std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}}) {
        const Read result = read(bytes, piece);
        ASSERT_EQ(result.progress, Progress::Done);
        EXPECT_EQ(result.head.method, "POST");
        EXPECT_EQ(result.head.path, "/v1/topics/a.b/messages");
        EXPECT_THAT(result.head.segments, ElementsAre("v1", "topics", "a.b", "messages"));
        EXPECT_THAT(result.head.parameters, ElementsAre(Pair("ack", "disk")));
        EXPECT_EQ(result.head.headers.get("content-type"), "application/json");
        EXPECT_EQ(result.head.headers.find("x-empty"), "");
        EXPECT_EQ(result.head.headers.find("x-absent"), std::nullopt);
        EXPECT_EQ(result.head.framing, Framing::Length);
        EXPECT_EQ(result.head.content_length, 5);
        EXPECT_TRUE(result.head.keep_alive);
        EXPECT_EQ(result.rest, "hello");
    }
}

TEST(HttpRequest, APipelinedOneStaysInTheInput) {
    const std::string one = "GET /livez HTTP/1.1\r\nHost: h\r\n\r\n";
    const Read result = read(one + one);
    EXPECT_EQ(result.progress, Progress::Done);
    EXPECT_EQ(result.rest, one);
}

TEST(HttpRequest, ThePathIsSplitThenDecoded) {
    EXPECT_THAT(get("/").segments, ElementsAre(""));
    EXPECT_THAT(get("/a%2Fb/c%20d/").segments, ElementsAre("a/b", "c d", ""));
    EXPECT_THAT(get("//etc/passwd").segments, ElementsAre("", "etc", "passwd"));
    EXPECT_THAT(get("/%E2%82%AC+x").segments, ElementsAre("€+x"));
    EXPECT_THAT(get("/.well-known/..a/a..").segments, ElementsAre(".well-known", "..a", "a.."));
}

TEST(HttpRequest, TheQueryIsFormDecoded) {
    const RequestHead head = get("/x?a=1&b=c+d%26&a=2&flag&=v&&e=%E2%82%AC&topics=crypto.>&f=x=y?");
    EXPECT_THAT(head.parameters, ElementsAre(Pair("a", "1"), Pair("b", "c d&"), Pair("a", "2"),
                                             Pair("flag", ""), Pair("", "v"), Pair("e", "€"),
                                             Pair("topics", "crypto.>"), Pair("f", "x=y?")));
    EXPECT_EQ(head.parameter("a"), "1");
    EXPECT_EQ(head.parameter("absent"), std::nullopt);
    EXPECT_THAT(get("/x?").parameters, IsEmpty());
}

TEST(HttpRequest, AnAbsoluteTargetMustNameTheHost) {
    EXPECT_THAT(get("http://H/livez?x=1").segments, ElementsAre("livez"));
    EXPECT_THAT(get("http://h").segments, ElementsAre(""));
    EXPECT_EQ(status_of_target("http://evil.example/livez"), 400);
    EXPECT_EQ(status_of_target("ftp://h/"), 400);
    EXPECT_EQ(status_of_target("http://user@h/"), 400);
}

TEST(HttpRequest, APathThatCouldLeadElsewhereIsRefused) {
    for (const char* path :
         {"/../etc/passwd", "/ui/../../x", "/ui/%2e%2e/%2E%2E/x", "/ui/..%2f..%2fx", "/ui/%00",
          "/./x", "/ui/\\..\\x", "/a%", "/a%2", "/a%zz", "/a%0ab", "/%ff", "/%ed%a0%80", "/a#b",
          "x", "*", "", "/a\"\x80"})
        EXPECT_EQ(status_of_target(path), 400) << path;
    for (const char* query : {"/?a=%", "/?%g1=1", "/?a=%00", "/?a=%ff"})
        EXPECT_EQ(status_of_target(query), 400) << query;
    EXPECT_EQ(head_of("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").path, "*");
}

TEST(HttpRequest, HeadersAreFoundInLowerCaseAndJoinedAsLists) {
    const RequestHead head = head_of(
        "GET / HTTP/1.1\r\nHost: h\r\nAccept: a\r\naccept: b , c\r\nX-Bytes: "
        "\xc3\xa9\xff\r\nTab:\ta\tb\t\r\n\r\n");
    EXPECT_EQ(head.headers.get("accept"), "a");
    EXPECT_EQ(head.headers.count("accept"), 2);
    EXPECT_EQ(head.headers.joined("accept"), "a, b , c");
    EXPECT_TRUE(head.headers.has_token("accept", "C"));
    EXPECT_FALSE(head.headers.has_token("accept", "d"));
    EXPECT_EQ(head.headers.get("x-bytes"), "\xc3\xa9\xff");
    EXPECT_EQ(head.headers.get("tab"), "a\tb");
}

TEST(HttpRequest, WhetherTheConnectionStaysFollowsVersionAndHeader) {
    const auto keeps = [](const std::string& version, const std::string& lines) {
        return head_of("GET / HTTP/" + version + "\r\nHost: h\r\n" + lines + "\r\n").keep_alive;
    };
    EXPECT_TRUE(keeps("1.1", ""));
    EXPECT_FALSE(keeps("1.1", "Connection: x, Close\r\n"));
    EXPECT_FALSE(keeps("1.0", ""));
    EXPECT_TRUE(keeps("1.0", "Connection: Keep-Alive\r\n"));
    EXPECT_FALSE(keeps("1.1", "Connection: keep-alive\r\nConnection: close\r\n"));
    EXPECT_FALSE(head_of("GET / HTTP/1.0\r\n\r\n").keep_alive) << "HTTP/1.0 needs no Host";
}

TEST(HttpRequest, OnlyContinueCanBeExpected) {
    const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n";
    EXPECT_TRUE(head_of(head + "Expect: 100-Continue\r\n\r\n").expect_continue);
    EXPECT_FALSE(head_of(head + "\r\n").expect_continue);
    EXPECT_EQ(status_of(head + "Expect: magic\r\n\r\n"), 417);
}

TEST(HttpRequest, HostsAreNamesOrAddressesWithAPort) {
    for (const char* host : {"h", "example.com", "EXAMPLE.com:80", "127.0.0.1:7945", "[::1]",
                             "[fe80::1]:7945", "a_b-c.d"})
        EXPECT_EQ(status_of_host(host), 0) << host;
    for (const char* host : {"", "a b", "a,b", "h:", "h:x", "h:123456", "h:99999", "[::1", "[]",
                             "[::1]x", "[g]", "u@h", "h/p", "h:80:80"})
        EXPECT_EQ(status_of_host(host), 400) << host;
}

TEST(HttpRequest, OtherVersionsAreNotSpoken) {
    for (const char* version : {"HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "HTTP/3.0"})
        EXPECT_EQ(status_of("GET / " + std::string(version) + "\r\nHost: h\r\n\r\n"), 505)
            << version;
    for (const char* version : {"HTTP/1", "HTTP/1.10", "http/1.1", "HTTP/x.1", "HTTPS/1.1", "1.1"})
        EXPECT_EQ(status_of("GET / " + std::string(version) + "\r\nHost: h\r\n\r\n"), 400)
            << version;
}

TEST(HttpRequest, LimitsCrossedByOneAre431) {
    const std::string line = "GET / HTTP/1.1\r\nHost: h\r\n";
    const std::string full =
        line + "X: " + std::string(16 * 1024 - line.size() - 7, 'x') + "\r\n\r\n";
    ASSERT_EQ(full.size(), 16 * 1024);
    EXPECT_EQ(read(full).progress, Progress::Done);
    EXPECT_EQ(status_of(line + "X: " + std::string(16 * 1024 - line.size() - 6, 'x') + "\r\n\r\n"),
              431);
    EXPECT_EQ(status_of("GET /" + std::string(17'000, 'x')), 431) << "before the line ends";

    const auto with_headers = [&](int count) {
        std::string bytes = line;
        for (int i = 1; i < count; ++i) bytes += "X-" + std::to_string(i) + ": 1\r\n";
        return bytes + "\r\n";
    };
    EXPECT_EQ(read(with_headers(100)).progress, Progress::Done);
    EXPECT_EQ(status_of(with_headers(101)), 431);
}

TEST(HttpRequest, WhatIsNoHttpIsRefusedAtOnceNotAfterADeadline) {
    EXPECT_EQ(status_of("\x16\x03\x01\x02"), 400) << "a TLS hello";
    EXPECT_EQ(status_of("GET / HTTP/1.1\n"), 400);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: h\r\nX: a\rb"), 400);
    EXPECT_EQ(status_of("\r\n"), 400);
    EXPECT_EQ(read("GET / HTTP/1.1\r\nHost: h\r\n").progress, Progress::More);
}

TEST(HttpRequest, AnyBytesEndInAnAnswerWhateverTheirCutting) {
    Rng rng(77);
    const std::string proper =
        "POST /a?b=c HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nConnection: close\r\nExpect: "
        "100-continue\r\n\r\n";
    const std::string_view bytes =
        "\r\n \t:;,%/?#=\0\x7f\x80\xff"
        "AZaz09";
    for (int round = 0; round < 20'000; ++round) {
        std::string mutated = proper;
        for (auto count = 1 + rng.below(3); count > 0; --count) {
            const std::size_t at = rng.below(mutated.size());
            const char byte = bytes[rng.below(bytes.size())];
            if (rng.chance(0.4))
                mutated[at] = byte;
            else if (rng.chance(0.5))
                mutated.insert(at, 1, byte);
            else
                mutated.erase(at, 1 + rng.below(4));
        }
        const Read whole = read(mutated);
        const Read pieces = read(mutated, 1 + rng.below(9));
        ASSERT_EQ(whole.progress, pieces.progress) << mutated;
        ASSERT_EQ(whole.status, pieces.status) << mutated;
        ASSERT_EQ(whole.rest.empty(), pieces.rest.empty()) << mutated;
    }
}

}  // namespace
}  // namespace anode::http
