#include <map>

#include "core/codec/http.hpp"

namespace anode::http {
namespace {

using ::testing::AnyOf;

/// What a server made of our parsers answers: statuses of whole requests (200), then of the refusal that closes.
std::vector<int> served(std::string_view bytes, std::size_t piece_bytes) {
    std::vector<int> answers;
    std::optional<RequestReader> reader(std::in_place);
    std::optional<BodyReader> body;
    Bytes taken;
    while (!bytes.empty()) {
        BytesView piece = bytes.substr(0, piece_bytes);
        bytes.remove_prefix(piece.size());
        while (!piece.empty()) {
            if (!body) {
                const Progress progress = reader->read(piece);
                if (progress == Progress::Refused)
                    return answers.push_back(reader->refusal().status), answers;
                if (progress == Progress::More) break;
                body.emplace(reader->head().framing, reader->head().content_length, 16U << 20);
            }
            const Progress progress = body->read(piece, taken);
            if (progress == Progress::Refused)
                return answers.push_back(body->refusal().status), answers;
            if (progress == Progress::More) break;
            answers.push_back(200);
            reader.emplace();
            body.reset();
        }
    }
    return answers;
}

const std::string kPost = "POST /t HTTP/1.1\r\nHost: h\r\n";
const std::string kChunked = kPost + "Transfer-Encoding: chunked\r\n";
const std::string kFollower = "GET /admin HTTP/1.1\r\nHost: h\r\n\r\n";

const std::map<std::string, std::string>& doubtful() {
    using namespace std::string_literals;
    static const std::map<std::string, std::string> all{
        {"length and chunked",
         kPost + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {"chunked and length", kChunked + "Content-Length: 1\r\n\r\n0\r\n\r\n"},
        {"two different lengths", kPost + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n12"},
        {"two equal lengths", kPost + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n1"},
        {"list of lengths", kPost + "Content-Length: 1, 1\r\n\r\n1"},
        {"negative length", kPost + "Content-Length: -1\r\n\r\n"},
        {"length with a plus", kPost + "Content-Length: +1\r\n\r\n1"},
        {"hexadecimal length", kPost + "Content-Length: 0x1\r\n\r\n1"},
        {"length with a space inside", kPost + "Content-Length: 1 1\r\n\r\n1"},
        {"length of 30 digits", kPost + "Content-Length: " + std::string(30, '9') + "\r\n\r\n1"},
        {"length over the limit", kPost + "Content-Length: 16777217\r\n\r\n1"},
        {"empty length", kPost + "Content-Length: \r\n\r\n1"},
        {"chunked twice in a list", kPost + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"},
        {"chunked in two headers", kChunked + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {"unknown coding", kPost + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
        {"chunked not last", kPost + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"},
        {"identity", kPost + "Transfer-Encoding: identity\r\n\r\n"},
        {"obscured chunked", kPost + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
        {"quoted chunked", kPost + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"},
        {"chunked with a parameter", kPost + "Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n"},
        {"chunked with a vertical tab", kPost + "Transfer-Encoding: \x0b"
                                                "chunked\r\n\r\n0\r\n\r\n"},
        {"empty coding", kPost + "Transfer-Encoding:\r\n\r\n0\r\n\r\n"},
        {"space before the colon", kPost + "Content-Length : 1\r\n\r\n1"},
        {"coding with a space before the colon",
         kPost + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"},
        {"tab before the colon", kPost + "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n"},
        {"folded line", kPost + "X-A: 1\r\n folded\r\nContent-Length: 1\r\n\r\n1"},
        {"folded coding", kPost + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"},
        {"folded line first", "GET / HTTP/1.1\r\n X: 1\r\nHost: h\r\n\r\n"},
        {"bare line feeds", "GET / HTTP/1.1\nHost: h\n\n"},
        {"bare line feed in the middle", kPost + "X: a\nContent-Length: 1\r\n\r\n1"},
        {"bare carriage return in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n"},
        {"two carriage returns", "GET / HTTP/1.1\r\nHost: h\r\r\n\r\n"},
        {"nul in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n"s},
        {"nul in a name", "GET / HTTP/1.1\r\nHost: h\r\nX\0: a\r\n\r\n"s},
        {"header without a colon", "GET / HTTP/1.1\r\nHost: h\r\nnonsense\r\n\r\n"},
        {"empty header name", "GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n"},
        {"header name with a space", "GET / HTTP/1.1\r\nHost: h\r\nX Y: 1\r\n\r\n"},
        {"header name beyond ASCII", "GET / HTTP/1.1\r\nHost: h\r\nX\xc3\xa9: 1\r\n\r\n"},
        {"no host", "GET / HTTP/1.1\r\n\r\n"},
        {"two hosts", "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n"},
        {"host of another", "GET http://evil.example/ HTTP/1.1\r\nHost: h\r\n\r\n"},
        {"bad host", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
        {"version 1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n"},
        {"version 2.0", "GET / HTTP/2.0\r\nHost: h\r\n\r\n"},
        {"version 0.9", "GET /\r\n\r\n"},
        {"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
        {"coding in HTTP 1.0",
         "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {"two spaces in the request line", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"},
        {"space at the end of the request line", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n"},
        {"space before the method", " GET / HTTP/1.1\r\nHost: h\r\n\r\n"},
        {"tab in the request line", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n"},
        {"empty line before the request", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"},
        {"raw byte above 127 in the target", "GET /l\xfcvez HTTP/1.1\r\nHost: h\r\n\r\n"},
        {"method with a control character", "G\x01T / HTTP/1.1\r\nHost: h\r\n\r\n"},
        {"chunk extension", kChunked + "\r\n1;a=b\r\n1\r\n0\r\n\r\n"},
        {"extension on the last chunk", kChunked + "\r\n1\r\n1\r\n0;a\r\n\r\n"},
        {"chunk size with a space", kChunked + "\r\n1 \r\n1\r\n0\r\n\r\n"},
        {"chunk size not hexadecimal", kChunked + "\r\nzz\r\n1\r\n0\r\n\r\n"},
        {"chunk size with a sign", kChunked + "\r\n+1\r\n1\r\n0\r\n\r\n"},
        {"chunk size with 0x", kChunked + "\r\n0x1\r\n1\r\n0\r\n\r\n"},
        {"chunk size of 17 digits",
         kChunked + "\r\n" + std::string(17, 'f') + "\r\n1\r\n0\r\n\r\n"},
        {"chunk size of 17 zeros and one",
         kChunked + "\r\n" + std::string(17, '0') + "1\r\n1\r\n0\r\n\r\n"},
        {"chunk size of 16 digits",
         kChunked + "\r\n" + std::string(16, 'f') + "\r\n1\r\n0\r\n\r\n"},
        {"empty chunk size", kChunked + "\r\n\r\n1\r\n0\r\n\r\n"},
        {"chunk ended by a line feed", kChunked + "\r\n1\n1\r\n0\r\n\r\n"},
        {"chunk data ended by a line feed", kChunked + "\r\n1\r\n1\n0\r\n\r\n"},
        {"chunk longer than it says", kChunked + "\r\n1\r\n11\r\n0\r\n\r\n"},
        {"trailer that would be a header",
         kChunked + "\r\n1\r\n1\r\n0\r\nContent-Length: 5\r\n\r\n"},
        {"last chunk ended by a line feed", kChunked + "\r\n0\r\n\n"},
    };
    return all;
}

TEST(HttpSmuggling, ADoubtfulRequestIsRefusedAndWhatFollowsIsNotServed) {
    for (const auto& [name, request] : doubtful()) {
        for (const std::size_t piece : {SIZE_MAX, std::size_t{1}, std::size_t{3}}) {
            SCOPED_TRACE(name + " in pieces of " + std::to_string(piece));
            const std::vector<int> answers = served(request + kFollower, piece);
            ASSERT_EQ(answers.size(), 1);
            EXPECT_THAT(answers.front(), AnyOf(400, 413, 501, 505));
        }
    }
}

TEST(HttpSmuggling, ProperRequestsInARowAreAllServed) {
    const std::string chunked = kChunked + "\r\n3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n";
    const std::string fixed = kPost + "Content-Length: 2\r\n\r\nab";
    for (const std::size_t piece : {SIZE_MAX, std::size_t{1}, std::size_t{3}})
        EXPECT_EQ(served(kFollower + chunked + fixed + chunked + kFollower, piece),
                  std::vector<int>(5, 200));
}

}  // namespace
}  // namespace anode::http
