#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "api/table/documents.hpp"
#include "api/table/meanings.hpp"
#include "api/table/schema.hpp"
#include "core/json/json.hpp"

namespace anode::api {
namespace {

using ::testing::HasSubstr;

Request with_query(std::vector<std::pair<std::string, std::string>> query) {
    Request request;
    request.query = std::move(query);
    return request;
}

std::string refusal(const Operation& row, std::vector<std::pair<std::string, std::string>> query) {
    const auto problem = wrong_query(row, with_query(std::move(query)));
    return problem
               ? problem->code + " " + (problem->errors.empty() ? "" : problem->errors[0].pointer)
               : "";
}

std::string refusal(const Operation& row, std::string_view type, std::string_view body) {
    Request request;
    request.content_type = type;
    request.body = body;
    const auto problem = wrong_body(row, request);
    return problem
               ? problem->code + " " + (problem->errors.empty() ? "" : problem->errors[0].pointer)
               : "";
}

const Operation& row(Method method, std::string_view path) {
    const Operation* found = find_operation(method, path);
    if (found == nullptr) ADD_FAILURE() << path;
    return *found;
}

// -- the table ------------------------------------------------------------------------------------

TEST(Table, EveryRowIsThereOnceAndSaysWhatItDoes) {
    std::set<std::string> ids;
    for (const Operation& one : operations()) {
        EXPECT_TRUE(ids.insert(one.id()).second) << one.id();
        EXPECT_FALSE(one.summary.empty()) << one.path;
        EXPECT_FALSE(one.answers.empty()) << one.path;
        EXPECT_TRUE(one.path.starts_with('/')) << one.path;
    }
}

TEST(Table, WhatARowNamesIsKnown) {
    std::set<std::string_view> codes;
    for (const CodeRow& code : problem_codes()) codes.insert(code.code);
    for (const Operation& one : operations()) {
        for (const AnswerForm& form : one.answers)
            EXPECT_TRUE(form.schema.empty() || find_schema(form.schema) != nullptr)
                << one.path << form.schema;
        for (const BodyForm& form : one.bodies)
            EXPECT_TRUE(form.schema.empty() || find_schema(form.schema) != nullptr)
                << one.path << form.schema;
        for (const std::string_view problem : one.problems)
            EXPECT_TRUE(codes.contains(problem)) << one.path << problem;
        for (const std::string_view header : one.headers)
            EXPECT_NE(std::ranges::find(kHeaders, header, &HeaderMeaning::name), kHeaders.end())
                << header;
        for (const std::string_view part : path_parts(one.path))
            EXPECT_NE(std::ranges::find(kPathParts, part, &PathMeaning::name), kPathParts.end())
                << part;
    }
}

TEST(Table, WritesOfStoredObjectsCanBeTriedAndAreConditional) {
    for (const Operation& one : operations()) {
        const bool object = one.path == "/v1/sources/{name}" ||
                            one.path == "/v1/pipelines/{name}" ||
                            one.path == "/v1/retention/{name}";
        if (!object || one.method == Method::Get) continue;
        EXPECT_NE(one.parameter("dry_run"), nullptr) << one.id();
        EXPECT_NE(std::ranges::find(one.headers, "If-Match"), one.headers.end()) << one.id();
    }
}

TEST(Table, SchemasAreJsonAndTheirReferencesLeadToSchemas) {
    for (const Schema& schema : schemas()) {
        json::Document document;
        const Bytes json = json_of(schema);
        ASSERT_TRUE(document.parse(json)) << schema.name << json;
        constexpr std::string_view kTo = "#/components/schemas/";
        for (std::size_t at = json.find(kTo); at != Bytes::npos; at = json.find(kTo, at + 1)) {
            const std::size_t begin = at + kTo.size();
            const auto name = json.substr(begin, json.find_first_of("\"/", begin) - begin);
            EXPECT_NE(find_schema(name), nullptr) << schema.name << " to " << name;
        }
    }
}

TEST(Table, DocumentsAreTheSameEachTime) {
    EXPECT_EQ(openapi_json("1", ""), openapi_json("1", ""));
    EXPECT_EQ(api_reference(), api_reference());
    EXPECT_THAT(asyncapi_json("1", "https://hub.example.org/x"),
                HasSubstr(R"("host":"hub.example.org","protocol":"wss")"));
    EXPECT_THAT(openapi_json("1", "https://hub.example.org"),
                HasSubstr(R"("url":"https://hub.example.org")"));
}

// -- checks of queries ----------------------------------------------------------------------------

TEST(TableQuery, UnknownAndRepeatedParametersAreRefusedByName) {
    const Operation& list = row(Method::Get, "/v1/sources");
    EXPECT_EQ(refusal(list, {{"colour", "red"}}), "bad-request ?colour");
    EXPECT_EQ(refusal(list, {{"limit", "1"}, {"limit", "2"}}), "bad-request ?limit");
    EXPECT_EQ(refusal(list, {{"state", "live"}, {"limit", "5"}}), "");
    EXPECT_EQ(refusal(list, {{"token", "x"}}), "") << "a credential is no parameter";
}

TEST(TableQuery, NumbersHaveBounds) {
    const Operation& list = row(Method::Get, "/v1/sources");
    for (const char* wrong :
         {"0", "1001", "-1", "1.5", "abc", "", "1e3", " 1", "99999999999999999999"})
        EXPECT_EQ(refusal(list, {{"limit", wrong}}), "invalid /limit") << wrong;
    for (const char* good : {"1", "1000"}) EXPECT_EQ(refusal(list, {{"limit", good}}), "") << good;
}

TEST(TableQuery, WordsAndFlagsAndDurationsAreTakenAsListed) {
    const Operation& stream = row(Method::Get, "/v1/stream");
    EXPECT_EQ(refusal(stream, {{"topics", "a"}, {"mode", "newest"}}), "invalid /mode");
    EXPECT_EQ(refusal(stream, {{"topics", "a"}, {"every", "fast"}}), "invalid /every");
    const Operation& publish = row(Method::Post, "/v1/topics/{topic}/messages");
    EXPECT_EQ(refusal(publish, {{"dry_run", "perhaps"}}), "invalid /dry_run");
    for (const char* good : {"", "1", "0", "true", "false"})
        EXPECT_EQ(refusal(publish, {{"dry_run", good}}), "") << good;
}

TEST(TableQuery, TextsHaveALengthAndAreUtf8) {
    const Operation& publish = row(Method::Post, "/v1/topics/{topic}/messages");
    EXPECT_EQ(refusal(publish, {{"key", std::string(1024, 'k')}}), "");
    EXPECT_EQ(refusal(publish, {{"key", std::string(1025, 'k')}}), "invalid /key");
    EXPECT_EQ(refusal(publish, {{"key", "\xff"}}), "invalid /key");
}

TEST(TableQuery, WhatIsRequiredMustBeThere) {
    EXPECT_EQ(refusal(row(Method::Delete, "/v1/topics/{topic}/messages"), {}), "invalid /before");
    EXPECT_EQ(refusal(row(Method::Get, "/v1/push"), {}), "invalid /topic");
}

TEST(TableQuery, AWebhookTakesAnyParameter) {
    EXPECT_EQ(
        refusal(row(Method::Post, "/v1/in/{source}"), {{"signature", "x"}, {"signature", "y"}}),
        "");
}

// -- checks of bodies -----------------------------------------------------------------------------

TEST(TableBody, MediaTypesAreThoseOfTheRow) {
    const Operation& create = row(Method::Post, "/v1/sources");
    EXPECT_EQ(refusal(create, "application/xml", "<x/>"), "media-type ");
    EXPECT_EQ(refusal(create, "application/json", "{}"), "");
    EXPECT_EQ(refusal(create, "", "{}"), "");
    EXPECT_EQ(
        refusal(row(Method::Patch, "/v1/sources/{name}"), "application/merge-patch+json", "{}"),
        "");
    EXPECT_EQ(refusal(row(Method::Post, "/v1/topics/{topic}/messages"), "image/png", "x"), "");
}

TEST(TableBody, ClosedSchemasNameEachMistake) {
    const Operation& make = row(Method::Post, "/v1/tokens");
    constexpr std::string_view kJson = "application/json";
    EXPECT_EQ(refusal(make, kJson, R"({"name":"a","roles":["S"],"topics":["a.>"]})"), "");
    EXPECT_EQ(refusal(make, kJson, R"({"name":"a","roles":["S"],"tpics":[]})"), "invalid /tpics");
    EXPECT_EQ(refusal(make, kJson, R"({"name":"a","roles":["S"],"a/b~c":1})"), "invalid /a~1b~0c");
    EXPECT_EQ(refusal(make, kJson, R"({"name":7,"roles":["S"]})"), "invalid /name");
    EXPECT_EQ(refusal(make, kJson, R"({"name":"a","roles":"S"})"), "invalid /roles");
    EXPECT_EQ(refusal(make, kJson, R"({"roles":["S"]})"), "invalid /name");
    EXPECT_EQ(refusal(make, kJson, R"([])"), "invalid ");
    EXPECT_EQ(refusal(make, kJson, R"({"name")"), "bad-json ");
    EXPECT_EQ(refusal(make, kJson, std::string(70, '[') + std::string(70, ']')), "too-deep ");
}

TEST(TableBody, VerbsTakeNothingOrAnEmptyObject) {
    const Operation& verb = row(Method::Post, "/v1/sources/{name}:restart");
    EXPECT_EQ(refusal(verb, "", ""), "");
    EXPECT_EQ(refusal(verb, "application/json", "{}"), "");
    EXPECT_EQ(refusal(verb, "application/json", R"({"force":true})"), "invalid /force");
}

}  // namespace
}  // namespace anode::api
