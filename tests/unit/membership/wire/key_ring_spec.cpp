#include "core/membership/key_ring.hpp"

#include "unit/membership/wire/support.hpp"

namespace anode::membership {

using namespace wire::spec;
using testing::ElementsAre;

namespace {

Bytes sealed(const KeyRing& ring, BytesView plain, BytesView additional = {}) {
    Bytes out;
    ring.seal(plain, additional, recorded_nonce(), out);
    return out;
}

Errc open_error(const KeyRing& ring, BytesView bytes, BytesView additional = {}) {
    Bytes out = "x";
    const auto opened = ring.open(bytes, additional, out);
    EXPECT_FALSE(opened.has_value());
    EXPECT_EQ(out, "") << "nothing that was not authenticated is handed on";
    return opened ? Errc::Internal : opened.error().code;
}

/// Format 0 of these bytes, padded by the caller: the format byte is not authenticated.
Bytes format0(const KeyRing& ring, BytesView padded) {
    Bytes out = sealed(ring, padded);
    out[0] = 0;
    return out;
}

}  // namespace

TEST(KeyRing, TheFirstKeyIsPrimaryAndOrderIsKept) {
    KeyRing ring;
    EXPECT_TRUE(ring.empty());
    for (const std::size_t size : {16, 24, 32}) EXPECT_TRUE(ring.add(Bytes(size, 'k')));
    EXPECT_EQ(ring.size(), 3U);
    EXPECT_TRUE(ring.add(Bytes(24, 'k'))) << "one that is there already changes nothing";
    EXPECT_THAT(ring.keys(), ElementsAre(Bytes(16, 'k'), Bytes(24, 'k'), Bytes(32, 'k')));
    EXPECT_EQ(ring.fingerprints()[1], KeyRing::fingerprint(Bytes(24, 'k')));
}

TEST(KeyRing, AFingerprintIsTheStartOfTheDigest) {
    EXPECT_EQ(KeyRing::fingerprint(recorded_key()), "be45cb2605bf36be");
}

TEST(KeyRing, RefusesWhatIsNoKeyAndTheSeventeenth) {
    KeyRing ring;
    for (const std::size_t size : {0, 15, 17, 31, 33, 64}) {
        EXPECT_EQ(ring.add(Bytes(size, 'k')).error().code, Errc::Malformed);
    }
    for (std::size_t i = 0; i < KeyRing::kKeysMax; ++i) {
        EXPECT_TRUE(ring.add(Bytes(16, static_cast<char>('a' + i))));
    }
    EXPECT_EQ(ring.add(Bytes(16, 'z')).error().code, Errc::TooLarge);
    EXPECT_EQ(ring.size(), KeyRing::kKeysMax);
}

TEST(KeyRing, UseMovesAKeyToTheFrontAndThePrimaryStays) {
    KeyRing ring;
    for (const char c : {'a', 'b', 'c'}) EXPECT_TRUE(ring.add(Bytes(16, c)));
    const auto c = KeyRing::fingerprint(Bytes(16, 'c'));
    EXPECT_TRUE(ring.use(c));
    EXPECT_THAT(ring.keys(), ElementsAre(Bytes(16, 'c'), Bytes(16, 'a'), Bytes(16, 'b')));
    EXPECT_EQ(ring.remove(c).error().code, Errc::Conflict);
    EXPECT_EQ(ring.remove("nobody").error().code, Errc::NotFound);
    EXPECT_EQ(ring.use("nobody").error().code, Errc::NotFound);
    EXPECT_TRUE(ring.remove(KeyRing::fingerprint(Bytes(16, 'a'))));
    EXPECT_THAT(ring.keys(), ElementsAre(Bytes(16, 'c'), Bytes(16, 'b')));
}

TEST(KeyRing, TheAnswerOfOpenTellsTheKey) {
    KeyRing old;
    ASSERT_TRUE(old.add(Bytes(32, 'o')));
    KeyRing ring;
    for (const char c : {'n', 'm', 'o'}) EXPECT_TRUE(ring.add(Bytes(32, c)));
    Bytes out;
    const auto key = ring.open(sealed(old, "hello", "label"), "label", out);
    ASSERT_TRUE(key);
    EXPECT_EQ(*key, 2U);
    EXPECT_EQ(out, "hello");
}

TEST(KeyRing, OneBitElsewhereOpensNothing) {
    const KeyRing ring = recorded_ring();
    const Bytes good = sealed(ring, "hello", "blue");
    for (std::size_t i = 1; i < good.size(); ++i) {
        Bytes bad = good;
        bad[i] = static_cast<char>(bad[i] ^ 1);
        EXPECT_EQ(open_error(ring, bad, "blue"), Errc::Refused) << i;
    }
    EXPECT_EQ(open_error(ring, good, "blu"), Errc::Refused);
    EXPECT_EQ(open_error(ring, good), Errc::Refused);
    EXPECT_EQ(open_error(KeyRing{}, good, "blue"), Errc::Refused);
}

TEST(KeyRing, WhatCannotBeSealedIsMalformed) {
    const KeyRing ring = recorded_ring();
    const Bytes good = sealed(ring, "hello");
    for (std::size_t size = 0; size < KeyRing::kOverhead + 1; ++size) {
        EXPECT_EQ(open_error(ring, good.substr(0, size)), Errc::Malformed);
    }
    EXPECT_EQ(open_error(ring, sealed(ring, "")), Errc::Malformed) << "empty content";
    Bytes later = good;
    later[0] = 2;
    EXPECT_EQ(open_error(ring, later), Errc::Malformed) << "an unknown format";
    EXPECT_EQ(open_error(ring, format0(ring, Bytes(15, '\1'))), Errc::Malformed)
        << "too short for format 0";
}

TEST(KeyRing, PaddingOfFormatZeroIsChecked) {
    const KeyRing ring = recorded_ring();
    Bytes out;
    ASSERT_TRUE(ring.open(format0(ring, Bytes("hello") + Bytes(11, '\x0b')), {}, out));
    EXPECT_EQ(out, "hello");
    ASSERT_TRUE(ring.open(format0(ring, Bytes(16, 'x') + Bytes(16, '\x10')), {}, out));
    EXPECT_EQ(out, Bytes(16, 'x')) << "a whole block of padding";
    EXPECT_EQ(open_error(ring, format0(ring, Bytes(15, 'x') + Bytes(1, '\0'))), Errc::Malformed);
    EXPECT_EQ(open_error(ring, format0(ring, Bytes(31, 'x') + "\x11")), Errc::Malformed);
    EXPECT_EQ(open_error(ring, format0(ring, Bytes(16, '\x10'))), Errc::Malformed)
        << "nothing inside";
}

TEST(KeyRing, CopiesShareNothing) {
    KeyRing ring = recorded_ring();
    const Bytes good = sealed(ring, "hello");
    KeyRing copy = ring;
    ASSERT_TRUE(copy.add(Bytes(32, 'n')));
    ASSERT_TRUE(copy.use(KeyRing::fingerprint(Bytes(32, 'n'))));
    EXPECT_EQ(ring.size(), 1U);
    Bytes out;
    EXPECT_EQ(*copy.open(good, {}, out), 1U);
    ring = copy;
    EXPECT_EQ(*ring.open(good, {}, out), 1U);
    KeyRing& same = ring;
    ring = same;
    EXPECT_EQ(ring.size(), 2U);
}

TEST(KeyRingFile, ComesBackAsItWasWritten) {
    KeyRing ring = recorded_ring();
    ASSERT_TRUE(ring.add(Bytes(32, 'n')));
    const std::string json = key_ring_json(ring);
    EXPECT_EQ(
        json,
        R"({"keys":["AAECAwQFBgcICQoLDA0ODw==","bm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm4="],"primary":0})");
    EXPECT_EQ(parse_key_ring(json)->keys(), ring.keys());
}

TEST(KeyRingFile, PrimaryCountsInTheFilesOrder) {
    const auto ring = parse_key_ring(
        R"({"primary": 1, "keys": ["AAECAwQFBgcICQoLDA0ODw==", "bm5ubm5ubm5ubm5ubm5ubg=="]})");
    ASSERT_TRUE(ring);
    EXPECT_THAT(ring->keys(), ElementsAre(Bytes(16, 'n'), recorded_key()));
    EXPECT_EQ(parse_key_ring(R"({"keys": ["AAECAwQFBgcICQoLDA0ODw=="]})")->size(), 1U);
}

TEST(KeyRingFile, ErrorsNameThePlace) {
    const auto error = [](std::string_view json) {
        const auto ring = parse_key_ring(json);
        EXPECT_FALSE(ring) << json;
        EXPECT_TRUE(ring || ring.error().code == Errc::Malformed);
        return ring ? std::string() : ring.error().what;
    };
    EXPECT_THAT(error("{"), testing::StartsWith("key ring: "));
    EXPECT_EQ(error("[]"), "key ring: not an object");
    EXPECT_EQ(error(R"({"keys":[],"primary":0})"), "keys: an array of one key at least is wanted");
    EXPECT_EQ(error(R"({"keys":["AAECAwQFBgcICQoLDA0ODw==", 7]})"), "keys[1]: not a text");
    EXPECT_EQ(error(R"({"keys":["AAEC*"]})"), "keys[0]: not base64");
    EXPECT_EQ(error(R"({"keys":["AAEC"]})"), "keys[0]: a key has 16, 24 or 32 bytes");
    EXPECT_EQ(error(R"({"keys":["AAECAwQFBgcICQoLDA0ODw==","AAECAwQFBgcICQoLDA0ODw=="]})"),
              "keys[1]: there already");
    for (const char* primary : {"1", "-1", "0.5", "\"0\"", "null"}) {
        EXPECT_EQ(error(R"({"keys":["AAECAwQFBgcICQoLDA0ODw=="],"primary":)" +
                        std::string(primary) + "}"),
                  "primary: no index of a key");
    }
    EXPECT_EQ(error(R"({"keyz":[]})"), "key ring: unknown member keyz");
}

}  // namespace anode::membership
