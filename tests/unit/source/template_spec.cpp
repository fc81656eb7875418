#include "core/source/template.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace anode::source::spec {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class TemplateSpec : public testing::Test {
protected:
    std::string fill(std::string_view text, Place place = Place::Text) {
        auto parsed = Template::parse(text, place);
        if (!parsed)
            return "parse@" + std::to_string(parsed.error().offset) + ": " + parsed.error().detail;
        auto made = parsed->text(context);
        return made ? *made : "error: " + made.error().what;
    }
    std::string fill_json(std::string_view text) {
        json::Document tree;
        EXPECT_TRUE(tree.parse(text).has_value()) << text;
        auto parsed = JsonTemplate::parse(tree.root());
        if (!parsed) return "parse@" + parsed.error().pointer + ": " + parsed.error().error.detail;
        std::string out;
        auto done = parsed->append(out, context);
        return done ? out : "error: " + done.error().what;
    }
    void row(std::string_view json) {
        row_text = json;
        ASSERT_TRUE(document.parse(row_text).has_value());
        context.row = document.root();
    }
    void items(std::initializer_list<std::string> values) {
        for (const std::string& value : values) batch.push_back({value, {{"inst", value}}});
        context.items = batch;
    }

    Context context;
    std::string row_text;
    json::Document document;
    std::vector<Item> batch;
    Rng rng{1};
};

struct FixedSecrets : Secrets {
    Result<std::string> value(const SecretRef& reference) const override {
        if (reference.name == "KNOWN") return "s3cr3t";
        return fail(Errc::NotFound, "no secret " + reference.name);
    }
};

TEST_F(TemplateSpec, TextWithoutPlaceholdersIsItself) {
    EXPECT_EQ(fill("plain } text"), "plain } text");
}

TEST_F(TemplateSpec, TwoBracesAreOne) {
    EXPECT_EQ(fill("{{\"op\":\"ping\"}"), "{\"op\":\"ping\"}");
}

TEST_F(TemplateSpec, FieldsComeFromTheRow) {
    row(R"({"s":"BTCUSDT","data":{"n":17},"list":["a","b"],"t":true})");
    EXPECT_EQ(fill("{.s}-{s}-{data.n}-{.list.1}-{t}"), "BTCUSDT-BTCUSDT-17-b-true");
}

TEST_F(TemplateSpec, NumbersKeepTheirDigits) {
    row(R"({"a":1e-8,"b":0.10000,"c":18446744073709551615})");
    EXPECT_EQ(fill("{a} {b} {c}"), "1e-8 0.10000 18446744073709551615");
}

TEST_F(TemplateSpec, AMissingFieldIsAnErrorThatNamesIt) {
    row(R"({"s":null,"o":{}})");
    EXPECT_EQ(fill("{x.y}"), "error: field `x.y` is missing");
    EXPECT_EQ(fill("{s}"), "error: field `s` is null");
    EXPECT_EQ(fill("{o}"), "error: field `o` is no text or number");
    EXPECT_EQ(fill("{$token}"), "error: variable `token` is missing");
}

TEST_F(TemplateSpec, AnItemComesBeforeAFieldOfTheRow) {
    row(R"({"inst":"of the row"})");
    items({"BTC-USDT"});
    EXPECT_EQ(fill("{inst} {.inst}"), "BTC-USDT of the row");
}

TEST_F(TemplateSpec, SeveralItemsAreJoinedWithCommas) {
    items({"BTC-USDT", "ETH-USDT"});
    EXPECT_EQ(fill("/market/match:{inst}"), "/market/match:BTC-USDT,ETH-USDT");
}

TEST_F(TemplateSpec, AnItemMayBeATable) {
    batch.push_back({"Berlin", {{"place.lat", "52.52"}, {"place.lon", "13.41"}}});
    batch.push_back({"Paris", {{"place.lat", "48.85"}, {"place.lon", "2.35"}}});
    context.items = batch;
    EXPECT_EQ(fill("latitude={place.lat}&longitude={place.lon}", Place::Url),
              "latitude=52.52,48.85&longitude=13.41,2.35");
}

TEST_F(TemplateSpec, MappedFieldsComeLast) {
    row(R"({"id":"of the row"})");
    context.key = "BTC:USDT";
    context.id = "mapped";
    EXPECT_EQ(fill("{key} {id}"), "BTC:USDT of the row");
}

TEST_F(TemplateSpec, CopiedFieldsCountAsFieldsOfTheRow) {
    row(R"({"p":1})");
    const NamedValue copied[] = {{"channel", {}, "trades"}};
    context.parents = copied;
    EXPECT_EQ(fill("{channel}.{p}"), "trades.1");
}

TEST_F(TemplateSpec, TheTimeComesInFiveForms) {
    context.wall = 1'700'000'000'123'456;
    EXPECT_EQ(fill("{now} {now:s} {now:ms} {now:us} {now:ns}"),
              "1700000000123 1700000000 1700000000123 1700000000123456 1700000000123456000");
    EXPECT_EQ(fill("{now:rfc3339}"), "2023-11-14T22:13:20.123456Z");
}

TEST_F(TemplateSpec, TheCounterCounts) {
    std::uint64_t next = 1;
    context.counter = &next;
    EXPECT_EQ(fill("{n} {n}"), "1 2");
    EXPECT_EQ(next, 3u);
}

TEST_F(TemplateSpec, AUuidIsVersionFour) {
    context.rng = &rng;
    EXPECT_THAT(fill("{uuid}"),
                testing::MatchesRegex(
                    "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
}

TEST_F(TemplateSpec, TokensOfATopicAreCountedFromZero) {
    const std::string_view tokens[] = {"crypto", "binance", "BTC~2FUSDT"};
    context.tokens = tokens;
    EXPECT_EQ(fill("alerts.{tokens[2]}", Place::Topic), "alerts.BTC~2FUSDT");
    EXPECT_EQ(fill("{tokens[3]}"), "error: `tokens[3]` is missing");
}

TEST_F(TemplateSpec, TopicsEscapeValuesAndRefuseEmptyOnes) {
    row(R"({"s":"BTC/USDT","e":"","d":"a.b"})");
    EXPECT_EQ(fill("x.{s}.{d}", Place::Topic), "x.BTC~2FUSDT.a~2Eb");
    EXPECT_EQ(fill("x.{e}", Place::Topic), "error: field `e` is empty");
}

TEST_F(TemplateSpec, UrlsEncodeValuesBehindTheHost) {
    const Variables variables{{"host", "wss://push.example.org/endpoint"}, {"token", "a/b+c"}};
    context.variables = &variables;
    EXPECT_EQ(fill("{$host}?token={$token}", Place::Url),
              "wss://push.example.org/endpoint?token=a%2Fb%2Bc");
    EXPECT_EQ(fill("wss://x/{$token:raw}", Place::Url), "wss://x/a/b+c");
}

TEST_F(TemplateSpec, ACapturedLineEndDoesNotReachAHeader) {
    const Variables variables{{"token", "a\r\nX: y"}};
    context.variables = &variables;
    EXPECT_EQ(Filler{Template::parse("Bearer {$token}").value()}.text(context).error().code,
              Errc::Malformed);
}

TEST_F(TemplateSpec, FormsChangeCase) {
    items({"BtcUsdt"});
    EXPECT_EQ(fill("{inst:lower} {inst:upper}"), "btcusdt BTCUSDT");
}

TEST_F(TemplateSpec, MistakesTellTheirPlace) {
    EXPECT_THAT(fill("ab{c"), HasSubstr("parse@2"));
    EXPECT_THAT(fill("{}"), HasSubstr("an empty placeholder"));
    EXPECT_THAT(fill("{a:shout}"), HasSubstr("unknown form `shout`"));
    EXPECT_THAT(fill("{$}"), HasSubstr("no name of a variable"));
    EXPECT_THAT(fill("{tokens[99]}"), HasSubstr("no token"));
}

TEST_F(TemplateSpec, ATemplateTellsWhatItNeeds) {
    const auto text = Template::parse("{inst}.{.s}.{$token}.{place.lat}");
    ASSERT_TRUE(text.has_value());
    EXPECT_TRUE(text->mentions("inst") && text->mentions("place"));
    EXPECT_FALSE(text->mentions("s") || text->mentions("plac") || text->mentions("token"));
    EXPECT_THAT(text->variables(), ElementsAre("token"));
    EXPECT_FALSE(text->constant());
}

TEST_F(TemplateSpec, JsonKeepsWhatIsNoTemplate) {
    EXPECT_EQ(fill_json(R"({ "a" : [ 1.0, true, null, 1e-8 ], "b" : {} })"),
              R"({"a":[1.0,true,null,1e-8],"b":{}})");
}

TEST_F(TemplateSpec, JsonStringsAreFilledAndEscaped) {
    row(R"({"s":"a\"b"})");
    EXPECT_EQ(fill_json(R"({"x":"<{s}>"})"), R"({"x":"<a\"b>"})");
}

TEST_F(TemplateSpec, ANumberLosesItsQuotes) {
    row(R"({"ping":1617678088643,"s":"12","w":"word"})");
    EXPECT_EQ(fill_json(R"({"pong":"{.ping:number}","s":"{s:number}"})"),
              R"({"pong":1617678088643,"s":12})");
    EXPECT_EQ(fill_json(R"({"x":"{w:number}"})"), "error: `w` is no number");
    context.wall = 5'000'000;
    EXPECT_EQ(fill_json(R"({"time":"{now:s:number}"})"), R"({"time":5})");
}

TEST_F(TemplateSpec, AValueMayGoInWhole) {
    row(R"({"o":{"a":[1, 2]},"s":"x"})");
    EXPECT_EQ(fill_json(R"({"o":"{.o:json}","s":"{.s:json}"})"), R"({"o":{"a":[1,2]},"s":"x"})");
}

TEST_F(TemplateSpec, EachMakesOneOfEveryItem) {
    items({"A", "B"});
    EXPECT_EQ(
        fill_json(
            R"({"args":["first",{"$each":{"channel":"trades","instId":"{inst}"}},{"$each":"{inst:lower}@trade"}]})"),
        R"({"args":["first",{"channel":"trades","instId":"A"},{"channel":"trades","instId":"B"},"a@trade","b@trade"]})");
}

TEST_F(TemplateSpec, EachOfNoItemsIsNothing) {
    EXPECT_EQ(fill_json(R"({"args":[{"$each":"{inst}"}]})"), R"({"args":[]})");
}

TEST_F(TemplateSpec, EachStandsAloneAndInsideAnArray) {
    EXPECT_THAT(fill_json(R"({"args":{"$each":"x"}})"), HasSubstr("inside an array"));
    EXPECT_THAT(fill_json(R"({"args":[{"$each":"x","more":1}]})"), HasSubstr("no other member"));
}

TEST_F(TemplateSpec, ASecretIsResolvedWhereItStands) {
    const FixedSecrets secrets;
    EXPECT_EQ(fill_json(R"({"APIKey":{"env":"KNOWN"}})"), "error: no secrets can be had here");
    context.secrets = &secrets;
    EXPECT_EQ(fill_json(R"({"APIKey":{"env":"KNOWN"},"other":{"env":"prod"}})"),
              R"({"APIKey":"s3cr3t","other":{"env":"prod"}})");
    EXPECT_EQ(fill_json(R"({"APIKey":{"env":"UNKNOWN"}})"), "error: no secret UNKNOWN");
}

TEST_F(TemplateSpec, NamesOfMembersAreTemplatesToo) {
    items({"A"});
    EXPECT_EQ(fill_json(R"({"{inst}":1})"), R"({"A":1})");
}

}  // namespace
}  // namespace anode::source::spec
