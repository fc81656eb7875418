#include "core/membership/wire/messages.hpp"

#include "unit/membership/wire/support.hpp"

/// The recorded bytes of the protocol page, one by one: what we encode is what its reference wrote, and we read it back.
namespace anode::membership::wire {

using namespace spec;
using testing::ElementsAre;

namespace {

template <class T>
T decoded(const Bytes& part) {
    const Result<Message> message = decode(part);
    EXPECT_TRUE(message.has_value());
    return message ? std::get<T>(*message) : T{};
}

constexpr std::string_view kMinimalPing = "0082a44e6f6465a162a55365714e6f2a";
constexpr std::string_view kSuspect = "0383a446726f6da161ab496e6361726e6174696f6e01a44e6f6465a162";
constexpr std::string_view kAlive =
    "0486a441646472a47f000001ab496e6361726e6174696f6e01a44d657461c0a44e6f6465a161a4506f7274cd1f0aa3"
    "56736e"
    "a6010502000000";
constexpr std::string_view kPushPull =
    "0683a44a6f696ec3a54e6f64657301ac5573657253746174654c656e0287a441646472a47f000001ab496e6361726e"
    "617469"
    "6f6e01a44d657461c0a44e616d65a161a4506f7274cd1f0aa5537461746500a356736ea60105020000006869";

}  // namespace

TEST(WireVectors, AMinimalPing) {
    EXPECT_EQ(encoded(Ping{42, "b", {}, {}}), kMinimalPing);
    const Bytes bytes = hex(kMinimalPing);
    const auto ping = decoded<Ping>(bytes);
    EXPECT_EQ(ping.seq, 42U);
    EXPECT_EQ(ping.node, "b");
    EXPECT_FALSE(ping.source.set());
    EXPECT_EQ(ping.source_node, "");
}

TEST(WireVectors, AFullPing) {
    constexpr std::string_view kBytes =
        "0085a44e6f6465a56e6f646542a55365714e6fce01020304aa536f7572636541646472a47f000001aa536f7572"
        "63654e"
        "6f6465a56e6f646541aa536f75726365506f7274cd1f0a";
    EXPECT_EQ(encoded(Ping{0x01020304, "nodeB", kA, "nodeA"}), kBytes);
    const Bytes bytes = hex(kBytes);
    const auto ping = decoded<Ping>(bytes);
    EXPECT_EQ(ping.seq, 0x01020304U);
    EXPECT_EQ(ping.source, kA);
    EXPECT_EQ(ping.source_node, "nodeA");
}

TEST(WireVectors, AnIndirectPing) {
    constexpr std::string_view kBytes =
        "0188a44e61636bc3a44e6f6465a162a4506f7274cd1f0aa55365714e6f2baa536f7572636541646472a47f0000"
        "01aa53"
        "6f757263654e6f6465a161aa536f75726365506f7274cd1f0aa6546172676574a47f000002";
    EXPECT_EQ(encoded(IndirectPing{43, kB, "b", true, kA, "a"}), kBytes);
    const Bytes bytes = hex(kBytes);
    const auto ping = decoded<IndirectPing>(bytes);
    EXPECT_EQ(ping.seq, 43U);
    EXPECT_EQ(ping.target, kB);
    EXPECT_EQ(ping.node, "b");
    EXPECT_TRUE(ping.nack);
    EXPECT_EQ(ping.source, kA);
    EXPECT_EQ(ping.source_node, "a");
}

TEST(WireVectors, AcksWithAndWithoutPayload) {
    EXPECT_EQ(encoded(Ack{42, {}}), "0282a75061796c6f6164c0a55365714e6f2a");
    EXPECT_EQ(encoded(Ack{300, "hi"}), "0282a75061796c6f6164a26869a55365714e6fcd012c");
    const Bytes bytes = hex("0282a75061796c6f6164a26869a55365714e6fcd012c");
    EXPECT_EQ(decoded<Ack>(bytes).seq, 300U);
    EXPECT_EQ(decoded<Ack>(bytes).payload, "hi");
}

TEST(WireVectors, ANackAndTheWidthStepsOfNumbers) {
    EXPECT_EQ(encoded(Nack{43}), "0b81a55365714e6f2b");
    EXPECT_EQ(encoded(Nack{127}), "0b81a55365714e6f7f");
    EXPECT_EQ(encoded(Nack{128}), "0b81a55365714e6fcc80");
    EXPECT_EQ(encoded(Nack{256}), "0b81a55365714e6fcd0100");
    EXPECT_EQ(encoded(Nack{65536}), "0b81a55365714e6fce00010000");
    for (const std::uint32_t seq : {0U, 127U, 128U, 255U, 256U, 65535U, 65536U, 0xFFFFFFFFU}) {
        Bytes out;
        encode(Nack{seq}, out);
        EXPECT_EQ(decoded<Nack>(out).seq, seq);
    }
}

TEST(WireVectors, ASuspect) {
    EXPECT_EQ(encoded(Suspect{{1, "b", "a"}}), kSuspect);
    const Bytes bytes = hex(kSuspect);
    const auto suspect = decoded<Suspect>(bytes);
    EXPECT_EQ(suspect.incarnation, 1U);
    EXPECT_EQ(suspect.node, "b");
    EXPECT_EQ(suspect.from, "a");
}

TEST(WireVectors, AnAlive) {
    EXPECT_EQ(encoded(Alive{1, "a", kA, {}, {}, 6}), kAlive);
    const Bytes bytes = hex(kAlive);
    const auto alive = decoded<Alive>(bytes);
    EXPECT_EQ(alive.incarnation, 1U);
    EXPECT_EQ(alive.node, "a");
    EXPECT_EQ(alive.address, kA);
    EXPECT_EQ(alive.meta, "");
    EXPECT_EQ(alive.versions, Versions{});
    EXPECT_EQ(alive.versions_size, 6);
}

TEST(WireVectors, MetadataOfFortyBytesIsRaw16) {
    const Bytes meta(40, 'm');
    EXPECT_THAT(encoded(Alive{1, "a", kA, meta, {}, 6}),
                testing::HasSubstr("a44d657461da0028" + text::hex(meta)));
}

TEST(WireVectors, TheLargestSensibleAliveFitsAPacket) {
    const Bytes name(128, 'n');
    const Bytes meta(512, 'm');
    const Address mapped = Address::from(Bytes(16, '\1'), 7946);
    Bytes out;
    encode(Alive{0xFFFFFFEF, name, mapped, meta, {}, 6}, out);
    EXPECT_EQ(out.size(), 716U);
    EXPECT_EQ(decoded<Alive>(out).meta, meta);
}

TEST(WireVectors, ADeathAndAFarewell) {
    EXPECT_EQ(encoded(Dead{{70000, "b", "a"}}),
              "0583a446726f6da161ab496e6361726e6174696f6ece00011170a44e6f6465a162");
    EXPECT_EQ(encoded(Dead{{2, "b", "b"}}),
              "0583a446726f6da162ab496e6361726e6174696f6e02a44e6f6465a162");
    const Bytes bytes = hex("0583a446726f6da162ab496e6361726e6174696f6e02a44e6f6465a162");
    EXPECT_EQ(decoded<Dead>(bytes).from, decoded<Dead>(bytes).node);
}

TEST(WireVectors, AUserMessageIsRaw) {
    EXPECT_EQ(encoded(User{"hello"}), "0868656c6c6f");
    EXPECT_EQ(decoded<User>("\x08hello").payload, "hello");
    EXPECT_EQ(decoded<User>("\x08").payload, "") << "an empty one is delivered too";
}

TEST(WireVectors, APushPullOfOneNode) {
    PushPull message;
    message.join = true;
    message.nodes.push_back({"a", kA, {}, 1, 0, {}, 6});
    message.user_state = "hi";
    Bytes out;
    encode_push_pull(message, out);
    EXPECT_EQ(text::hex(out), kPushPull);
    const auto decoded = decode_stream(out, true);
    ASSERT_TRUE(decoded && *decoded);
    const auto& read = std::get<PushPull>(**decoded);
    EXPECT_TRUE(read.join);
    ASSERT_EQ(read.nodes.size(), 1U);
    EXPECT_EQ(read.nodes[0].name, "a");
    EXPECT_EQ(read.nodes[0].address, kA);
    EXPECT_EQ(read.nodes[0].versions_size, 6);
    EXPECT_EQ(read.user_state, "hi");
}

TEST(WireVectors, CountersAbove127AreSignedAndReadInBothForms) {
    PushPull message;
    message.join = true;
    message.nodes.resize(200, {"a", kA, {}, 1, 0, {}, 6});
    Bytes out;
    encode_push_pull(message, out);
    const std::string current = "83a44a6f696ec3a54e6f646573d100c8ac5573657253746174654c656e00";
    EXPECT_EQ(text::hex(out).substr(2, current.size()), current);
    const std::string old = "0683a44a6f696ec3a54e6f646573ccc8ac5573657253746174654c656e00";
    const Bytes entries = out.substr(1 + current.size() / 2);
    const Bytes bytes = hex(old) + entries;
    for (const Bytes& whole : {out, bytes}) {
        const auto read = decode_stream(whole, true);
        ASSERT_TRUE(read && *read);
        EXPECT_EQ(std::get<PushPull>(**read).nodes.size(), 200U);
    }
}

TEST(WireVectors, AStreamUserMessage) {
    Bytes out;
    encode_stream_user("hello", out);
    EXPECT_EQ(text::hex(out), "0881aa557365724d73674c656e0568656c6c6f");
    const auto read = decode_stream(out, true);
    ASSERT_TRUE(read && *read);
    EXPECT_EQ(std::get<StreamUser>(**read).payload, "hello");
}

TEST(WireVectors, AnErrorAnswer) {
    Bytes out;
    encode_stream_error("bad", out);
    EXPECT_EQ(text::hex(out), "0d81a54572726f72a3626164");
    const auto read = decode_stream(out, true);
    ASSERT_TRUE(read && *read);
    EXPECT_EQ(std::get<StreamError>(**read).text, "bad");
}

}  // namespace anode::membership::wire
