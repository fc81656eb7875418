#include "core/membership/contact.hpp"

#include "unit/membership/node/desk.hpp"

/// Contacts as operators write them.
namespace anode::membership::spec {
namespace {

using testing::HasSubstr;

ContactText parsed(std::string_view text) {
    const auto contact = parse_contact(text, 7946);
    EXPECT_TRUE(contact) << text << ": " << (contact ? "" : contact.error().what);
    return contact.value_or(ContactText{});
}

std::string refusal(std::string_view text) {
    const auto contact = parse_contact(text, 7946);
    EXPECT_FALSE(contact) << text;
    return contact ? "" : contact.error().what;
}

TEST(Contact, AHostNameIsLookedUpWithOurOwnPort) {
    const ContactText contact = parsed("seed.example.org");
    EXPECT_EQ(contact.resolvable(), "seed.example.org:7946");
    EXPECT_FALSE(contact.literal);
}

TEST(Contact, APortAndANameMayBeGiven) {
    const ContactText contact = parsed("n-1/seed:8000");
    EXPECT_EQ(contact.name, "n-1");
    EXPECT_EQ(contact.resolvable(), "seed:8000");
}

TEST(Contact, AnAddressNeedsNoLookUp) {
    EXPECT_EQ(parsed("10.0.0.2").literal, kBob);
    EXPECT_EQ(parsed("10.0.0.2:9000").literal, Address::v4(10, 0, 0, 2, 9000));
    EXPECT_EQ(parsed("[::1]:9000").literal->text(), "[::1]:9000");
    EXPECT_EQ(parsed("[::1]").literal->text(), "[::1]:7946");
    EXPECT_EQ(parsed("::1").literal->text(), "[::1]:7946");
    EXPECT_EQ(parsed("n-1/[::1]:9000").name, "n-1");
}

TEST(Contact, WhatIsWrongIsSaid) {
    EXPECT_THAT(refusal(""), HasSubstr("no host"));
    EXPECT_THAT(refusal("/seed"), HasSubstr("empty"));
    EXPECT_THAT(refusal("n-1/"), HasSubstr("no host"));
    EXPECT_THAT(refusal(std::string(256, 'n') + "/seed"), HasSubstr("255"));
    EXPECT_THAT(refusal("seed:"), HasSubstr("port"));
    EXPECT_THAT(refusal("seed:0"), HasSubstr("port"));
    EXPECT_THAT(refusal("seed:65536"), HasSubstr("port"));
    EXPECT_THAT(refusal("seed:http"), HasSubstr("port"));
    EXPECT_THAT(refusal("[::1"), HasSubstr("bracket"));
    EXPECT_THAT(refusal("[::1]9000"), HasSubstr("bracket"));
    EXPECT_THAT(refusal("[seed]:9000"), HasSubstr("IPv6"));
    EXPECT_THAT(refusal("1:2:3"), HasSubstr("IPv6"));
    EXPECT_THAT(refusal("see d"), HasSubstr("host name"));
    EXPECT_THAT(refusal("a/b/c"), HasSubstr("host name"));
    EXPECT_THAT(refusal(std::string(254, 'h')), HasSubstr("host name"));
    EXPECT_THAT(refusal("0.0.0.0:7946"), HasSubstr("sent"));
    EXPECT_THAT(refusal("224.0.0.1:7946"), HasSubstr("sent"));
}

}  // namespace
}  // namespace anode::membership::spec
