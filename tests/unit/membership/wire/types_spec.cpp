#include "core/membership/types.hpp"

#include "core/membership/counters.hpp"
#include "core/membership/node_meta.hpp"
#include "core/membership/outbox.hpp"
#include "unit/membership/wire/support.hpp"

namespace anode::membership {

using namespace wire::spec;

TEST(Address, TextAndBack) {
    for (const char* text :
         {"10.0.0.1:7946", "255.255.255.255:65535", "[::1]:7946", "[::]:0", "[2001:db8::1]:80",
          "[1:2:3:4:5:6:7:8]:1", "[fe80::1:0:0:2]:9", "[::ffff:10.0.0.1]:7946", "[1::]:5",
          "[0:1:2:3:4:5:6:7]:5", "[1:0:2::3]:5"}) {
        const auto address = Address::parse(text);
        ASSERT_TRUE(address.has_value()) << text;
        EXPECT_EQ(address->text(), text);
    }
    EXPECT_EQ(Address::parse("[2001:DB8:0:0:0:0:0:1]:80")->text(), "[2001:db8::1]:80");
    EXPECT_EQ(Address::parse("[::1.2.3.4]:80")->text(), "[::102:304]:80");
    EXPECT_EQ(Address{}.text(), "none");
}

TEST(Address, RefusesWhatIsNone) {
    for (const char* text : {"",
                             ":",
                             "10.0.0.1",
                             "10.0.0.1:",
                             "10.0.0.1:65536",
                             "10.0.0.1:x",
                             "10.0.0:1",
                             "10.0.0.256:1",
                             "10.0.0.01:1",
                             "10.0.0.1.2:1",
                             "::1:80",
                             "[::1]",
                             "[::1:80",
                             "[]:80",
                             "[:::]:80",
                             "[1::2::3]:80",
                             "[1:2:3:4:5:6:7]:80",
                             "[1:2:3:4:5:6:7:8:9]:80",
                             "[12345::]:80",
                             "[g::]:80",
                             "[1:2:3:4:5:6:7::8]:80",
                             "[1.2.3.4::]:80",
                             "host:80",
                             "[fe80::1%eth0]:80",
                             "[:1]:80",
                             "[1:]:80"}) {
        EXPECT_FALSE(Address::parse(text)) << text;
    }
}

TEST(Address, TheTwoFormsOfIpv4AreTwoAnnouncementsOfOneSocket) {
    const Address mapped = Address::from(hex("00000000000000000000ffff7f000001"), 7946);
    EXPECT_NE(mapped, kA);
    EXPECT_TRUE(mapped.same_socket(kA));
    EXPECT_EQ(mapped.canonical(), kA);
    EXPECT_FALSE(mapped.same_socket(kB));
    EXPECT_FALSE(Address::from("abc", 7946).set());
    EXPECT_FALSE(Address::from("abcde", 7946).set());
}

TEST(Address, NothingIsSentToNobodyOrToEverybody) {
    for (const char* text :
         {"0.0.0.0:1", "0.1.2.3:1", "224.0.0.1:1", "239.1.1.1:1", "255.255.255.255:1", "10.0.0.1:0",
          "[::]:1", "[ff02::1]:1", "[::ffff:0.0.0.0]:1", "[::ffff:224.0.0.1]:1"}) {
        EXPECT_FALSE(Address::parse(text)->may_be_sent_to()) << text;
    }
    for (const char* text : {"127.0.0.1:1", "10.0.0.1:7946", "[::1]:1", "[::ffff:10.0.0.1]:1"}) {
        EXPECT_TRUE(Address::parse(text)->may_be_sent_to()) << text;
    }
    EXPECT_FALSE(Address{}.may_be_sent_to());
}

TEST(Versions, OnlySoundOnesAreValid) {
    const auto valid = [](std::string_view digits) {
        Versions versions;
        const Bytes bytes = hex(digits);
        std::copy(bytes.begin(), bytes.end(), versions.bytes.begin());
        return versions.valid();
    };
    EXPECT_TRUE(Versions{}.valid());
    EXPECT_TRUE(valid("010502020504"));
    EXPECT_TRUE(valid("010101000000"));
    EXPECT_FALSE(valid("000000000000"));
    EXPECT_FALSE(valid("000502000000")) << "pmin 0";
    EXPECT_FALSE(valid("010001000000")) << "pmax 0";
    EXPECT_FALSE(valid("050105000000")) << "pmin above pmax";
    EXPECT_FALSE(valid("020501000000")) << "pcur below pmin";
    EXPECT_FALSE(valid("010506000000")) << "pcur above pmax";
}

TEST(Names, OfEveryEnumerator) {
    EXPECT_EQ(name_of(MemberState::Left), "left");
    EXPECT_EQ(name_of(static_cast<MemberState>(9)), "unknown");
    EXPECT_EQ(name_of(Change::Forgotten), "forgotten");
    EXPECT_EQ(name_of(Drop::Empty), "empty");
    EXPECT_EQ(name_of(Drop::TooLarge), "too_large");
    EXPECT_EQ(name_of(Drop::Rate), "rate");
    EXPECT_EQ(name_of(Drop::Unknown), "unknown");
    EXPECT_EQ(static_cast<std::size_t>(Drop::Unknown) + 1, kDrops);
}

namespace {

NodeMeta some_meta() {
    NodeMeta meta;
    for (std::size_t i = 0; i < 16; ++i) meta.node.bytes[i] = static_cast<std::uint8_t>(i);
    meta.epoch = {0x1122334455667788};
    meta.data_port = 7947;
    meta.http_port = 8080;
    meta.capabilities = NodeMeta::kFast | NodeMeta::kData;
    meta.flags = NodeMeta::kDraining;
    meta.zone = "eu-1";
    meta.version = "0.1.0";
    meta.url = "http://a:8080";
    return meta;
}

}  // namespace

TEST(NodeMeta, ComesBackAsItWent) {
    const Bytes bytes = some_meta().encode();
    EXPECT_EQ(text::hex(bytes),
              "a06e01000102030405060708090a0b0c0d0e0f88776655443322110b1f901f030000006400010465752d"
              "3105302e312e300d"
              "687474703a2f2f613a38303830");
    EXPECT_EQ(NodeMeta::decode(bytes), some_meta());
    EXPECT_EQ(NodeMeta::decode(bytes + "later"), some_meta()) << "a later version may say more";
}

TEST(NodeMeta, ForeignMetadataIsNone) {
    const Bytes bytes = some_meta().encode();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(NodeMeta::decode(BytesView(bytes).substr(0, size))) << size;
    }
    EXPECT_FALSE(NodeMeta::decode("\xff\x82\xa4role"));
    Bytes zero = bytes;
    zero[2] = 0;
    EXPECT_FALSE(NodeMeta::decode(zero));
    Bytes wide = bytes.substr(0, 38) + '\x21' + Bytes(33, 'z') + Bytes(2, '\0');
    EXPECT_FALSE(NodeMeta::decode(wide)) << "a zone that is too long";
}

TEST(NodeMeta, AlwaysFitsMemberMetadata) {
    NodeMeta meta = some_meta();
    meta.zone = Bytes(300, 'z');
    meta.version = Bytes(300, 'v');
    meta.url = Bytes(300, 'u');
    const auto read = NodeMeta::decode(meta.encode());
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->zone, Bytes(32, 'z'));
    EXPECT_EQ(read->version, Bytes(24, 'v'));
    EXPECT_EQ(read->url, "");
    EXPECT_LE(meta.encode().size(), kMetaBytesMax);
}

}  // namespace anode::membership
