#include "app/sources/book.hpp"

#include "core/json/json.hpp"
#include "unit/app/stage.hpp"

namespace anode::app {
namespace {

using api::Failure;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::Not;

const EgressPolicy& public_only() {
    static const EgressPolicy policy{EgressOptions{}};
    return policy;
}

const std::string kTicks = R"({"name":"ticks","type":"test","topic":"a.b"})";
const std::string kFeed =
    R"({"name":"feed","type":"websocket","url":"wss://feed.example.com/ws","topic":"a.b",)"
    R"("headers":{"X-Key":{"env":"FEED_KEY"}}})";

SourceEntry written(api::Write write, const SourceEntry* present = nullptr) {
    auto entry = apply_write(write, present, public_only());
    if (!entry) throw std::runtime_error(entry.error().detail);
    return std::move(*entry);
}
Failure refusal(api::Write write, const SourceEntry* present = nullptr) {
    auto entry = apply_write(write, present, public_only());
    return entry ? Failure{Failure::Why::NotFound, "it was accepted", {}} : entry.error();
}

TEST(BookSpec, ANewSourceTakesItsNameFromThePathOrTheBody) {
    EXPECT_EQ(written({.body = kTicks}).name, "ticks");
    EXPECT_EQ(written({.name = "ticks", .body = kTicks}).version, 1U);
    const auto named = written({.name = "other", .body = R"({"type":"test","topic":"a.b"})"});
    EXPECT_EQ(named.name, "other");
    EXPECT_THAT(named.json, HasSubstr(R"("name":"other")"));
    const Failure two = refusal({.name = "other", .body = kTicks});
    EXPECT_EQ(two.why, Failure::Why::Invalid);
    EXPECT_THAT(two.errors, ElementsAre(Field(&api::ObjectError::pointer, "/name")));
}

TEST(BookSpec, EveryChangeCountsUpAndChangesTheEtag) {
    const auto first = written({.body = kTicks});
    const auto second = written({.name = "ticks", .body = kTicks}, &first);
    EXPECT_EQ(second.version, 2U);
    EXPECT_NE(second.etag(), first.etag());
    EXPECT_EQ(written({.body = kTicks}).etag(), first.etag()) << "the same on every node";
}

TEST(BookSpec, APatchChangesMembersAndLeavesTheRest) {
    const auto first = written({.body = kTicks});
    const auto patched = written(
        {.name = "ticks", .body = R"({"topic":"c.d","enabled":false})", .patch = true}, &first);
    EXPECT_FALSE(patched.definition->enabled);
    EXPECT_EQ(patched.definition->shape.topic.source(), "c.d");
    EXPECT_EQ(patched.definition->type, source::Type::Test);
    EXPECT_EQ(refusal({.name = "ticks", .body = R"({"name":"new"})", .patch = true}, &first).why,
              Failure::Why::Invalid)
        << "a source cannot be renamed";
    EXPECT_EQ(refusal({.name = "none", .body = "{}", .patch = true}).why, Failure::Why::NotFound);
}

TEST(BookSpec, ConditionsAreKept) {
    const auto first = written({.body = kTicks});
    EXPECT_EQ(refusal({.name = "ticks", .body = kTicks, .create_only = true}, &first).why,
              Failure::Why::Exists);
    EXPECT_EQ(refusal({.name = "ticks", .body = kTicks, .if_match = "stale"}, &first).why,
              Failure::Why::Stale);
    EXPECT_EQ(refusal({.name = "ticks", .body = kTicks, .if_match = first.etag()}).why,
              Failure::Why::NotFound);
    EXPECT_EQ(refusal({.name = "ticks", .body = kTicks, .must_exist = true}).why,
              Failure::Why::NotFound);
    EXPECT_EQ(written({.name = "ticks", .body = kTicks, .if_match = first.etag()}, &first).version,
              2U);
    EXPECT_EQ(written({.name = "ticks", .body = kTicks, .if_match = "*"}, &first).version, 2U);
}

TEST(BookSpec, ASourceOfAFileIsReadOnlyAndSaysWhere) {
    auto declared = written({.body = kTicks});
    declared.from_file = true;
    declared.origin = "/etc/anode/anode.toml:7";
    const Failure refused = refusal({.name = "ticks", .body = kTicks}, &declared);
    EXPECT_EQ(refused.why, Failure::Why::ReadOnly);
    EXPECT_THAT(refused.detail, HasSubstr("/etc/anode/anode.toml:7"));
}

TEST(BookSpec, WhatIsNoDefinitionIsToldWithItsPlaces) {
    EXPECT_THAT(refusal({.body = "{"}).errors,
                ElementsAre(Field(&api::ObjectError::code, "bad-json")));
    EXPECT_EQ(refusal({.body = "[]"}).why, Failure::Why::Invalid);
    EXPECT_EQ(refusal({.body = std::string(70'000, ' ') + kTicks}).why, Failure::Why::TooLarge);
    EXPECT_THAT(refusal({.body = R"({"name":"a","type":"test","tpoic":"x"})"}).errors,
                Contains(Field(&api::ObjectError::pointer, "/tpoic")));
}

TEST(BookSpec, AddressesThatSourcesMayNotReachAreRefused) {
    for (const std::string url :
         {"ws://127.0.0.1/ws", "ws://10.0.0.7/ws", "ws://[::1]/ws", "ws://localhost/ws",
          "ws://169.254.169.254/", "wss://a.example:22/"}) {
        const Failure refused = refusal(
            {.body = R"({"name":"a","type":"websocket","topic":"a.b","url":")" + url + "\"}"});
        EXPECT_EQ(refused.why, Failure::Why::AddressBlocked) << url << ": " << refused.detail;
        EXPECT_THAT(refused.errors, Contains(Field(&api::ObjectError::pointer, "/url"))) << url;
    }
}

TEST(BookSpec, AHostThatIsKnownBeforeItsPathIsCheckedToo) {
    EXPECT_EQ(refusal({.body = R"({"name":"a","type":"rest","topic":"a.b","items":{"s":["x"]},
                        "url":"http://10.0.0.7/{s}","poll":{"every":"5s"}})"})
                  .why,
              Failure::Why::AddressBlocked);
}

TEST(BookSpec, APrivateNetworkThatIsAllowedMayBeReached) {
    EgressOptions options;
    options.allow_private = {*IpNetwork::parse("10.0.0.0/8")};
    const EgressPolicy policy(options);
    EXPECT_TRUE(
        apply_write(
            {.body = R"({"name":"a","type":"websocket","topic":"a.b","url":"ws://10.0.0.7/"})"},
            nullptr, policy)
            .has_value());
}

TEST(BookSpec, AnEntryReadsBackAsItWas) {
    auto entry = written({.body = kFeed});
    entry.moved_to = "n-1";
    entry.origin = "anode.toml:3";
    entry.from_file = true;
    entry.declared_by = "n-2";
    const auto back = decode_entry("feed", encode_entry(entry));
    ASSERT_TRUE(back.has_value()) << back.error().what;
    EXPECT_EQ(back->json, entry.json);
    EXPECT_EQ(back->moved_to, "n-1");
    EXPECT_EQ(back->origin, "anode.toml:3");
    EXPECT_TRUE(back->from_file);
    EXPECT_EQ(back->declared_by, "n-2");
    EXPECT_FALSE(decode_entry("feed", "{").has_value());
    EXPECT_FALSE(decode_entry("feed", R"({"version":1,"definition":{"name":"feed"}})").has_value());
    EXPECT_FALSE(decode_entry("feed", "7").has_value());
}

}  // namespace
}  // namespace anode::app
