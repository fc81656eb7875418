#include "core/codec/websocket_handshake.hpp"

#include "base/text.hpp"

namespace anode::ws {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr const char* kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

http::RequestHead request(std::string_view head) {
    http::RequestReader reader;
    EXPECT_EQ(reader.read(head), http::Progress::Done) << reader.refusal().why;
    return std::move(reader.head());
}

std::string upgrade_head(
    const std::string& lines = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
                               std::string(kKey) + "\r\n") {
    return "GET /v1/ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, "
           "Upgrade\r\n" +
           lines + "\r\n";
}

int refusal_of(const std::string& head) {
    const auto checked = check_upgrade(request(head));
    return checked ? 0 : checked.error().status;
}

TEST(WebSocketHandshake, TheAcceptKeyIsTheOneOfTheRfc) { EXPECT_EQ(accept_key(kKey), kAccept); }

TEST(WebSocketHandshake, AServerTakesAProperRequest) {
    const auto upgrade = check_upgrade(
        request(upgrade_head("sec-websocket-version: 13\r\nSec-WebSocket-Key: "
                             "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: anode.v1, b\r\n"
                             "Sec-WebSocket-Protocol: c\r\nSec-WebSocket-Extensions: "
                             "x\r\nSec-WebSocket-Extensions: permessage-deflate\r\n")));
    ASSERT_TRUE(upgrade);
    EXPECT_EQ(upgrade->accept, kAccept);
    EXPECT_THAT(upgrade->subprotocols, ElementsAre("anode.v1", "b", "c"));
    EXPECT_EQ(upgrade->extensions, "x, permessage-deflate");
}

TEST(WebSocketHandshake, AServerRefusesWhatIsMissingOrWrong) {
    const std::string key = "Sec-WebSocket-Key: " + std::string(kKey) + "\r\n";
    const std::string version = "Sec-WebSocket-Version: 13\r\n";
    EXPECT_EQ(refusal_of(upgrade_head(version + key)), 0);
    EXPECT_EQ(refusal_of(upgrade_head(version)), 400);
    EXPECT_EQ(refusal_of(upgrade_head(version + "Sec-WebSocket-Key: c2hvcnQ=\r\n")), 400);
    EXPECT_EQ(refusal_of(upgrade_head(version + key + key)), 400);
    EXPECT_EQ(refusal_of(upgrade_head(version + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n")),
              400);
    EXPECT_EQ(refusal_of(upgrade_head(key)), 426);
    EXPECT_EQ(refusal_of(upgrade_head(key + "Sec-WebSocket-Version: 8\r\n")), 426);
    EXPECT_EQ(refusal_of(upgrade_head(key + version + "Sec-WebSocket-Protocol: a,,b\r\n")), 400);
    EXPECT_EQ(refusal_of(upgrade_head(key + version + "Content-Length: 1\r\n")), 400);
    EXPECT_EQ(refusal_of("POST" + upgrade_head(key + version).substr(3)), 400);
    EXPECT_EQ(
        refusal_of("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n" + key + version + "\r\n"),
        400);
    EXPECT_FALSE(wants_upgrade(
        request("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n")));
}

ClientRequest client_request() {
    ClientRequest asked;
    asked.host = "example.com:8443";
    asked.target = "/stream?a=1";
    asked.key = kKey;
    return asked;
}

TEST(WebSocketHandshake, BothOurSidesUnderstandEachOther) {
    ClientRequest asked = client_request();
    asked.headers = {{"User-Agent", "anode/1"}, {"X-Token", "t"}};
    asked.subprotocols = {"b", "anode.v1"};
    asked.origin = "https://example.com";
    asked.deflate = true;
    Bytes wire;
    ASSERT_TRUE(append_client_request(wire, asked));
    const http::RequestHead head = request(wire);
    EXPECT_EQ(head.headers.get("host"), "example.com:8443");
    EXPECT_EQ(head.headers.get("user-agent"), "anode/1");
    EXPECT_EQ(head.headers.get("origin"), "https://example.com");
    EXPECT_EQ(head.parameter("a"), "1");

    const auto upgrade = check_upgrade(head);
    ASSERT_TRUE(upgrade);
    Bytes answer;
    append_upgrade_answer(answer, *upgrade, "anode.v1", accept_deflate(upgrade->extensions));
    http::ResponseReader reader;
    BytesView input = answer;
    ASSERT_EQ(reader.read(input), http::Progress::Done);
    const auto agreed = check_answer(reader.head(), asked);
    ASSERT_TRUE(agreed) << agreed.error().what;
    EXPECT_EQ(agreed->subprotocol, "anode.v1");
    EXPECT_EQ(agreed->deflate, DeflateAgreed{});
}

TEST(WebSocketHandshake, AClientRequestCannotCarryLinesOfSomebodyElse) {
    const auto refused = [](auto change) {
        ClientRequest asked = client_request();
        change(asked);
        Bytes wire;
        const auto appended = append_client_request(wire, asked);
        EXPECT_THAT(wire, IsEmpty());
        return !appended && appended.error().code == Errc::Malformed;
    };
    EXPECT_TRUE(refused([](ClientRequest& r) { r.host = "h\r\nX: y"; }));
    EXPECT_TRUE(refused([](ClientRequest& r) { r.host = ""; }));
    EXPECT_TRUE(refused([](ClientRequest& r) { r.target = "/a b"; }));
    EXPECT_TRUE(refused([](ClientRequest& r) { r.target = "x"; }));
    EXPECT_TRUE(refused([](ClientRequest& r) { r.origin = "a\nb"; }));
    EXPECT_TRUE(refused([](ClientRequest& r) { r.headers = {{"X", "a\r\nb"}}; }));
    EXPECT_TRUE(refused([](ClientRequest& r) { r.headers = {{"X Y", "a"}}; }));
    EXPECT_TRUE(refused([](ClientRequest& r) { r.headers = {{"HOST", "a"}}; }));
    EXPECT_TRUE(refused([](ClientRequest& r) { r.subprotocols = {"a,b"}; }));
}

Result<ClientAnswer> answered(const std::string& lines, const ClientRequest& asked,
                              const std::string& status = "101 x") {
    http::ResponseReader reader;
    const std::string head = "HTTP/1.1 " + status + "\r\n" + lines + "\r\n";
    BytesView input = head;
    EXPECT_NE(reader.read(input), http::Progress::Refused) << reader.refusal().why;
    return check_answer(reader.head(), asked);
}

TEST(WebSocketHandshake, AClientChecksTheAnswer) {
    ClientRequest asked = client_request();
    asked.subprotocols = {"p"};
    const std::string good = "Upgrade: WebSocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: " +
                             std::string(kAccept) + "\r\n";
    EXPECT_TRUE(answered(good, asked));
    EXPECT_TRUE(answered(good + "Sec-WebSocket-Protocol: p\r\n", asked));
    for (const std::string& lines :
         {std::string("Connection: upgrade\r\nSec-WebSocket-Accept: ") + kAccept + "\r\n",
          std::string("Upgrade: websocket\r\nSec-WebSocket-Accept: ") + kAccept + "\r\n",
          std::string("Upgrade: websocket\r\nConnection: upgrade\r\n"),
          std::string("Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: "
                      "AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n"),
          good + "Sec-WebSocket-Protocol: q\r\n",
          good + "Sec-WebSocket-Protocol: p\r\nSec-WebSocket-Protocol: p\r\n",
          good + "Sec-WebSocket-Extensions: permessage-deflate\r\n"}) {
        const auto answer = answered(lines, asked);
        ASSERT_FALSE(answer) << lines;
        EXPECT_EQ(answer.error().code, Errc::Malformed);
    }
    asked.deflate = true;
    EXPECT_TRUE(
        answered(good + "Sec-WebSocket-Extensions: permessage-deflate\r\n", asked)->deflate);
    EXPECT_FALSE(answered(good + "Sec-WebSocket-Extensions: foo\r\n", asked));
}

TEST(WebSocketHandshake, ARefusalNamesItsStatus) {
    const auto answer = answered("Content-Length: 0\r\n", client_request(), "429 Slow Down");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::Refused);
    EXPECT_THAT(answer.error().what, HasSubstr("429"));
}

}  // namespace
}  // namespace anode::ws
