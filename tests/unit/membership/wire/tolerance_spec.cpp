#include "core/membership/wire/messages.hpp"
#include "unit/membership/wire/support.hpp"

/// What a decoder accepts and what it refuses: the table of section 3.3, row by row.
namespace anode::membership::wire {

using namespace spec;

namespace {

/// `SeqNo` of an ack with this body, or the error.
Result<std::uint32_t> seq_of(std::string_view body) {
    const Bytes part = hex("02" + std::string(body));
    const auto message = decode(part);
    if (!message) return std::unexpected(message.error());
    return std::get<Ack>(*message).seq;
}

Errc error_of(std::string_view part) {
    const Bytes bytes = hex(part);
    const auto message = decode(bytes);
    EXPECT_FALSE(message.has_value()) << part;
    return message ? Errc::Internal : message.error().code;
}

const std::string kSeq = "a55365714e6f";
const std::string kPayload = "a75061796c6f6164";

}  // namespace

TEST(WireTolerance, KeysComeInAnyOrderAndTheLastOfAKindWins) {
    EXPECT_EQ(*seq_of("82" + kSeq + "07" + kPayload + "c0"), 7U);
    EXPECT_EQ(*seq_of("82" + kSeq + "07" + kSeq + "08"), 8U);
    EXPECT_EQ(*seq_of("82" + kSeq + "07" + kSeq + "c0"), 0U) << "nil is zero";
}

TEST(WireTolerance, UnknownKeysAreSkippedWhateverTheyHold) {
    for (const std::string value : {"c0",
                                    "c3",
                                    "2a",
                                    "ff",
                                    "cb3ff0000000000000",
                                    "ca3f800000",
                                    "d40102",
                                    "d80100112233445566778899aabbccddeeff",
                                    "c7030501 0203",
                                    "c800010501",
                                    "c90000000105ff",
                                    "93010203",
                                    "82a16101a16293c0c2c3",
                                    "dc0002c0c0",
                                    "dd00000001c0",
                                    "de0001a16101",
                                    "df00000001a16101",
                                    "d90161",
                                    "c40161",
                                    "d3ffffffffffffffff",
                                    "cfffffffffffffffff"}) {
        const auto seq = seq_of("82a178" + value + kSeq + "09");
        ASSERT_TRUE(seq.has_value()) << value;
        EXPECT_EQ(*seq, 9U) << value;
    }
    EXPECT_EQ(*seq_of("81a57365714e6f05"), 0U) << "another case is another key";
}

TEST(WireTolerance, MissingKeysAndEmptyBodiesAreZero) {
    EXPECT_EQ(*seq_of("c0"), 0U);
    EXPECT_EQ(*seq_of("80"), 0U);
    const Bytes empty = hex("0480");
    const auto alive = decode(empty);
    ASSERT_TRUE(alive);
    EXPECT_EQ(std::get<Alive>(*alive).versions_size, 0);
    EXPECT_FALSE(std::get<Alive>(*alive).address.set());
    EXPECT_FALSE(std::get<Alive>(*alive).versions.valid());
}

TEST(WireTolerance, MapsOfEveryWidthAndArraysInDeclarationOrder) {
    EXPECT_EQ(*seq_of("de0001" + kSeq + "05"), 5U);
    EXPECT_EQ(*seq_of("df00000001" + kSeq + "05"), 5U);
    EXPECT_EQ(*seq_of("9205a26869"), 5U);
    EXPECT_EQ(*seq_of("9105"), 5U) << "what is missing is zero";
    EXPECT_EQ(*seq_of("9305c0c0"), 5U) << "what is too much is skipped";
}

TEST(WireTolerance, TextAndBytesInEveryForm) {
    for (const std::string hi : {"a26869", "d9026869", "da00026869", "db000000026869", "c4026869",
                                 "c500026869", "c6000000026869", "926869"}) {
        const Bytes part = hex("0282" + kPayload + hi + kSeq + "01");
        const auto ack = decode(part);
        ASSERT_TRUE(ack) << hi;
        EXPECT_EQ(std::get<Ack>(*ack).payload, "hi") << hi;
    }
    EXPECT_EQ(error_of("0281" + kPayload + "9368cc8069"), Errc::Malformed)
        << "an array with a number above 127 lies in no view";
}

TEST(WireTolerance, AddressAndVersionsAsArraysOfNumbers) {
    const Bytes part = hex("0482a44164647294ccc0cca8010aa356736e96010502000000");
    const auto alive = decode(part);
    ASSERT_TRUE(alive);
    EXPECT_EQ(std::get<Alive>(*alive).address, Address::v4(192, 168, 1, 10, 0));
    EXPECT_EQ(std::get<Alive>(*alive).versions, Versions{});
    EXPECT_EQ(std::get<Alive>(*alive).versions_size, 6);
    EXPECT_EQ(error_of("0481a44164647292cd010001"), Errc::Malformed) << "no byte is above 255";
}

TEST(WireTolerance, NumbersInAnyWidthWhileTheyFitTheField) {
    for (const std::string five : {"05", "cc05", "cd0005", "ce00000005", "cf0000000000000005",
                                   "d005", "d10005", "d200000005", "d30000000000000005"}) {
        EXPECT_EQ(*seq_of("81" + kSeq + five), 5U) << five;
    }
    for (const std::string bad :
         {"ff", "d0ff", "d1ffff", "d2ffffffff", "d3ffffffffffffffff", "cf0000000100000000",
          "d30000000100000000", "c2", "c3", "ca3f800000", "cb3ff0000000000000", "a131"}) {
        EXPECT_FALSE(seq_of("81" + kSeq + bad)) << bad;
    }
    EXPECT_EQ(error_of("0481a4506f7274ce00010000"), Errc::Malformed) << "a port has 16 bits";
}

TEST(WireTolerance, BooleansAsNumbers) {
    for (const auto& [form, expected] :
         {std::pair{"c3", true}, std::pair{"c2", false}, std::pair{"01", true},
          std::pair{"00", false}, std::pair{"c0", false}}) {
        const Bytes part = hex("0181a44e61636b" + std::string(form));
        const auto ping = decode(part);
        ASSERT_TRUE(ping) << form;
        EXPECT_EQ(std::get<IndirectPing>(*ping).nack, expected) << form;
    }
    EXPECT_EQ(error_of("0181a44e61636b02"), Errc::Malformed);
}

TEST(WireTolerance, WhatNoBodyMayHold) {
    EXPECT_EQ(error_of("02810505"), Errc::Malformed) << "a key that is a number";
    EXPECT_EQ(error_of("0281c005"), Errc::Malformed) << "a key that is nil";
    EXPECT_EQ(error_of("0281a178c1"), Errc::Malformed) << "the reserved byte";
    EXPECT_EQ(error_of("02c1"), Errc::Malformed);
    EXPECT_EQ(error_of("022a"), Errc::Malformed) << "a body that is a number";
    EXPECT_EQ(error_of("02"), Errc::Truncated);
    EXPECT_EQ(error_of("0281a553"), Errc::Truncated);
    EXPECT_EQ(error_of("02dfffffffff"), Errc::Truncated)
        << "four thousand million keys that are not there";
    EXPECT_EQ(error_of("0281a75061796c6f6164dbffffffff61"), Errc::Truncated);
    EXPECT_EQ(error_of("0281a178ddffffffff"), Errc::Truncated);
    std::string deep;
    for (int i = 0; i < 33; ++i) deep += "91";
    EXPECT_EQ(error_of("0281a178" + deep + "c0"), Errc::TooDeep);
    for (const char* type : {"06", "07", "09", "0a", "0c", "0d", "0e", "f4", "ff"}) {
        EXPECT_EQ(error_of(std::string(type) + "80"), Errc::Unsupported) << type;
    }
}

TEST(WireTolerance, AnErrorNamesMessageAndKey) {
    const auto seq = seq_of("81" + kSeq + "ff");
    ASSERT_FALSE(seq);
    EXPECT_EQ(seq.error().what, "ack: SeqNo: the number is negative");
}

TEST(WireTolerance, BytesAfterTheBodyAreIgnored) {
    EXPECT_EQ(*seq_of("81" + kSeq + "05ffffff"), 5U);
}

TEST(WireTolerance, HalfASourceIsNone) {
    for (const std::string source :
         {"aa536f7572636541646472a47f000001", "aa536f75726365506f7274cd1f0a",
          "aa536f7572636541646472a37f0000"}) {
        const Bytes part = hex("0081" + source);
        const auto ping = decode(part);
        ASSERT_TRUE(ping);
        EXPECT_FALSE(std::get<Ping>(*ping).source.set()) << source;
    }
}

TEST(WireTolerance, VersionsOfAnotherLengthAreReported) {
    for (const auto& [form, size] : {std::pair{"a0", 0}, std::pair{"c0", 0},
                                     std::pair{"a3010502", 3}, std::pair{"a701050200000000", 7}}) {
        const Bytes part = hex("0481a356736e" + std::string(form));
        const auto alive = decode(part);
        ASSERT_TRUE(alive) << form;
        EXPECT_EQ(std::get<Alive>(*alive).versions_size, size) << form;
    }
}

TEST(WireTolerance, CountsThatAreNegativeOrTooLargeEndAPushPull) {
    const auto error = [](std::string_view nodes, std::string_view bytes) {
        const Bytes content = hex("0682a54e6f646573" + std::string(nodes) +
                                  "ac5573657253746174654c656e" + std::string(bytes));
        const auto read = decode_stream(content, false);
        return read ? Errc::Internal : read.error().code;
    };
    EXPECT_EQ(error("ff", "00"), Errc::Malformed);
    EXPECT_EQ(error("cfffffffffffffffff", "00"), Errc::Malformed) << "wraps to a negative one";
    EXPECT_EQ(error("ce00100001", "00"), Errc::TooLarge);
    EXPECT_EQ(error("00", "ff"), Errc::Malformed);
    EXPECT_EQ(error("00", "ce01400001"), Errc::TooLarge);
    EXPECT_EQ(error("ce00100000", "ce01400000"), Errc::Internal)
        << "the largest ones are waited for";
}

TEST(WireTolerance, StatesBeyondTheKnownOnesAreKeptAsTheyCame) {
    const Bytes content =
        hex("0681a54e6f6465730382a44e616d65a161a5537461746504"
            "82a44e616d65a162a55374617465ff82a44e616d65a0a5537461746501");
    const auto read = decode_stream(content, true);
    ASSERT_TRUE(read && *read);
    const auto& nodes = std::get<PushPull>(**read).nodes;
    ASSERT_EQ(nodes.size(), 2U) << "the one without a name is left out";
    EXPECT_EQ(nodes[0].state, 4);
    EXPECT_EQ(nodes[1].state, 0xFF);
}

}  // namespace anode::membership::wire
