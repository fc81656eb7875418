#include "unit/source/definition_reader.hpp"

/// What of a definition is shown, and the schema.
namespace anode::source::spec {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

struct OneSecret : Secrets {
    Result<std::string> value(const SecretRef& reference) const override {
        if (reference.name == "SET") return "planted";
        return fail(Errc::NotFound, "not set");
    }
};

Bytes redact(std::string_view text, const Secrets* secrets = nullptr) {
    json::Document document;
    EXPECT_TRUE(document.parse(text).has_value());
    return redacted_json(document.root(), secrets);
}

TEST(DefinitionRedactSpec, SecretsAreShownAsBeingThere) {
    const OneSecret secrets;
    EXPECT_EQ(
        redact(
            R"({"headers":{"Authorization":{"env":"SET"},"X-Client":"accept"},"auth":{"type":"bearer","token":{"file":"/run/x"}}})",
            &secrets),
        R"({"headers":{"Authorization":{"secret":true,"set":true},"X-Client":"accept"},"auth":{"type":"bearer","token":{"secret":true,"set":false}}})");
}

TEST(DefinitionRedactSpec, CredentialsInPlainSightAreHiddenToo) {
    EXPECT_EQ(
        redact(
            R"({"headers":{"X-Api-Key":"plain","Cookie":"a=b"},"query":{"token":"plain","symbol":"BTC"}})"),
        R"({"headers":{"X-Api-Key":{"secret":true,"set":true},"Cookie":{"secret":true,"set":true}},"query":{"token":{"secret":true,"set":true},"symbol":"BTC"}})");
    EXPECT_EQ(redact(R"({"url":"wss://u:p@example.org/ws?token=abc&x=1&apikey=d#f"})"),
              R"({"url":"wss://~hidden~@example.org/ws?token=~hidden~&x=1&apikey=~hidden~#f"})");
}

TEST(DefinitionRedactSpec, PlaceholdersAreNoSecrets) {
    EXPECT_EQ(redacted_url("{$host}?token={$token}"), "{$host}?token={$token}");
    EXPECT_EQ(redacted_url("wss://example.org/{$secret}?token={$token}"),
              "wss://example.org/{$secret}?token={$token}");
}

TEST(DefinitionRedactSpec, WhatIsNoSecretStaysAsItIs) {
    const std::string text =
        R"({"name":"a","url":"ws://127.0.0.1:80/x?n=1","topic":"a.{.s}","limits":{"rows_per_frame":1.0e3},"decode":[]})";
    EXPECT_EQ(redact(text), text);
}

TEST(DefinitionRedactSpec, PlacesAreToldByPointer) {
    json::Document document;
    ASSERT_TRUE(
        document
            .parse(
                R"({"headers":{"a/b":{"env":"X"}},"connect":[{"send":{"APIKey":{"env":"KEY"}}}]})")
            .has_value());
    EXPECT_THAT(secret_places(document.root()),
                ElementsAre("/headers/a~1b", "/connect/0/send/APIKey"));
}

TEST(DefinitionRedactSpec, AnEditGivesHiddenValuesBack) {
    json::Document stored, edited;
    ASSERT_TRUE(
        stored.parse(R"({"url":"https://x/?token=abc","headers":{"A":{"env":"SET"}},"topic":"a"})")
            .has_value());
    std::string shown = redacted_json(stored.root());
    shown.replace(shown.find(R"("topic":"a")"), 11, R"("topic":"b")");
    ASSERT_TRUE(edited.parse(shown).has_value());
    EXPECT_EQ(restore_redacted(edited.root(), stored.root()),
              R"({"url":"https://x/?token=abc","headers":{"A":{"env":"SET"}},"topic":"b"})");
}

TEST(DefinitionRedactSpec, NoComplaintRepeatsASecret) {
    EXPECT_THAT(all_words(websocket(R"("auth":{"type":"bearer","token":"s3cr3t-planted"})")),
                Not(HasSubstr("s3cr3t")));
}

TEST(DefinitionRedactSpec, TheSchemaIsJsonAndKnowsEveryKey) {
    const std::string schema = json_schema();
    json::Document document;
    ASSERT_TRUE(document.parse(schema).has_value());
    const json::Value root = document.root()["allOf"].at(0)["properties"];
    EXPECT_EQ(root.size(), 44u) << "a key was added: say so in the change log";
    EXPECT_EQ(root["type"]["anyOf"].at(0)["enum"].size(), 6u);
    EXPECT_TRUE(root["alive"]["anyOf"].at(0)["properties"]["stale"].present());
}

TEST(DefinitionRedactSpec, TheReferenceNamesEveryKeyOnce) {
    const std::string reference = reference_markdown();
    for (const char* key :
         {"| `continuity.on_gap` |", "| `connect[].expect` |", "| `items.*.get` |",
          "| `verify.tolerance` |", "| `poll.diff.vanish` |"}) {
        const std::size_t at = reference.find(key);
        EXPECT_NE(at, std::string::npos) << key;
        EXPECT_EQ(reference.find(key, at + 1), std::string::npos) << key;
    }
}

}  // namespace
}  // namespace anode::source::spec
