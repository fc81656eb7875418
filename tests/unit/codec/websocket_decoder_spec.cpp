#include "core/codec/websocket.hpp"

#include "unit/codec/frames.hpp"

namespace anode::ws::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr unsigned kContinuation = 0;
constexpr unsigned kText = 1;
constexpr unsigned kBinary = 2;
constexpr unsigned kClose = 8;
constexpr unsigned kPing = 9;
constexpr unsigned kPong = 10;

std::string code(unsigned value, const std::string& reason = "") {
    return {std::string{static_cast<char>(value >> 8U), static_cast<char>(value & 0xffU)} + reason};
}

struct Case {
    std::string name;
    std::vector<Wire> frames;
    std::vector<std::string> events;
};

std::vector<Wire> fragments(std::size_t count) {
    std::vector<Wire> frames{{.opcode = kText, .payload = "a", .fin = false}};
    while (frames.size() + 1 < count)
        frames.push_back({.opcode = kContinuation, .payload = "b", .fin = false});
    frames.push_back({.opcode = kContinuation, .payload = "c"});
    return frames;
}

/// What RFC 6455 allows and forbids, whichever side reads.
const std::vector<Case>& cases() {
    const std::string kb(1024, 'k');
    const std::string long_text(70'000, 'x');
    static const std::vector<Case> all{
        {"an empty text", {{kText, ""}}, {"text "}},
        {"a short text", {{kText, "hello"}}, {"text hello"}},
        {"a text with the 16-bit length", {{kText, kb}}, {"text " + kb}},
        {"a text with the 64-bit length", {{kText, long_text}}, {"text " + long_text}},
        {"a binary message of any bytes", {{kBinary, "\xff\x00\xfe"s}}, {"binary \xff\x00\xfe"s}},
        {"several messages",
         {{kText, "a"}, {kBinary, "b"}, {kText, ""}},
         {"text a", "binary b", "text "}},
        {"a ping and a pong",
         {{kPing, "p"}, {kPong, "q"}, {kPing, ""}},
         {"ping p", "pong q", "ping "}},
        {"the longest ping", {{kPing, std::string(125, 'p')}}, {"ping " + std::string(125, 'p')}},
        {"a message in fragments", fragments(4), {"text abbc"}},
        {"empty fragments",
         {{kText, "", false}, {kContinuation, "", false}, {kContinuation, ""}, {kText, "z"}},
         {"text ", "text z"}},
        {"control frames between fragments",
         {{kBinary, "a", false},
          {kPing, "1"},
          {kContinuation, "b", false},
          {kPong, ""},
          {kContinuation, "c"}},
         {"ping 1", "pong ", "binary abc"}},
        {"64 fragments", fragments(64), {"text a" + std::string(62, 'b') + "c"}},
        {"65 fragments", fragments(65), {"failed 1002"}},
        {"text of two, three and four bytes a character", {{kText, "é€😀"}}, {"text é€😀"}},
        {"a character split over fragments",
         {{kText, "\xf0\x9f", false}, {kContinuation, "\x98", false}, {kContinuation, "\x80!"}},
         {"text 😀!"}},

        {"reserved bit 1 without an extension", {{kText, "x", true, 4}}, {"failed 1002"}},
        {"reserved bit 2", {{kText, "x", true, 2}}, {"failed 1002"}},
        {"reserved bit 3", {{kText, "x", true, 1}}, {"failed 1002"}},
        {"reserved bit on a ping", {{kPing, "x", true, 4}}, {"failed 1002"}},
        {"fragmented ping", {{kPing, "x", false}}, {"failed 1002"}},
        {"fragmented close", {{kClose, code(1000), false}}, {"failed 1002"}},
        {"ping of 126 bytes", {{kPing, std::string(126, 'p')}}, {"failed 1002"}},
        {"16-bit length that fits 7 bits",
         {{kText, "hello", true, 0, Length::Bits16}},
         {"failed 1002"}},
        {"16-bit length of 125",
         {{kText, std::string(125, 'x'), true, 0, Length::Bits16}},
         {"failed 1002"}},
        {"64-bit length that fits 16 bits",
         {{kText, kb, true, 0, Length::Bits64}},
         {"failed 1002"}},
        {"64-bit length of 65,535",
         {{kText, std::string(65'535, 'x'), true, 0, Length::Bits64}},
         {"failed 1002"}},
        {"ping in the 16-bit form", {{kPing, "x", true, 0, Length::Bits16}}, {"failed 1002"}},
        {"length with the top bit set",
         {{.opcode = kBinary, .payload = "", .length = Length::Bits64, .claimed = UINT64_MAX}},
         {"failed 1002"}},
        {"continuation of nothing", {{kContinuation, "x"}}, {"failed 1002"}},
        {"continuation after the end",
         {{kText, "a"}, {kContinuation, "x"}},
         {"text a", "failed 1002"}},
        {"text inside a message", {{kText, "a", false}, {kText, "b"}}, {"failed 1002"}},
        {"binary inside a message", {{kText, "a", false}, {kBinary, "b"}}, {"failed 1002"}},

        {"text that is not UTF-8", {{kText, "a\xff"}}, {"failed 1007"}},
        {"text that ends inside a character", {{kText, "\xe2\x82"}}, {"failed 1007"}},
        {"overlong text", {{kText, "\xc0\xaf"}}, {"failed 1007"}},
        {"a surrogate", {{kText, "\xed\xa0\x80"}}, {"failed 1007"}},
        {"above U+10FFFF", {{kText, "\xf4\x90\x80\x80"}}, {"failed 1007"}},
        {"a character broken over fragments",
         {{kText, "\xe2\x82", false}, {kContinuation, "("}},
         {"failed 1007"}},
        {"bad text in an unfinished message", {{kText, "\xff", false}}, {"failed 1007"}},
        {"bad text after a good message",
         {{kText, "ok"}, {kText, "\x80"}},
         {"text ok", "failed 1007"}},

        {"a close without a code", {{kClose, ""}}, {"close 1005"}},
        {"a close with a reason", {{kClose, code(1000, "bye €")}}, {"close 1000 bye €"}},
        {"the longest reason",
         {{kClose, code(1001, std::string(123, 'r'))}},
         {"close 1001 " + std::string(123, 'r')}},
        {"a close inside a message", {{kText, "a", false}, {kClose, code(1001)}}, {"close 1001"}},
        {"a close of one byte", {{kClose, "x"}}, {"failed 1002"}},
        {"a close of 126 bytes", {{kClose, code(1000, std::string(124, 'r'))}}, {"failed 1002"}},
        {"a reason that is not UTF-8", {{kClose, code(1000, "\xff")}}, {"failed 1007"}},
        {"a reason that ends inside a character",
         {{kClose, code(1000, "\xe2\x82")}},
         {"failed 1007"}},
        {"nothing after a close", {{kClose, code(1000)}, {kText, "late"}}, {"close 1000"}},
        {"nothing after a failure", {{kText, "\xff"}, {kText, "late"}}, {"failed 1007"}},
    };
    return all;
}

DecoderConfig config_of(Role role) {
    DecoderConfig config;
    config.role = role;
    return config;
}

class WebSocketRules : public ::testing::TestWithParam<Role> {
protected:
    [[nodiscard]] bool masked() const { return GetParam() == Role::Server; }
    [[nodiscard]] std::string wire(const std::vector<Wire>& frames) const {
        std::string bytes;
        for (const Wire& frame : frames) bytes += encode(frame, masked());
        return bytes;
    }
    [[nodiscard]] std::vector<std::string> reads(const std::vector<Wire>& frames) const {
        return read_whole(config, wire(frames));
    }
    DecoderConfig config = config_of(GetParam());
};
INSTANTIATE_TEST_SUITE_P(BothRoles, WebSocketRules, ::testing::Values(Role::Server, Role::Client),
                         [](const auto& info) {
                             return info.param == Role::Server ? "Server" : "Client";
                         });

TEST_P(WebSocketRules, HoldForEveryCaseOfTheTable) {
    for (const Case& each : cases()) {
        SCOPED_TRACE(each.name);
        EXPECT_EQ(reads(each.frames), each.events);
    }
}

TEST_P(WebSocketRules, HoldWhereverTheBytesAreCut) {
    for (const Case& each : cases()) {
        SCOPED_TRACE(each.name);
        const std::string bytes = wire(each.frames);
        EXPECT_EQ(read_bytewise(config, bytes), each.events) << "byte by byte";
        // Long payloads are all alike in their middle: there a cut every 997 bytes will do.
        for (std::size_t cut = 1; cut < bytes.size();
             cut += cut > 300 && cut + 300 < bytes.size() ? 997 : 1)
            EXPECT_EQ(read_cut(config, bytes, cut), each.events) << "cut at " << cut;
    }
}

TEST_P(WebSocketRules, ReservedOpcodesAreProtocolErrors) {
    for (const unsigned opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15})
        EXPECT_THAT(reads({{opcode, "x"}}), ElementsAre("failed 1002")) << opcode;
}

TEST_P(WebSocketRules, AFrameWithTheWrongMaskingIsAProtocolError) {
    EXPECT_THAT(read_whole(config, encode({kText, "x"}, !masked())), ElementsAre("failed 1002"));
    EXPECT_THAT(read_whole(config, encode({kPing, ""}, !masked())), ElementsAre("failed 1002"));
}

TEST_P(WebSocketRules, EveryCloseCodeIsJudged) {
    for (unsigned value = 0; value <= 0xffff; ++value) {
        const bool valid = (value >= 1000 && value <= 1003) || (value >= 1007 && value <= 1014) ||
                           (value >= 3000 && value <= 4999);
        const std::string wanted = valid ? "close " + std::to_string(value) : "failed 1002";
        ASSERT_THAT(reads({{kClose, code(value)}}), ElementsAre(wanted)) << value;
        ASSERT_EQ(close_code_is_valid(static_cast<std::uint16_t>(value)), valid) << value;
    }
}

TEST_P(WebSocketRules, TextFailsAtItsFirstBadByteNotAtTheEndOfTheFrame) {
    std::string bytes = wire({{.opcode = kText, .payload = "abc\xf4\x90", .claimed = 100}});
    EXPECT_THAT(read_bytewise(config, bytes), ElementsAre("failed 1007"));
    bytes = wire({{.opcode = kText, .payload = std::string(80, 'x') + "\xf4", .claimed = 100}});
    EXPECT_THAT(read_bytewise(config, bytes), IsEmpty()) << "F4 may still become a character";
}

TEST_P(WebSocketRules, AFrameOverTheLimitIsTooBigAsSoonAsItsHeaderIsThere) {
    config.frame_bytes_max = 1000;
    const auto claims = [](std::uint64_t size) {
        return Wire{.opcode = kBinary, .payload = "", .claimed = size};
    };
    EXPECT_THAT(reads({claims(1000)}), IsEmpty());
    EXPECT_THAT(reads({claims(1001)}), ElementsAre("failed 1009"));
    EXPECT_THAT(reads({claims(UINT64_MAX / 2)}), ElementsAre("failed 1009"));
}

TEST_P(WebSocketRules, FragmentsTogetherMayNotPassTheLimitOfAMessage) {
    config.message_bytes_max = 10;
    const std::string six(6, 's');
    EXPECT_THAT(reads({{kText, six, false}, {kContinuation, "four"}}),
                ElementsAre("text ssssssfour"));
    EXPECT_THAT(reads({{kText, six, false}, {kContinuation, "fives"}}), ElementsAre("failed 1009"));
}

TEST_P(WebSocketRules, ControlFramesAreNoFragments) {
    config.fragments_max = 2;
    EXPECT_THAT(reads({{kText, "a", false}, {kPing, ""}, {kPing, ""}, {kContinuation, "b"}}),
                ElementsAre("ping ", "ping ", "text ab"));
}

TEST_P(WebSocketRules, AnyChunkingOfAnyTrafficYieldsTheSameEvents) {
    Rng rng(20'261'125);
    for (int round = 0; round < 300; ++round) {
        std::vector<Wire> frames;
        bool open = false;
        for (auto count = rng.below(12); count > 0; --count) {
            std::string payload(rng.chance(0.1) ? rng.below(70'000) : rng.below(200), 'x');
            if (rng.chance(0.3)) payload += "é€😀";
            if (rng.chance(0.02)) payload += '\xff';
            if (rng.chance(0.3)) {
                frames.push_back({rng.chance(0.5) ? kPing : kPong, payload.substr(0, 125)});
            } else if (rng.chance(0.03)) {
                frames.push_back({kClose, code(1000, "bye")});
            } else {
                const bool fin = rng.chance(0.6);
                frames.push_back({open              ? kContinuation
                                  : rng.chance(0.5) ? kText
                                                    : kBinary,
                                  payload, fin});
                open = !fin;
            }
        }
        const std::string bytes = wire(frames);
        const auto whole = read_whole(config, bytes);
        const std::uint64_t largest = 1 + rng.below(rng.chance(0.5) ? 10 : 5000);
        ASSERT_EQ(read(config, bytes, [&] { return 1 + rng.below(largest); }), whole)
            << "round " << round;
    }
}

TEST_P(WebSocketRules, WhatWeEncodeIsDecodedAgain) {
    Rng rng(7);
    for (const std::size_t size :
         {0, 1, 7, 8, 9, 31, 32, 33, 125, 126, 127, 65'535, 65'536, 100'000}) {
        Bytes payload(size, '\0');
        for (char& byte : payload) byte = static_cast<char>(rng.next());
        Bytes wire_bytes;
        const std::optional<MaskKey> mask =
            masked() ? std::optional(MaskKey{'\x12', '\x00', '\xff', '\x7f'}) : std::nullopt;
        append_frame(wire_bytes, Opcode::Binary, payload, mask);
        EXPECT_THAT(read_whole(config, wire_bytes), ElementsAre("binary " + payload)) << size;
    }
}

TEST(WebSocketDecoder, AnIdleOneIsSmallAndHoldsNothing) {
    static_assert(sizeof(Decoder) <= 64);
    Decoder decoder(config_of(Role::Server));
    std::string bytes =
        encode({kText, "split", false}, true) + encode({kContinuation, " message"}, true);
    std::span<char> input(bytes);
    ASSERT_EQ(text_of(*decoder.next(input)), "text split message");
    EXPECT_FALSE(decoder.next(input));
    EXPECT_FALSE(decoder.midway());
}

TEST(WebSocketDecoder, KnowsWhetherItIsInTheMiddleOfSomething) {
    Decoder decoder(config_of(Role::Server));
    std::string bytes = encode({kText, "ab", false}, true) + encode({kContinuation, "c"}, true);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        EXPECT_EQ(decoder.midway(), i != 0) << i;
        std::span<char> input(bytes.data() + i, 1);
        const bool last = i + 1 == bytes.size();
        EXPECT_EQ(decoder.next(input).has_value(), last);
    }
    EXPECT_FALSE(decoder.midway());
}

TEST(WebSocketDecoder, IgnoresEverythingAfterTheEnd) {
    Decoder decoder(config_of(Role::Server));
    std::string bytes = encode({kClose, ""}, true) + encode({kText, "late"}, true);
    std::span<char> input(bytes);
    EXPECT_EQ(text_of(*decoder.next(input)), "close 1005");
    EXPECT_TRUE(decoder.ended());
    EXPECT_FALSE(decoder.next(input));
    EXPECT_TRUE(input.empty());
}

TEST(WebSocketDecoder, WhatMayFollowAFailureIsSentAsAReason) {
    Decoder decoder(config_of(Role::Server));
    std::string bytes = encode({kText, "x"}, false);
    std::span<char> input(bytes);
    const auto event = decoder.next(input);
    ASSERT_TRUE(event);
    Bytes answer;
    append_close(answer, event->code, event->payload);
    EXPECT_THAT(read_whole(config_of(Role::Client), answer),
                ElementsAre("close 1002 frame is not masked"));
}

TEST(WebSocketFrames, AreTheOnesOfTheRfc) {  // section 5.7
    Bytes out;
    append_frame(out, Opcode::Text, "Hello");
    EXPECT_EQ(out, "\x81\x05Hello");
    out.clear();
    append_frame(out, Opcode::Text, "Hello", MaskKey{'\x37', '\xfa', '\x21', '\x3d'});
    EXPECT_EQ(out, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    out.clear();
    append_frame(out, Opcode::Text, "Hel", std::nullopt, false);
    append_frame(out, Opcode::Continuation, "lo");
    EXPECT_EQ(out, "\x01\x03Hel\x80\x02lo"s);
    out.clear();
    append_frame_head(out, Opcode::Binary, 256);
    append_frame_head(out, Opcode::Binary, 65'536, true, true);
    EXPECT_EQ(out, "\x82\x7e\x01\x00\xc2\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s);
}

TEST(WebSocketFrames, ALongCloseReasonIsCutAtACharacter) {
    Bytes out;
    append_close(out, 4000, std::string(122, 'r') + "€ and more");
    EXPECT_THAT(read_whole(config_of(Role::Client), out),
                ElementsAre("close 4000 " + std::string(122, 'r')));
    out.clear();
    append_close(out, kNoStatus);
    EXPECT_EQ(out, "\x88\x00"s);
}

TEST(WebSocketFrames, MaskingWorksAtEveryLengthPhaseAndAlignment) {
    const MaskKey key{'\x01', '\x80', '\xaa', '\x55'};
    for (std::size_t size = 0; size < 100; ++size) {
        for (std::size_t phase = 0; phase < 8; ++phase) {
            std::string bytes(size + 3, 'p');
            apply_mask(std::span(bytes).subspan(3), key, phase);
            for (std::size_t i = 0; i < size; ++i)
                ASSERT_EQ(bytes[3 + i], static_cast<char>('p' ^ key[(phase + i) % 4]))
                    << size << " " << phase << " " << i;
            ASSERT_EQ(bytes.substr(0, 3), "ppp");
        }
    }
}

}  // namespace
}  // namespace anode::ws::testing
