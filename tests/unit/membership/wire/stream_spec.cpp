#include "core/membership/wire/stream.hpp"

#include "core/membership/wire/compressed.hpp"
#include "unit/membership/wire/support.hpp"

namespace anode::membership::wire {

using namespace spec;
using End = StreamReader::End;

namespace {

const std::string kPing = "0082a44e6f6465a162a55365714e6f2a";
const std::string kSealedPing =
    "0a0000002d01a0a1a2a3a4a5a6a7a8a9aaabaa049cf511ed56abe8dde665375cdf4ad417f580aeba24c490970376"
    "4ff753db";
const std::string kSealedPingBlue =
    "0a0000002d01a0a1a2a3a4a5a6a7a8a9aaabaa049cf511ed56abe8dde665375cdf4a51aa6b0209adff0e3960"
    "86b194a4209d";

/// What a whole stream holds, given in pieces: a word for its message, or for why there is none.
std::string told(const Envelope& envelope, End sender, BytesView bytes,
                 std::size_t piece = 1U << 20) {
    StreamReader reader(envelope, sender);
    const auto word = [](const StreamReader::Step& step) -> std::string {
        if (!step)
            return std::string(name_of(step.error().reason)) + (step.error().answer ? "!" : "");
        if (!*step) return "";
        if (const auto* ping = std::get_if<Ping>(&**step)) return "ping " + std::string(ping->node);
        if (const auto* ack = std::get_if<Ack>(&**step)) return "ack " + std::to_string(ack->seq);
        if (const auto* user = std::get_if<StreamUser>(&**step))
            return "user " + std::string(user->payload);
        if (const auto* error = std::get_if<StreamError>(&**step))
            return "error " + std::string(error->text);
        const auto& state = std::get<PushPull>(**step);
        return "state " + std::to_string(state.nodes.size()) + " " +
               std::to_string(state.user_state.size());
    };
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
        const auto step = reader.add(bytes.substr(0, piece));
        if (const auto found = word(step); !found.empty()) return found;
    }
    return word(reader.end());
}

Bytes framed(const Envelope& envelope, End sender, BytesView content) {
    Bytes out;
    EXPECT_TRUE(frame_stream(envelope, sender, content, recorded_nonce(), out));
    return out;
}

const Envelope kPlain{.label = {}, .keys = nullptr, .compression = false};

}  // namespace

TEST(StreamVectors, SealedPings) {
    const KeyRing ring = recorded_ring();
    const Envelope none{.label = {}, .keys = &ring, .compression = false};
    const Envelope blue{.label = "blue", .keys = &ring, .compression = false};
    EXPECT_EQ(text::hex(framed(none, End::Dialler, hex(kPing))), kSealedPing);
    EXPECT_EQ(text::hex(framed(blue, End::Acceptor, hex(kPing))), kSealedPingBlue)
        << "answers carry no label";
    EXPECT_EQ(text::hex(framed(blue, End::Dialler, hex(kPing))), "f404626c7565" + kSealedPingBlue);
    for (const std::size_t piece : {1U, 3U, 1000U}) {
        EXPECT_EQ(told(none, End::Dialler, hex(kSealedPing), piece), "ping b");
        EXPECT_EQ(told(blue, End::Acceptor, hex(kSealedPingBlue), piece), "ping b");
        EXPECT_EQ(told(blue, End::Dialler, hex("f404626c7565" + kSealedPingBlue), piece), "ping b");
    }
}

TEST(StreamVectors, SealedPingsOfFormatZero) {
    const KeyRing ring = recorded_ring();
    EXPECT_EQ(told({.label = {}, .keys = &ring}, End::Acceptor,
                   hex("0a0000003d00a0a1a2a3a4a5a6a7a8a9aaabaa049cf511ed56abe8dde665375cdf4a43fe331"
                       "893072dbf3500618b529d"
                       "9fb8b7bb149fe058f0cec4ecd83869a338d6")),
              "ping b");
    EXPECT_EQ(told({.label = "blue", .keys = &ring}, End::Acceptor,
                   hex("0a0000003d00a0a1a2a3a4a5a6a7a8a9aaabaa049cf511ed56abe8dde665375cdf4a43fe331"
                       "893072dbf3500618b529d"
                       "9fb89b67c86c4948b24ccf2b36b2924e0602")),
              "ping b");
}

TEST(StreamReader, TheTableOfLabels) {
    const Envelope blue{.label = "blue"};
    EXPECT_EQ(told(blue, End::Dialler, ""), "")
        << "who goes away without a byte has done nothing wrong";
    EXPECT_EQ(told(blue, End::Dialler, hex("f4")), "truncated");
    EXPECT_EQ(told(blue, End::Dialler, hex("f400")), "label");
    EXPECT_EQ(told(blue, End::Dialler, hex("f404626c")), "truncated");
    EXPECT_EQ(told(blue, End::Dialler, hex("f404626d")), "label") << "told before it is whole";
    EXPECT_EQ(told(blue, End::Dialler, hex("f405626c756565" + kPing)), "label");
    EXPECT_EQ(told(blue, End::Dialler, hex(kPing)), "label") << "none, but we have one";
    EXPECT_EQ(told(kPlain, End::Dialler, hex("f404626c7565" + kPing)), "label")
        << "one, but we have none";
    EXPECT_EQ(told(blue, End::Dialler, hex("f404626c7565")), "truncated");
    EXPECT_EQ(told(blue, End::Acceptor, hex(kPing)), "ping b") << "an answer has none";
    EXPECT_EQ(told(blue, End::Acceptor, hex("f404626c7565" + kPing)), "type");
}

TEST(StreamReader, EveryMessageAndNoEndOfFileNeeded) {
    Bytes state;
    PushPull message;
    message.nodes.resize(3, {"a", kA, {}, 1, 0, {}, 6});
    message.user_state = "state";
    encode_push_pull(message, state);
    Bytes user;
    encode_stream_user("hello", user);
    Bytes error;
    encode_stream_error("bad", error);
    const KeyRing ring = recorded_ring();
    for (const Envelope& envelope : {kPlain, Envelope{}, Envelope{.label = "blue"},
                                     Envelope{.label = "blue", .keys = &ring}}) {
        for (const End end : {End::Dialler, End::Acceptor}) {
            for (const auto& [content, word] :
                 {std::pair{state, "state 3 5"}, std::pair{user, "user hello"},
                  std::pair{error, "error bad"}, std::pair{hex(kPing), "ping b"},
                  std::pair{hex("0281a55365714e6f07"), "ack 7"}}) {
                const Bytes bytes = framed(envelope, end, content);
                for (const std::size_t piece : {1U, 7U, 1000U}) {
                    EXPECT_EQ(told(envelope, end, bytes, piece), word);
                }
                EXPECT_EQ(told(envelope, end, bytes + "more"), word) << "what follows is ignored";
                for (std::size_t size = 1; size < bytes.size(); ++size) {
                    EXPECT_EQ(told(envelope, end, bytes.substr(0, size)).substr(0, 9), "truncated");
                }
            }
        }
    }
}

TEST(StreamReader, BrokenFramingIsAnsweredAndABrokenMessageIsNot) {
    const KeyRing ring = recorded_ring();
    const Envelope sealed{.label = {}, .keys = &ring};
    EXPECT_EQ(told(kPlain, End::Dialler, hex("0a")), "sealed!") << "we have no key";
    EXPECT_EQ(told(sealed, End::Dialler, hex(kPing)), "clear!") << "we want it sealed";
    EXPECT_EQ(told(sealed, End::Dialler, hex("0a01400001")), "too_large!");
    EXPECT_EQ(told(sealed, End::Dialler, hex("0a0000001c" + std::string(56, '0'))), "sealed!");
    EXPECT_EQ(told(sealed, End::Dialler, hex("0a0000010003")), "sealed!")
        << "an unknown format is told at once";
    Bytes other = hex(kSealedPing);
    other.back() = 'x';
    EXPECT_EQ(told(sealed, End::Dialler, other), "key!");
    EXPECT_EQ(told(kPlain, End::Dialler, hex("0982a4416c676f01a3427566a3000302")), "compression!");
    EXPECT_EQ(told(kPlain, End::Dialler, hex("0982a4416c676f00a3427566a3000302")), "compression!");
    EXPECT_EQ(told(kPlain, End::Dialler, hex("09c1")), "malformed!");
    for (const char* type : {"01", "03", "04", "05", "07", "0b", "0c", "0e", "ff"}) {
        EXPECT_EQ(told(kPlain, End::Dialler, hex(std::string(type) + "80")), "type") << type;
    }
    EXPECT_EQ(told(kPlain, End::Dialler, hex("0081a55365714e6fff")), "malformed");
    EXPECT_EQ(told(kPlain, End::Dialler, hex("0681a54e6f646573ce00100001")), "too_large");
    EXPECT_EQ(told(kPlain, End::Dialler, hex("0881aa557365724d73674c656ece01400001")), "too_large");
    EXPECT_EQ(told(kPlain, End::Dialler, hex("0881aa557365724d73674c656eff")), "malformed");
    EXPECT_EQ(told(kPlain, End::Dialler, hex("0081a178dbffffffff")), "too_large")
        << "what can never become whole is not waited for";
}

TEST(StreamReader, ClearStreamsPassKeysOnlyIfTheyMay) {
    const KeyRing ring = recorded_ring();
    const Envelope lenient{.label = {}, .keys = &ring, .verify_incoming = false};
    EXPECT_EQ(told(lenient, End::Dialler, hex(kPing)), "ping b");
    EXPECT_EQ(told(lenient, End::Dialler, hex(kSealedPing)), "ping b");
    Envelope off = lenient;
    off.verify_outgoing = false;
    off.compression = false;
    EXPECT_EQ(text::hex(framed(off, End::Dialler, hex(kPing))), kPing);
}

TEST(StreamReader, CompressedInsideCompressedIsNoMessage) {
    Bytes inner, outer, scratch;
    ASSERT_TRUE(append_compressed("\x08" + Bytes(50'000, 'a'), scratch, inner));
    ASSERT_TRUE(append_compressed(inner + Bytes(2'000, 'a'), scratch, outer));
    EXPECT_EQ(told(kPlain, End::Dialler, outer), "type");
}

TEST(StreamReader, ABombIsAnsweredWithAnError) {
    Bytes bomb, scratch;
    ASSERT_TRUE(append_compressed("\x08" + Bytes(41U << 20, '\0'), scratch, bomb));
    ASSERT_LT(bomb.size(), 40'000U);
    EXPECT_EQ(told(kPlain, End::Dialler, bomb), "too_large!");
}

TEST(StreamReader, MemoryFollowsWhatCame) {
    StreamReader reader(kPlain, End::Dialler);
    ASSERT_TRUE(reader.add(hex("0682a54e6f646573ce00100000ac5573657253746174654c656ece01400000")));
    EXPECT_LT(reader.held(), 100U);
    const KeyRing ring = recorded_ring();
    StreamReader sealed({.label = {}, .keys = &ring}, End::Dialler);
    ASSERT_TRUE(sealed.add(hex("0a01400000")));
    EXPECT_LT(sealed.held(), 100U);
}

TEST(StreamReader, TheLargestUserStatesPass) {
    const Bytes large(19U << 20, 's');
    PushPull message;
    message.nodes.resize(40'000, {"a", kA, {}, 1, 0, {}, 6});
    message.user_state = large;
    Bytes content;
    encode_push_pull(message, content);
    const KeyRing ring = recorded_ring();
    const Envelope envelope{.label = "blue", .keys = &ring};
    EXPECT_EQ(told(envelope, End::Dialler, framed(envelope, End::Dialler, content), 65'536),
              "state 40000 " + std::to_string(large.size()));
    EXPECT_EQ(told(kPlain, End::Dialler, content, 65'536),
              "state 40000 " + std::to_string(large.size()));
}

TEST(StreamFrame, WhatNoPeerWouldTakeIsRefused) {
    Rng rng(1);
    const KeyRing ring = recorded_ring();
    const Envelope sealed{.label = {}, .keys = &ring};
    const Bytes noise = random_bytes(rng, 20U << 20);
    Bytes out;
    EXPECT_EQ(frame_stream(sealed, End::Dialler, noise, recorded_nonce(), out).error().code,
              Errc::TooLarge);
    EXPECT_EQ(out, "");
    EXPECT_EQ(frame_stream(kPlain, End::Dialler, Bytes((40U << 20) + 1, 'x'), recorded_nonce(), out)
                  .error()
                  .code,
              Errc::TooLarge);
}

}  // namespace anode::membership::wire
