#include "core/membership/peer_message.hpp"

#include "base/rng.hpp"
#include "unit/membership/node/desk.hpp"

/// What nodes of ours tell each other in user messages.
namespace anode::membership::spec {
namespace {

TEST(PeerMessage, AKeyRequestComesBackAsItWasSent) {
    const PeerKeyRequest sent{.id = 0x0102030405060708,
                              .reply_to = "n-1",
                              .op = KeyOp::Install,
                              .key = Bytes(32, '\x7F'),
                              .fingerprint = "00ff00ff00ff00ff"};
    const auto read = decode_peer_message(encode(sent));
    ASSERT_TRUE(read);
    const auto* got = std::get_if<PeerKeyRequest>(&*read);
    ASSERT_NE(got, nullptr);
    EXPECT_EQ(got->id, sent.id);
    EXPECT_EQ(got->reply_to, sent.reply_to);
    EXPECT_EQ(got->op, sent.op);
    EXPECT_EQ(got->key, sent.key);
    EXPECT_EQ(got->fingerprint, sent.fingerprint);
}

TEST(PeerMessage, AKeyAnswerComesBackAsItWasSent) {
    const PeerKeyAnswer sent{
        .id = 1, .from = "n-2", .error = "ring is full", .fingerprints = {"aa", "bb", "cc"}};
    const auto read = decode_peer_message(encode(sent));
    ASSERT_TRUE(read);
    const auto* got = std::get_if<PeerKeyAnswer>(&*read);
    ASSERT_NE(got, nullptr);
    EXPECT_EQ(got->from, "n-2");
    EXPECT_EQ(got->error, "ring is full");
    EXPECT_EQ(got->fingerprints, sent.fingerprints);
}

TEST(PeerMessage, AnApplicationsPayloadIsNone) {
    EXPECT_FALSE(is_peer_message(""));
    EXPECT_FALSE(is_peer_message("hello"));
    EXPECT_FALSE(is_peer_message("\xA0\x6EK"));
    EXPECT_FALSE(decode_peer_message("hello"));
}

TEST(PeerMessage, EveryTruncationIsAnErrorAndTrailingBytesAreNone) {
    const Bytes whole =
        encode(PeerKeyAnswer{.id = 1, .from = "n-2", .error = "", .fingerprints = {"aa", "bb"}});
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(decode_peer_message(BytesView(whole).substr(0, size))) << size;
    }
    EXPECT_TRUE(decode_peer_message(whole + "later versions say more"));
}

TEST(PeerMessage, UnknownVersionsKindsAndWorkAreUnsupported) {
    Bytes message = encode(PeerForget{"n-1"});
    message[4] = 2;
    EXPECT_EQ(decode_peer_message(message).error().code, Errc::Unsupported);
    message[4] = 1;
    message[5] = 9;
    EXPECT_EQ(decode_peer_message(message).error().code, Errc::Unsupported);
    Bytes request = encode(
        PeerKeyRequest{.id = 1, .reply_to = "", .op = KeyOp::List, .key = {}, .fingerprint = {}});
    request[15] = 7;
    EXPECT_EQ(decode_peer_message(request).error().code, Errc::Unsupported);
}

TEST(PeerMessage, RandomBytesNeverDoHarm) {
    Rng rng(3);
    for (int i = 0; i < 20'000; ++i) {
        Bytes bytes("\xA0\x6EKR\x01", 5);
        bytes.push_back(static_cast<char>(rng.below(4)));
        for (std::uint64_t left = rng.below(60); left > 0; --left) {
            bytes.push_back(static_cast<char>(rng.below(rng.chance(0.5) ? 4 : 256)));
        }
        static_cast<void>(decode_peer_message(bytes));
    }
}

}  // namespace
}  // namespace anode::membership::spec
