#include "core/codec/http.hpp"

#include "base/rng.hpp"

namespace anode::http {
namespace {

struct Read {
    Progress progress = Progress::More;
    int status = 0;
    Bytes body;
    std::string rest;
};

template <class Size>
Read read(Framing framing, std::uint64_t length, std::string_view bytes, std::uint64_t bytes_max,
          Size size) {
    BodyReader reader(framing, length, bytes_max);
    Read result;
    do {
        BytesView input = bytes.substr(0, size());
        const std::size_t before = input.size();
        result.progress = reader.read(input, result.body);
        bytes.remove_prefix(before - input.size());
    } while (result.progress == Progress::More && !bytes.empty());
    if (result.progress == Progress::Refused) result.status = reader.refusal().status;
    result.rest = bytes;
    EXPECT_EQ(result.body.size(), reader.total_bytes());
    return result;
}
Read read(Framing framing, std::uint64_t length, std::string_view bytes,
          std::uint64_t bytes_max = 100) {
    return read(framing, length, bytes, bytes_max, [] { return SIZE_MAX; });
}

TEST(HttpBody, OfKnownLengthEndsThere) {
    const Read result = read(Framing::Length, 5, "helloGET");
    EXPECT_EQ(result.progress, Progress::Done);
    EXPECT_EQ(result.body, "hello");
    EXPECT_EQ(result.rest, "GET");
    EXPECT_EQ(read(Framing::Length, 5, "hell").progress, Progress::More);
    EXPECT_EQ(read(Framing::Length, 0, "GET").rest, "GET");
    EXPECT_EQ(read(Framing::None, 0, "GET").progress, Progress::Done);
}

TEST(HttpBody, OverTheLimitIs413BeforeAnyOfItIsRead) {
    EXPECT_EQ(read(Framing::Length, 101, "").status, 413);
    EXPECT_EQ(read(Framing::Length, 100, std::string(100, 'x')).progress, Progress::Done);
    const Read chunked = read(Framing::Chunked, 0, "5\r\nhello\r\n60\r\n" + std::string(96, 'x'));
    EXPECT_EQ(chunked.status, 413);
    EXPECT_EQ(chunked.body, "hello");
}

TEST(HttpBody, InChunksIsReadInAnyCutting) {
    Rng rng(4);
    for (int round = 0; round < 500; ++round) {
        std::string wire;
        std::string wanted;
        for (auto count = rng.below(6); count > 0; --count) {
            const std::string data(1 + rng.below(300), static_cast<char>('a' + count));
            char size[20];
            std::snprintf(size, sizeof(size), rng.chance(0.5) ? "%zX\r\n" : "%04zx\r\n",
                          data.size());
            wire += size + data + "\r\n";
            wanted += data;
        }
        wire += "0\r\n\r\n";
        const std::uint64_t largest = 1 + rng.below(50);
        const Read result = read(Framing::Chunked, 0, wire + "next", 1U << 20,
                                 [&] { return 1 + rng.below(largest); });
        ASSERT_EQ(result.progress, Progress::Done);
        ASSERT_EQ(result.body, wanted);
        ASSERT_EQ(result.rest, "next");
    }
}

TEST(HttpBody, ARefusedOneStaysRefused) {
    BodyReader reader(Framing::Chunked, 0, 100);
    Bytes out;
    BytesView bad = "zz\r\n";
    EXPECT_EQ(reader.read(bad, out), Progress::Refused);
    BytesView good = "0\r\n\r\n";
    EXPECT_EQ(reader.read(good, out), Progress::Refused);
    EXPECT_EQ(reader.refusal().status, 400);
}

// -- responses -------------------------------------------------------------------------------------

TEST(HttpResponse, AHandshakeAnswerLeavesTheFirstFrames) {
    ResponseReader reader;
    BytesView input = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x01x";
    EXPECT_EQ(reader.read(input), Progress::Done);
    EXPECT_EQ(reader.head().status, 101);
    EXPECT_EQ(reader.head().reason, "Switching Protocols");
    EXPECT_EQ(reader.head().headers.get("upgrade"), "websocket");
    EXPECT_EQ(input, "\x81\x01x");
}

TEST(HttpResponse, ARefusalIsReadWithItsBodyHoweverItIsFramed) {
    const auto body_of = [](std::string_view bytes) {
        ResponseReader reader({}, 10);
        Progress progress = Progress::More;
        while (progress == Progress::More && !bytes.empty()) {
            BytesView input = bytes.substr(0, 1);
            progress = reader.read(input);
            bytes.remove_prefix(1);
        }
        if (progress == Progress::More) progress = reader.closed();
        EXPECT_EQ(progress, Progress::Done);
        EXPECT_EQ(reader.head().status, 429);
        return std::string(reader.body());
    };
    const std::string head = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\n";
    EXPECT_EQ(body_of(head + "Content-Length: 4\r\n\r\nslow"), "slow");
    EXPECT_EQ(body_of(head + "Transfer-Encoding: chunked\r\n\r\n4\r\nslow\r\n0\r\n\r\n"), "slow");
    EXPECT_EQ(body_of(head + "\r\nslow"), "slow");
    EXPECT_EQ(body_of(head + "\r\nslow, slow, slow"), "slow, slow") << "cut at the limit";
    EXPECT_EQ(body_of(head + "Content-Length: x\r\n\r\nslow"), "")
        << "the status matters more than its body";
    EXPECT_EQ(
        body_of("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + head + "Content-Length: 0\r\n\r\n"),
        "");
}

TEST(HttpResponse, WhatIsNoResponseIsRefused) {
    for (const char* bytes :
         {"HTTP/2 101\r\n\r\n", "HTTP/1.1 20\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
          "HTTP/1.1 099 x\r\n\r\n", "SSH-2.0-x\r\n\r\n", "HTTP/1.1 101 x\nUpgrade: y\n\n",
          "HTTP/1.1 101 x\r\nbad\r\n\r\n"}) {
        ResponseReader reader;
        BytesView input = bytes;
        EXPECT_EQ(reader.read(input), Progress::Refused) << bytes;
    }
    ResponseReader reader;
    BytesView input = "HTTP/1.1 101 x\r\n";
    EXPECT_EQ(reader.read(input), Progress::More);
    EXPECT_EQ(reader.closed(), Progress::Refused);
}

TEST(HttpResponse, EveryStatusWeAnswerHasItsPhrase) {
    for (const int status : {101, 200, 201, 204, 400, 401, 403, 404, 408, 413, 417, 421, 426, 429,
                             431, 500, 501, 503, 505})
        EXPECT_FALSE(reason_phrase(status).empty()) << status;
    EXPECT_TRUE(reason_phrase(299).empty());
}

}  // namespace
}  // namespace anode::http
