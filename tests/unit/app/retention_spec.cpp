#include "app/retention.hpp"

#include "unit/app/cluster/state_node.hpp"

namespace anode::app {
namespace {

using api::Failure;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

api::Outcome<RetentionRule> read(std::string_view json) {
    json::Document document;
    EXPECT_TRUE(document.parse(json).has_value()) << json;
    return parse_retention("r", document.root());
}

std::vector<std::string> faults(std::string_view json) {
    const auto rule = read(json);
    std::vector<std::string> all;
    if (!rule)
        for (const auto& error : rule.error().errors)
            all.push_back(error.pointer + ": " + error.detail);
    return all;
}

TEST(RetentionParseSpec, ARuleHasTopicsAndAnAgeOrASize) {
    const auto rule = read(R"({"topics":"crypto.>,md.*","age":"7d","bytes":"200GiB"})");
    ASSERT_TRUE(rule.has_value());
    EXPECT_EQ(rule->name, "r");
    EXPECT_EQ(rule->topics.text(), "crypto.>,md.*");
    EXPECT_EQ(rule->age, 7 * 24h);
    EXPECT_EQ(rule->bytes, 200ULL << 30);
    EXPECT_FALSE(read(R"({"topics":"a.>","bytes":1000})")->age.has_value());
    EXPECT_FALSE(read(R"({"topics":"a.>","age":"1h","bytes":null})")->bytes.has_value());
}

TEST(RetentionParseSpec, EveryFaultIsToldWithItsPlace) {
    EXPECT_THAT(faults("7"), ElementsAre(": an object is expected"));
    EXPECT_THAT(faults("{}"), ElementsAre("/topics: is required"));
    EXPECT_THAT(faults(R"({"topics":"a.>"})"), ElementsAre("/age: `age` or `bytes` is required"));
    EXPECT_THAT(faults(R"({"topics":"a.>.b","age":"soon","bytes":"much","aeg":1})"),
                ElementsAre(HasSubstr("/topics: "), "/age: `soon` is no duration such as 7d",
                            "/bytes: `much` is no size such as 20GiB",
                            "/aeg: unknown member; did you mean `age`?"));
    EXPECT_THAT(faults(R"({"name":"other","topics":"a.>","age":"1h"})"),
                ElementsAre("/name: the path names another rule"));
    EXPECT_THAT(faults(R"({"topics":"a.>","age":7})"), SizeIs(1));
}

class RetentionSpec : public testing::Test {
protected:
    api::Outcome<api::Written> writes(api::Write write) {
        return node.writes(*node.rules, std::move(write));
    }
    api::Outcome<void> removes(std::string name, std::string etag = "*") {
        return node.removes(*node.rules, std::move(name), std::move(etag));
    }
    api::Outcome<api::Object> gets(std::string name) {
        return node.gets(*node.rules, std::move(name));
    }
    StateNode node;
};

TEST_F(RetentionSpec, TheDefaultIsADayOrTwentyGibibytes) {
    const auto rule = gets("default");
    ASSERT_TRUE(rule.has_value());
    EXPECT_EQ(rule->json,
              R"({"name":"default","topics":">","age":"1d","bytes":"20GiB","origin":"default"})");
    EXPECT_EQ(removes("default").error().why, Failure::Why::ReadOnly);
}

TEST_F(RetentionSpec, ARuleIsWrittenChangedAndRemoved) {
    const auto made = writes({.name = "r", .body = R"({"topics":"a.>","age":"1h"})"});
    ASSERT_TRUE(made.has_value());
    EXPECT_TRUE(made->created);
    const auto patched = writes(
        {.name = "r", .body = R"({"bytes":"1MiB"})", .patch = true, .if_match = made->object.etag});
    ASSERT_TRUE(patched.has_value()) << patched.error().detail;
    EXPECT_FALSE(patched->created);
    EXPECT_THAT(patched->object.json, HasSubstr(R"("age":"1h","bytes":"1MiB")"));
    EXPECT_EQ(writes({.name = "r", .body = "{}", .patch = true, .if_match = made->object.etag})
                  .error()
                  .why,
              Failure::Why::Stale);
    EXPECT_EQ(writes({.name = "r", .body = R"({"topics":"a.>","age":"1h"})", .create_only = true})
                  .error()
                  .why,
              Failure::Why::Exists);
    EXPECT_EQ(removes("r", made->object.etag).error().why, Failure::Why::Stale);
    EXPECT_TRUE(removes("r", patched->object.etag).has_value());
    EXPECT_EQ(removes("r").error().why, Failure::Why::NotFound);
    EXPECT_EQ(gets("r").error().why, Failure::Why::NotFound);
}

TEST_F(RetentionSpec, WhatIsNotThereCannotBeChanged) {
    EXPECT_EQ(writes({.name = "r", .body = R"({"age":"1h"})", .patch = true}).error().why,
              Failure::Why::NotFound);
    EXPECT_EQ(
        writes({.name = "r", .body = R"({"topics":"a","age":"1h"})", .if_match = "x"}).error().why,
        Failure::Why::NotFound);
    EXPECT_EQ(writes({.body = R"({"topics":"a","age":"1h"})"}).error().why, Failure::Why::Invalid);
    EXPECT_EQ(writes({.name = "r", .body = "{"}).error().why, Failure::Why::Invalid);
}

TEST_F(RetentionSpec, ADryRunChangesNothing) {
    EXPECT_TRUE(
        writes({.name = "r", .body = R"({"topics":"a","age":"1h"})", .dry_run = true}).has_value());
    EXPECT_FALSE(gets("r").has_value());
}

TEST_F(RetentionSpec, RulesOverTheApiOutliveTheRun) {
    ASSERT_TRUE(writes({.name = "r", .body = R"({"topics":"a.>","bytes":"1MiB"})"}).has_value());
    node.begins();
    EXPECT_THAT(gets("r")->json, HasSubstr(R"("bytes":"1MiB")"));
}

TEST_F(RetentionSpec, DeclaredRulesAreReadOnly) {
    RetentionRule rule = *read(R"({"topics":"a.>","age":"1h"})");
    rule.name = "file-1";
    node.rules->declare({rule});
    EXPECT_THAT(gets("file-1")->json, HasSubstr(R"("origin":"file")"));
    EXPECT_EQ(removes("file-1").error().why, Failure::Why::ReadOnly);
    EXPECT_EQ(writes({.name = "file-1", .body = R"({"topics":"a.>","age":"2h"})"}).error().why,
              Failure::Why::ReadOnly);
}

}  // namespace
}  // namespace anode::app
