#include "core/membership/wire/packet.hpp"

#include "core/membership/wire/compressed.hpp"
#include "unit/membership/wire/support.hpp"

namespace anode::membership::wire {

using namespace spec;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

const Envelope kPlain{.label = {}, .keys = nullptr, .compression = false};

std::string ping() { return "0082a44e6f6465a162a55365714e6f2a"; }
std::string suspect() { return "0383a446726f6da161ab496e6361726e6174696f6e01a44e6f6465a162"; }

Bytes compressed(BytesView message) {
    Bytes out;
    Bytes scratch;
    EXPECT_TRUE(append_compressed(message, scratch, out));
    return out;
}

Bytes compound(const std::vector<Bytes>& parts) {
    Bytes out{'\x07', static_cast<char>(parts.size())};
    for (const Bytes& part : parts) {
        out.push_back(static_cast<char>(part.size() >> 8));
        out.push_back(static_cast<char>(part.size()));
    }
    for (const Bytes& part : parts) out += part;
    return out;
}

}  // namespace

TEST(PacketVectors, ACompoundOfPingAndSuspect) {
    PacketWriter writer;
    writer.begin(kPlain, 1400, false);
    ASSERT_TRUE(writer.add(hex(ping())));
    ASSERT_TRUE(writer.add(hex(suspect())));
    const Bytes packet(writer.finish(recorded_nonce()));
    EXPECT_EQ(text::hex(packet), "07020010001d" + ping() + suspect());
    EXPECT_THAT(tell(kPlain, packet).messages, ElementsAre("ping b", "suspect b"));
}

TEST(PacketVectors, TheChecksumAroundAUserMessage) {
    PacketWriter writer;
    writer.begin(kPlain, 1400, true);
    writer.add("\x08hello");
    const Bytes packet(writer.finish(recorded_nonce()));
    EXPECT_EQ(text::hex(packet), "0cada372550868656c6c6f");
    EXPECT_THAT(tell(kPlain, packet).messages, ElementsAre("user hello"));
}

TEST(PacketVectors, TheLabelBeforeAUserMessage) {
    const Envelope blue{.label = "blue", .compression = false};
    PacketWriter writer;
    writer.begin(blue, 1400, false);
    writer.add("\x08hello");
    const Bytes packet(writer.finish(recorded_nonce()));
    EXPECT_EQ(text::hex(packet), "f404626c75650868656c6c6f");
    EXPECT_THAT(tell(blue, packet).messages, ElementsAre("user hello"));
}

TEST(PacketVectors, ACompressedUserMessage) {
    const Bytes packet = hex("0982a4416c676f00a3427566ae0011841948b0a0c1830813160c08");
    EXPECT_THAT(tell(kPlain, packet).messages, ElementsAre("user " + std::string(40, 'a')));
}

TEST(PacketVectors, ThreeSealedUserMessages) {
    const KeyRing ring = recorded_ring();
    const Envelope none{.label = {}, .keys = &ring};
    const Envelope blue{.label = "blue", .keys = &ring};
    for (const auto& [envelope, bytes] :
         {std::pair{none, "01a0a1a2a3a4a5a6a7a8a9aaaba2ee5dd712e60d6893c7b1db18f9dd4d696f3927a0a1"},
          std::pair{blue,
                    "f404626c756501a0a1a2a3a4a5a6a7a8a9aaaba2ee5dd712e6b4f3fc71924c07fbdd514e2749e2"
                    "270c"}}) {
        PacketWriter writer;
        writer.begin(envelope, 1400, false);
        writer.add("\x08hello");
        EXPECT_EQ(text::hex(writer.finish(recorded_nonce())), bytes);
        EXPECT_THAT(tell(envelope, hex(bytes)).messages, ElementsAre("user hello"));
        EXPECT_EQ(tell(envelope, hex(bytes)).opened.key, 0U);
    }
    EXPECT_THAT(tell(none, hex("00a0a1a2a3a4a5a6a7a8a9aaaba2ee5dd712e639008072bf0a4c18ba6ac3e25b281"
                               "3bb3efe88431b04ff"
                               "d00833"))
                    .messages,
                ElementsAre("user hello"))
        << "format 0, padded";
}

TEST(PacketVectors, TheWholeStack) {
    constexpr std::string_view kFinal =
        "f404626c756501a0a1a2a3a4a5a6a7a8a9aaaba60270e58980b1aecb14d26f46b1f21535342362831835af8593"
        "519a01290d"
        "38bb80c2e510eaec6fd39400a2e3c330be7e8405baf5cc96bfcffc5ec3e6e990eec655795a196512d64424fd5a"
        "6dd2e5e0d8"
        "2c634033e4a39101f9e8bca1633244268b1cd9ba7ae9cafe79c2119c72b2f8fbe85dd90e3cf6eda6748aa1ec3c"
        "70b8ad30f3"
        "3d02041fa8ab58bfa5eea0";
    const KeyRing ring = recorded_ring();
    const Envelope envelope{.label = "blue", .keys = &ring};
    PacketWriter writer;
    writer.begin(envelope, 1400, true);
    for (const Alive& alive : {Alive{1, "n1", kA, {}, {}, 6}, Alive{1, "n2", kB, {}, {}, 6}}) {
        Bytes part;
        encode(alive, part);
        ASSERT_TRUE(writer.add(part));
    }
    const Bytes packet(writer.finish(recorded_nonce()));
    EXPECT_EQ(packet.size(), 161U);
    EXPECT_EQ(text::hex(packet), kFinal);
    EXPECT_THAT(tell(envelope, hex(kFinal)).messages, ElementsAre("alive n1", "alive n2"));
}

TEST(PacketReader, TheTableOfLabels) {
    const Envelope blue{.label = "blue"};
    const auto drops = [](const Envelope& envelope, std::string_view packet) {
        const Told told = tell(envelope, hex(packet));
        EXPECT_THAT(told.messages, IsEmpty()) << packet;
        return told.drops;
    };
    EXPECT_THAT(drops(blue, "f4"), ElementsAre(Drop::Label));
    EXPECT_THAT(drops(blue, "f400"), ElementsAre(Drop::Label));
    EXPECT_THAT(drops(kPlain, "f4000868"), ElementsAre(Drop::Label));
    EXPECT_THAT(drops(blue, "f404626c75"), ElementsAre(Drop::Label));
    EXPECT_THAT(drops(blue, "f404626c75660868"), ElementsAre(Drop::Label)) << "another one";
    EXPECT_THAT(drops(blue, "0868"), ElementsAre(Drop::Label)) << "none, but we have one";
    EXPECT_THAT(drops(kPlain, "f404626c75650868"), ElementsAre(Drop::Label))
        << "one, but we have none";
    EXPECT_THAT(drops(blue, "f404626c7565"), ElementsAre(Drop::Empty));
    EXPECT_THAT(drops(kPlain, ""), ElementsAre(Drop::Empty));
    const Bytes longest(255, 'x');
    const Envelope wide{.label = longest};
    EXPECT_THAT(tell(wide, "\xF4\xFF" + longest + "\x08!").messages, ElementsAre("user !"));
}

TEST(PacketReader, TheTableOfCompounds) {
    const auto told = [](std::string_view packet) { return tell(kPlain, hex(packet)); };
    EXPECT_THAT(told("07").drops, ElementsAre(Drop::Compound));
    EXPECT_THAT(told("07030001").drops, ElementsAre(Drop::Compound)) << "fewer lengths than parts";
    EXPECT_THAT(told("0700").messages, IsEmpty());
    const Told cut = told("07030002000500020861086208");
    EXPECT_THAT(cut.messages, ElementsAre("user a"));
    EXPECT_THAT(cut.drops, ElementsAre(Drop::Compound)) << "that part and all later ones";
    const Told hole = told("070300020000000208610862");
    EXPECT_THAT(hole.messages, ElementsAre("user a", "user b"));
    EXPECT_THAT(hole.drops, ElementsAre(Drop::Empty));
    const Told more = told("070100020861ffffff");
    EXPECT_THAT(more.messages, ElementsAre("user a"));
    EXPECT_THAT(more.drops, IsEmpty());
    const Told bad = told("0703000200020002086102010862");
    EXPECT_THAT(bad.messages, ElementsAre("user a", "user b")) << "a bad part takes no other along";
    EXPECT_THAT(bad.drops, ElementsAre(Drop::Malformed));
    EXPECT_EQ(tell(kPlain, compound(std::vector<Bytes>(255, "\x08x"))).messages.size(), 255U);
}

TEST(PacketReader, NestingEndsAtThreeLevelsAndOneCompression) {
    const Bytes user = "\x08" + Bytes(80, 'a');
    const std::string word = "user " + Bytes(80, 'a');
    EXPECT_THAT(tell(kPlain, compressed(compound({user, user}))).messages, ElementsAre(word, word));
    EXPECT_THAT(tell(kPlain, compound({compressed(user), user})).messages, ElementsAre(word, word));
    EXPECT_THAT(tell(kPlain, compound({compressed(user), compressed(user)})).messages,
                ElementsAre(word, word));
    EXPECT_THAT(tell(kPlain, compound({compound({compound({user})})})).messages, ElementsAre(word));
    EXPECT_THAT(tell(kPlain, compound({compound({compound({compound({user})}), user})})).drops,
                ElementsAre(Drop::Depth));
    const Bytes zeros = compressed(Bytes("\x08") + Bytes(20'000, '\0'));
    EXPECT_THAT(tell(kPlain, compressed(compound({zeros, zeros, zeros}))).drops,
                ElementsAre(Drop::Depth, Drop::Depth, Drop::Depth));
}

TEST(PacketReader, TheChecksumIsSeenOutermostOnly) {
    const Bytes checked = hex("0cada372550868656c6c6f");
    EXPECT_THAT(tell(kPlain, checked).messages, ElementsAre("user hello"));
    EXPECT_THAT(tell(kPlain, compound({checked, "\x08x"})).drops, ElementsAre(Drop::Type));
    EXPECT_THAT(tell(kPlain, hex("0cada372540868656c6c6f")).drops, ElementsAre(Drop::Crc));
    EXPECT_THAT(tell(kPlain, hex("0cada372")).drops, ElementsAre(Drop::Crc));
    EXPECT_THAT(tell(kPlain, hex("0c00000000")).drops, ElementsAre(Drop::Empty));
}

TEST(PacketReader, TypesOfStreamsAndUnknownOnesAreDropped) {
    for (const char* packet : {"0680", "0a00000001", "0d80", "0e", "80", "ff"}) {
        EXPECT_THAT(tell(kPlain, hex(packet)).drops, ElementsAre(Drop::Type)) << packet;
    }
    EXPECT_THAT(tell(kPlain, compound({hex("f404626c75650868")})).drops, ElementsAre(Drop::Type));
}

TEST(PacketReader, RequestsThatAskNobodyAreDropped) {
    EXPECT_THAT(tell(kPlain, hex("0080")).drops, ElementsAre(Drop::Target));
    EXPECT_THAT(tell(kPlain, hex("0180")).drops, ElementsAre(Drop::Target));
    EXPECT_THAT(tell(kPlain, hex("0081a55365714e6f01")).messages, ElementsAre("ping "))
        << "a ping without a name is for whoever gets it";
}

TEST(PacketReader, ABombIsDroppedAndItsMemoryReturned) {
    const Bytes bomb = compressed(Bytes("\x08") + Bytes(2U << 20, '\0'));
    EXPECT_THAT(tell(kPlain, bomb).drops, ElementsAre(Drop::TooLarge));
    const Bytes half = compressed(Bytes("\x08") + Bytes(700'000, '\0'));
    const Told told = tell(kPlain, compound({half, half, "\x08x"}));
    EXPECT_EQ(told.messages.size(), 2U) << "all parts share one allowance";
    EXPECT_THAT(told.drops, ElementsAre(Drop::TooLarge));
}

TEST(PacketReader, BrokenCompressionIsDropped) {
    for (const char* packet :
         {"09", "0982a4416c676f00a3427566a20003", "0982a4416c676f07a3427566a3000302",
          "0982a4416c676f00a3427566a3000302"}) {
        EXPECT_THAT(tell(kPlain, hex(packet)).drops, ElementsAre(Drop::Compression)) << packet;
    }
}

TEST(PacketReader, ClearTextPassesKeysOnlyIfItMay) {
    const KeyRing ring = recorded_ring();
    Envelope envelope{.label = {}, .keys = &ring};
    EXPECT_THAT(tell(envelope, "\x08hello").drops, ElementsAre(Drop::Clear));
    EXPECT_THAT(tell(envelope, hex(ping())).drops, ElementsAre(Drop::Clear));
    envelope.verify_incoming = false;
    EXPECT_THAT(tell(envelope, "\x08hello").messages, ElementsAre("user hello"));
    EXPECT_THAT(tell(envelope, hex(ping())).messages, ElementsAre("ping b"));
    EXPECT_EQ(tell(envelope, hex(ping())).opened.key, Opened{}.key);
}

TEST(PacketReader, AForeignKeyOpensNothing) {
    KeyRing other;
    ASSERT_TRUE(other.add(Bytes(32, 'k')));
    const Envelope envelope{.label = {}, .keys = &other};
    const Bytes packet =
        hex("01a0a1a2a3a4a5a6a7a8a9aaaba2ee5dd712e60d6893c7b1db18f9dd4d696f3927a0a1");
    EXPECT_THAT(tell(envelope, packet).drops, ElementsAre(Drop::Key));
    EXPECT_THAT(tell(kPlain, packet).messages, IsEmpty()) << "without keys it is no request";
}

TEST(PacketReader, ALabelIsPartOfTheSeal) {
    const KeyRing ring = recorded_ring();
    const Envelope red{.label = "redd", .keys = &ring};
    const Bytes packet =
        hex("f4047265646401a0a1a2a3a4a5a6a7a8a9aaaba2ee5dd712e6b4f3fc71924c07fbdd514e2749e2270c");
    EXPECT_THAT(tell(red, packet).drops, ElementsAre(Drop::Key));
}

TEST(PacketWriter, NeverPassesItsLimitWhateverTheLayers) {
    Rng rng(11);
    const KeyRing ring = recorded_ring();
    const Bytes label(20, 'l');
    PacketWriter writer;
    for (int round = 0; round < 2000; ++round) {
        Envelope envelope;
        if (rng.chance(0.5)) envelope.label = label;
        if (rng.chance(0.5)) envelope.keys = &ring;
        envelope.verify_outgoing = rng.chance(0.8);
        envelope.compression = rng.chance(0.5);
        const std::size_t limit = 200 + rng.below(1400);
        writer.begin(envelope, limit, rng.chance(0.5));
        std::size_t added = 0;
        for (int tries = 0; tries < 200; ++tries) {
            const Bytes part = "\x08" + random_bytes(rng, rng.below(100));
            const std::size_t room = writer.room();
            const bool fits = writer.add(part);
            ASSERT_EQ(fits, part.size() <= room);
            added += fits ? 1 : 0;
            ASSERT_LE(writer.size(), limit);
            if (fits) ASSERT_LE(writer.parts(), kPartsMax);
        }
        const std::size_t size = writer.size();
        const Bytes packet(writer.finish(recorded_nonce()));
        ASSERT_LE(packet.size(), size);
        if (!envelope.compression) ASSERT_EQ(packet.size(), size);
        envelope.verify_incoming = envelope.seals();
        const Told told = tell(envelope, packet);
        ASSERT_EQ(told.messages.size(), added);
        ASSERT_THAT(told.drops, IsEmpty());
    }
}

TEST(PacketWriter, FillsToTheLastByte) {
    PacketWriter writer;
    writer.begin(kPlain, 100, true);
    EXPECT_EQ(writer.room(), 95U);
    ASSERT_TRUE(writer.add(Bytes(40, '\x08')));
    EXPECT_EQ(writer.room(), 100U - 5 - 2 - 4 - 40);
    EXPECT_FALSE(writer.add(Bytes(50, '\x08')));
    EXPECT_TRUE(writer.add(Bytes(49, '\x08')));
    EXPECT_EQ(writer.room(), 0U);
    EXPECT_EQ(writer.finish(recorded_nonce()).size(), 100U);
}

TEST(PacketWriter, TheFirstPartAlwaysGoes) {
    PacketWriter writer;
    writer.begin(kPlain, 100, false);
    EXPECT_TRUE(writer.add(Bytes(70'000, '\x08')));
    EXPECT_EQ(writer.room(), 0U);
    EXPECT_FALSE(writer.add("\x08"));
    EXPECT_EQ(writer.finish(recorded_nonce()).size(), 70'000U);
}

TEST(PacketWriter, SendsNoMoreThan127Parts) {
    PacketWriter writer;
    writer.begin(kPlain, 60'000, false);
    for (std::size_t i = 0; i < kPartsMax; ++i) ASSERT_TRUE(writer.add("\x08x"));
    EXPECT_EQ(writer.room(), 0U);
    EXPECT_FALSE(writer.add("\x08x"));
    EXPECT_EQ(tell(kPlain, writer.finish(recorded_nonce())).messages.size(), kPartsMax);
}

}  // namespace anode::membership::wire
