#include "core/codec/websocket_deflate.hpp"

#include <zlib.h>

#include "unit/codec/frames.hpp"

namespace anode::ws::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr unsigned kCompressed = 4;  // RSV1

DecoderConfig config_of(Role role, bool keeps_context = false) {
    DecoderConfig config;
    config.role = role;
    config.deflate = true;
    config.peer_keeps_context = keeps_context;
    return config;
}

Bytes deflated(BytesView payload) {
    Bytes out;
    deflate_message(payload, out);
    return out;
}

std::string random_json(Rng& rng, std::size_t items) {
    std::string text = "[";
    for (std::size_t i = 0; i < items; ++i)
        text += R"({"price":")" + std::to_string(rng.below(100'000)) + R"(","name":"é€😀"},)";
    return text + "0]";
}

/// A peer that refers back to its earlier messages, made of zlib directly.
class PeerWithContext {
public:
    PeerWithContext() { deflateInit2(&z_, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY); }
    ~PeerWithContext() { deflateEnd(&z_); }
    PeerWithContext(const PeerWithContext&) = delete;
    PeerWithContext& operator=(const PeerWithContext&) = delete;

    std::string message(std::string text) {
        std::string out(text.size() + 1000, '\0');
        z_.next_in = reinterpret_cast<Bytef*>(text.data());
        z_.avail_in = static_cast<uInt>(text.size());
        z_.next_out = reinterpret_cast<Bytef*>(out.data());
        z_.avail_out = static_cast<uInt>(out.size());
        deflate(&z_, Z_SYNC_FLUSH);
        out.resize(out.size() - z_.avail_out - 4);
        return out;
    }

private:
    z_stream z_{};
};

// -- compressed messages -------------------------------------------------------------------------

TEST(PermessageDeflate, TheExamplesOfTheRfcAreRead) {  // section 7.2.3
    const std::string hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"s;
    const DecoderConfig config = config_of(Role::Client, true);
    EXPECT_THAT(read_whole(config, encode({1, hello, true, kCompressed}, false)),
                ElementsAre("text Hello"));
    EXPECT_THAT(read_whole(config, encode({1, hello.substr(0, 3), false, kCompressed}, false) +
                                       encode({0, hello.substr(3)}, false)),
                ElementsAre("text Hello"));
    const std::string shared_window = "\xf2\x00\x11\x00\x00"s;
    EXPECT_THAT(read_whole(config, encode({1, hello, true, kCompressed}, false) +
                                       encode({1, shared_window, true, kCompressed}, false)),
                ElementsAre("text Hello", "text Hello"));
    const std::string stored = "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"s;
    EXPECT_THAT(read_whole(config, encode({1, stored, true, kCompressed}, false)),
                ElementsAre("text Hello"));
    const std::string final_block = "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s;
    EXPECT_THAT(read_whole(config, encode({1, final_block, true, kCompressed}, false) +
                                       encode({1, hello, true, kCompressed}, false)),
                ElementsAre("text Hello", "text Hello"));
    const std::string two_blocks = "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"s;
    EXPECT_THAT(read_whole(config, encode({1, two_blocks, true, kCompressed}, false)),
                ElementsAre("text Hello"));
}

TEST(PermessageDeflate, AMessageIsReadAgainWhateverItsSizeAndCutting) {
    Rng rng(11);
    for (const Role role : {Role::Server, Role::Client}) {
        for (const std::size_t items : {0, 1, 3, 100, 5000}) {
            const std::string text = random_json(rng, items);
            const std::string frame =
                encode({1, deflated(text), true, kCompressed}, role == Role::Server);
            const std::uint64_t largest = 1 + rng.below(3000);
            EXPECT_THAT(read(config_of(role), frame, [&] { return 1 + rng.below(largest); }),
                        ElementsAre("text " + text));
        }
        const std::string frame =
            encode({1, deflated("é€😀 é€😀 é€😀"), true, kCompressed}, role == Role::Server);
        for (std::size_t cut = 1; cut < frame.size(); ++cut)
            EXPECT_THAT(read_cut(config_of(role), frame, cut), ElementsAre("text é€😀 é€😀 é€😀"))
                << cut;
    }
}

TEST(PermessageDeflate, AnEmptyMessageIsOneByte) {
    EXPECT_EQ(deflated(""), "\0"s);
    EXPECT_THAT(
        read_whole(config_of(Role::Client), encode({2, deflated(""), true, kCompressed}, false)),
        ElementsAre("binary "));
}

TEST(PermessageDeflate, PlainAndCompressedMessagesMayAlternate) {
    const std::string plain = encode({1, "plain"}, true);
    const std::string small = encode({1, deflated("small"), true, kCompressed}, true);
    EXPECT_THAT(read_whole(config_of(Role::Server), plain + small + plain),
                ElementsAre("text plain", "text small", "text plain"));
}

TEST(PermessageDeflate, AServerThatKeepsItsContextIsUnderstoodAcrossMessages) {
    PeerWithContext peer;
    Rng rng(5);
    std::string bytes;
    std::vector<std::string> wanted;
    for (int i = 0; i < 50; ++i) {
        const std::string text = random_json(rng, rng.below(300));
        bytes += encode({1, peer.message(text), true, kCompressed}, false);
        wanted.push_back("text " + text);
    }
    EXPECT_EQ(read_whole(config_of(Role::Client, true), bytes), wanted);
    EXPECT_EQ(read(config_of(Role::Client, true), bytes, [&] { return 1 + rng.below(4000); }),
              wanted);
}

TEST(PermessageDeflate, AReferenceToAnEarlierMessageIsBrokenDataWithoutContext) {
    PeerWithContext peer;
    const std::string bytes = encode({1, peer.message("the same text"), true, kCompressed}, false) +
                              encode({1, peer.message("the same text"), true, kCompressed}, false);
    EXPECT_THAT(read_whole(config_of(Role::Client), bytes),
                ElementsAre("text the same text", "failed 1007"));
}

TEST(PermessageDeflate, OnlyTheFirstFrameOfADataMessageMayBeMarked) {
    const DecoderConfig config = config_of(Role::Client);
    EXPECT_THAT(read_whole(config, encode({9, "x", true, kCompressed}, false)),
                ElementsAre("failed 1002"));
    const std::string first = encode({1, deflated("abc"), false, kCompressed}, false);
    EXPECT_THAT(read_whole(config, first + encode({0, "", true, kCompressed}, false)),
                ElementsAre("failed 1002"));
    EXPECT_THAT(read_whole(config, encode({1, "x", true, kCompressed | 2U}, false)),
                ElementsAre("failed 1002"));
}

TEST(PermessageDeflate, BrokenDataIsRefused) {
    const DecoderConfig config = config_of(Role::Client);
    EXPECT_THAT(read_whole(config, encode({1, "\xff\xff\xff\xff", true, kCompressed}, false)),
                ElementsAre("failed 1007"));
    const std::string cut =
        deflated("a longer text that is cut in the middle of a block").substr(0, 20);
    EXPECT_THAT(read_whole(config, encode({1, cut, true, kCompressed}, false)),
                ElementsAre("failed 1007"));
    EXPECT_THAT(read_whole(config, encode({1, deflated("\xff"), true, kCompressed}, false)),
                ElementsAre("failed 1007"));
    EXPECT_THAT(read_whole(config, encode({1, deflated("\xe2\x82"), true, kCompressed}, false)),
                ElementsAre("failed 1007"));
}

TEST(PermessageDeflate, ABombIsTooBigBeforeItIsInflated) {
    const std::string bomb = deflated(std::string(100U << 20, 'x'));
    ASSERT_LT(bomb.size(), 1U << 20);
    for (const Role role : {Role::Server, Role::Client}) {
        DecoderConfig config = config_of(role);
        const std::string frame = encode({1, bomb, true, kCompressed}, role == Role::Server);
        EXPECT_THAT(read_whole(config, frame), ElementsAre("failed 1009"));
        EXPECT_THAT(read(config, frame, [] { return std::size_t{100}; }),
                    ElementsAre("failed 1009"));
    }
}

TEST(PermessageDeflate, AMessageThatGrowsBeyondTheRatioIsTooBig) {
    DecoderConfig config = config_of(Role::Client);
    const auto reads = [&](std::size_t size) {
        const auto events = read_whole(
            config, encode({1, deflated(std::string(size, 'x')), true, kCompressed}, false));
        return events.front().substr(0, 11);
    };
    EXPECT_EQ(reads(64U << 10), "text xxxxxx") << "small messages are not judged by their ratio";
    EXPECT_EQ(reads(500'000), "failed 1009");
    config.ratio_max = 1100;
    EXPECT_EQ(reads(500'000), "text xxxxxx");
}

TEST(PermessageDeflate, ACompressorSharesNothingBetweenMessages) {
    MessageDeflater deflater;
    Bytes first;
    Bytes again;
    deflater.deflate("the same text, the same text", first);
    deflater.deflate("the same text, the same text", again);
    EXPECT_EQ(first, again);
    EXPECT_EQ(first, deflated("the same text, the same text"));
}

TEST(PermessageDeflate, ASmallWindowIsKept) {
    Rng rng(9);
    std::string block(2000, '\0');
    for (char& byte : block) byte = static_cast<char>('a' + rng.below(26));
    const std::string payload = block + block;  // the repetition lies 2,000 bytes back
    Bytes wide;
    Bytes narrow;
    MessageDeflater(15).deflate(payload, wide);
    MessageDeflater(9).deflate(payload, narrow);
    EXPECT_LT(wide.size() * 3, narrow.size() * 2);
    EXPECT_THAT(read_whole(config_of(Role::Client), encode({1, narrow, true, kCompressed}, false)),
                ElementsAre("text " + payload));
}

// -- negotiation -----------------------------------------------------------------------------------

TEST(DeflateNegotiation, AServerAlwaysAnswersWithoutContextTakeover) {
    for (const char* offer :
         {"permessage-deflate", "permessage-deflate; client_max_window_bits",
          "permessage-deflate;server_no_context_takeover",
          "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
          "permessage-deflate; client_max_window_bits=10",
          "permessage-deflate; server_max_window_bits=\"15\"",
          "x-webkit-deflate-frame, permessage-deflate",
          "permessage-deflate; unknown=1, permessage-deflate"}) {
        const auto agreed = accept_deflate(offer);
        ASSERT_TRUE(agreed) << offer;
        EXPECT_EQ(deflate_answer(*agreed),
                  "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
    }
}

TEST(DeflateNegotiation, OffersThatMakeNoSenseArePassedOver) {
    for (const char* offer :
         {"", "permessage-bzip2", "permessage-deflate; server_no_context_takeover=1",
          "permessage-deflate; foo", "permessage-deflate; server_max_window_bits",
          "permessage-deflate; server_max_window_bits=16",
          "permessage-deflate; server_max_window_bits=7",
          "permessage-deflate; client_max_window_bits=08",
          "permessage-deflate; client_max_window_bits=; foo",
          "permessage-deflate; client_max_window_bits=1x",
          "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
          "permessage-deflate;;"})
        EXPECT_FALSE(accept_deflate(offer)) << offer;
}

TEST(DeflateNegotiation, ASmallWindowIsServedOnlyWhereThatIsWanted) {
    const char* const offer = "permessage-deflate; server_max_window_bits=10";
    EXPECT_FALSE(accept_deflate(offer));
    const auto agreed = accept_deflate(offer, 9);
    ASSERT_TRUE(agreed);
    EXPECT_EQ(agreed->server_window_bits, 10);
    EXPECT_NE(deflate_answer(*agreed).find("server_max_window_bits=10"), std::string::npos);
    EXPECT_FALSE(accept_deflate("permessage-deflate; server_max_window_bits=8", 8))
        << "zlib has no such window";
    EXPECT_TRUE(accept_deflate("permessage-deflate; server_max_window_bits=8, permessage-deflate"));
}

TEST(DeflateNegotiation, AClientReadsTheAnswer) {
    const auto read = [](std::string_view answer) { return read_deflate_answer(answer).value(); };
    EXPECT_EQ(read(""), std::nullopt);
    EXPECT_EQ(read("permessage-deflate"), (DeflateAgreed{true, true, 15, 15}));
    EXPECT_EQ(read("permessage-deflate; server_no_context_takeover; client_max_window_bits=9"),
              (DeflateAgreed{false, true, 15, 9}));
    EXPECT_EQ(read("permessage-deflate;server_max_window_bits=8;client_no_context_takeover"),
              (DeflateAgreed{true, false, 8, 15}));
}

TEST(DeflateNegotiation, AClientRefusesAnAnswerThatDoesNotFitItsOffer) {
    for (const char* answer :
         {"x-webkit-deflate-frame", "permessage-deflate, permessage-deflate",
          "permessage-deflate; foo", "permessage-deflate; client_max_window_bits",
          "permessage-deflate; server_max_window_bits=16",
          "permessage-deflate; server_no_context_takeover=0",
          "permessage-deflate; server_max_window_bits",
          "permessage-deflate; client_no_context_takeover; client_no_context_takeover"}) {
        const auto read = read_deflate_answer(answer);
        ASSERT_FALSE(read) << answer;
        EXPECT_EQ(read.error().code, Errc::Malformed);
    }
}

}  // namespace
}  // namespace anode::ws::testing
