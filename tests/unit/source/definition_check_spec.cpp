#include "unit/source/definition_reader.hpp"

/// Which definitions are refused, and where the complaint points.
namespace anode::source::spec {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(DefinitionCheckSpec, TheSmallestDefinitionIsGood) {
    EXPECT_THAT(pointers(websocket()), IsEmpty()) << all_words(websocket());
}

struct Wrong {
    const char* what;
    std::string text;
    const char* pointer;
};
void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.what; }

class WrongDefinitions : public testing::TestWithParam<Wrong> {};

TEST_P(WrongDefinitions, AreRefusedWithAPointerToTheMistake) {
    EXPECT_THAT(pointers(GetParam().text), Contains(std::string(GetParam().pointer)))
        << all_words(GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(
    Single, WrongDefinitions,
    testing::Values(
        Wrong{"unknown member", websocket(R"("urll":"x")"), "/urll"},
        Wrong{"unknown nested member", websocket(R"("alive":{"stal":"3s"})"), "/alive/stal"},
        Wrong{"wrong type", websocket(R"("enabled":"yes")"), "/enabled"},
        Wrong{"bad name", R"({"name":"Upper Case","type":"test","topic":"a"})", "/name"},
        Wrong{"empty name", R"({"name":"","type":"test","topic":"a"})", "/name"},
        Wrong{"unknown type", R"({"name":"a","type":"carrier-pigeon","topic":"a"})", "/type"},
        Wrong{"no type", R"({"name":"a","topic":"a"})", "/type"},
        Wrong{"bad duration", websocket(R"("alive":{"stale":"soon"})"), "/alive/stale"},
        Wrong{"bad topic", R"({"name":"a","type":"test","topic":"a..b"})", "/topic"},
        Wrong{"system topic", R"({"name":"a","type":"test","topic":"$sys.event.x"})", "/topic"},
        Wrong{"unclosed template", R"({"name":"a","type":"test","topic":"a.{.s"})", "/topic"},
        Wrong{"unknown form of a placeholder",
              R"({"name":"a","type":"test","topic":"a.{.s:shout}"})", "/topic"},
        Wrong{"bad expectation", websocket(R"("connect":[{"expect":".id =="}])"),
              "/connect/0/expect"},
        Wrong{"no url", R"({"name":"a","type":"websocket","topic":"a"})", "/url"},
        Wrong{"null url", R"({"name":"a","type":"websocket","topic":"a","url":null})", "/url"},
        Wrong{"no URL at all", R"({"name":"a","type":"websocket","topic":"a","url":"not a url"})",
              "/url"},
        Wrong{"http for a websocket",
              R"({"name":"a","type":"websocket","topic":"a","url":"http://example.org/"})", "/url"},
        Wrong{"ws for a poll",
              R"({"name":"a","type":"rest","topic":"a","url":"ws://example.org/"})", "/url"},
        Wrong{"ftp", R"({"name":"a","type":"rest","topic":"a","url":"ftp://example.org/"})",
              "/url"},
        Wrong{"user-info",
              R"({"name":"a","type":"rest","topic":"a","url":"http://user:pw@example.org/"})",
              "/url"},
        Wrong{"port zero",
              R"({"name":"a","type":"rest","topic":"a","url":"http://example.org:0/"})", "/url"},
        Wrong{"line ends in a URL",
              R"({"name":"a","type":"rest","topic":"a","url":"http://example.org/\r\nX: y"})",
              "/url"},
        Wrong{"an empty list of URLs", R"({"name":"a","type":"rest","topic":"a","url":[]})",
              "/url"},
        Wrong{"one bad URL of two",
              R"({"name":"a","type":"rest","topic":"a","url":["http://example.org/","x"]})",
              "/url/1"},
        Wrong{"a number out of range",
              websocket(R"("shard":{"items":0},"items":{"i":["x"]},"query":{"s":"{i}"})"),
              "/shard/items"},
        Wrong{"a fraction for a whole number", websocket(R"("shard":{"items":1.5})"),
              "/shard/items"},
        Wrong{"a size too small", websocket(R"("limits":{"frame":"1B"})"), "/limits/frame"},
        Wrong{"a word that is none", websocket(R"("limits":{"full":"explode"})"), "/limits/full"},
        Wrong{"a rate without a slash", websocket(R"("rate":{"messages":"5"})"), "/rate/messages"},
        Wrong{"a ping without a time",
              websocket(R"("alive":{"ping":{"when":"often","text":"ping"}})"), "/alive/ping/when"},
        Wrong{"a ping that says two things",
              websocket(
                  R"("alive":{"ping":{"when":"every 20s","text":"ping","send":{"op":"ping"}}})"),
              "/alive/ping/send"},
        Wrong{"a ping that says nothing", websocket(R"("alive":{"ping":{"when":"every 20s"}})"),
              "/alive/ping"},
        Wrong{"a step of two kinds", websocket(R"("connect":[{"send":"a","expect":"b"}])"),
              "/connect/0/expect"},
        Wrong{"a step of no kind", websocket(R"("connect":[{"within":"5s"}])"), "/connect/0"},
        Wrong{"a key of another step", websocket(R"("connect":[{"send":"a","within":"5s"}])"),
              "/connect/0/within"},
        Wrong{"each outside an array", websocket(R"("connect":[{"send":{"args":{"$each":"x"}}}])"),
              "/connect/0/send/args"},
        Wrong{"a template inside JSON", websocket(R"("connect":[{"send":{"args":["a","{b"]}}])"),
              "/connect/0/send/args/1"},
        Wrong{"a number that is not the whole string",
              websocket(R"("connect":[{"send":{"id":"x{n:number}"}}])"), "/connect/0/send/id"},
        Wrong{"a plain secret", websocket(R"("auth":{"type":"bearer","token":"plain"})"),
              "/auth/token"},
        Wrong{"a secret as it is shown",
              websocket(R"("auth":{"type":"bearer","token":{"secret":true,"set":true}})"),
              "/auth/token"},
        Wrong{"a key of another kind of auth",
              websocket(R"("auth":{"type":"bearer","token":{"env":"T"},"user":"x"})"),
              "/auth/user"},
        Wrong{"a missing key of auth", websocket(R"("auth":{"type":"basic","user":"x"})"),
              "/auth/password"},
        Wrong{"a signature that goes nowhere",
              websocket(R"("auth":{"type":"hmac","secret":{"env":"S"},"over":"x"})"), "/auth/into"},
        Wrong{"a pointer is escaped", websocket(R"("headers":{"a/b~c":7.5,"x":[]})"), "/headers/x"},
        Wrong{"an escaped pointer", websocket(R"("headers":{"a/b~c":[]})"), "/headers/a~1b~0c"}));

INSTANTIATE_TEST_SUITE_P(
    Together, WrongDefinitions,
    testing::Values(
        Wrong{"poll on a websocket", websocket(R"("poll":{"every":"5s"})"), "/poll"},
        Wrong{"a URL for a webhook",
              R"({"name":"a","type":"webhook","topic":"a","url":"http://example.org/"})", "/url"},
        Wrong{"final is not last",
              websocket(R"("connect":[{"send":"a","final":true},{"wait":"1s"}])"),
              "/connect/0/final"},
        Wrong{
            "a ping after final",
            websocket(
                R"("connect":[{"send":"a","final":true}],"alive":{"ping":{"when":"every 5s","text":"p"}})"),
            "/alive/ping"},
        Wrong{"unused items", websocket(R"("items":{"inst":["a"]})"), "/items/inst"},
        Wrong{"a list with the name of a placeholder",
              websocket(R"("items":{"now":["a"]},"query":{"q":"{now}"})"), "/items/now"},
        Wrong{"an item without items", websocket(R"("connect":[{"expect":".a","item":"b"}])"),
              "/connect/0/item"},
        Wrong{"a variable nobody captures", websocket(R"("connect":[{"send":{"t":"{$token}"}}])"),
              "/connect/0/send"},
        Wrong{"bound by nothing", websocket(R"("classify":[{"match":".a","as":"data","by":"b"}])"),
              "/classify/0/by"},
        Wrong{"a topic of a heartbeat",
              websocket(R"("classify":[{"match":".a","as":"heartbeat","topic":"x.y"}])"),
              "/classify/0/topic"},
        Wrong{"dedupe by an id that is not mapped", websocket(R"("dedupe":{"by":["id"]})"),
              "/dedupe/by/0"},
        Wrong{"an empty list of dedupe", websocket(R"("dedupe":{"by":[]})"), "/dedupe/by"},
        Wrong{"a range without its ends", websocket(R"("continuity":{"rule":"range","first":"a"})"),
              "/continuity/last"},
        Wrong{"a snapshot from nowhere",
              websocket(R"("continuity":{"rule":"+1","at":"n","on_gap":"snapshot"})"),
              "/continuity/on_gap"},
        Wrong{"a backfill from nowhere",
              websocket(R"("continuity":{"rule":"+1","at":"n","on_gap":"backfill"})"),
              "/continuity/on_gap"},
        Wrong{"a unit without a time", websocket(R"("map":{"unit":"ms"})"), "/map/unit"},
        Wrong{"min above max", websocket(R"("backoff":{"min":"5s","max":"1s"})"), "/backoff/min"},
        Wrong{"min above the default of max", websocket(R"("backoff":{"min":"2m"})"),
              "/backoff/min"},
        Wrong{"a race of one", websocket(R"("urls":"race")"), "/urls"},
        Wrong{"a provider without a name", websocket(R"("rate":{"per":"provider"})"), "/rate/per"},
        Wrong{"pages that know nothing", rest(R"("poll":{"pages":{"next":"link"}})"),
              "/poll/pages/until"},
        Wrong{"sending before a poll", rest(R"("connect":[{"send":"x"}])"), "/connect/0"},
        Wrong{"a window without time", rest(R"("poll":{"diff":{"key":"id","window":"1h"}})"),
              "/poll/diff/window"}));

TEST(DefinitionCheckSpec, AllComplaintsComeAtOnceInTheOrderOfTheText) {
    EXPECT_THAT(pointers(R"({"type":"rest","colour":"red","url":"x","name":"A","topic":"a..b"})"),
                ElementsAre("/colour", "/url", "/name", "/topic"));
}

TEST(DefinitionCheckSpec, AnUnknownKeyNamesItsNearestNeighbour) {
    EXPECT_THAT(all_words(websocket(R"("alive":{"stal":"3s"})")),
                HasSubstr("did you mean `stale`?"));
    EXPECT_THAT(all_words(websocket(R"("decode":["gzipp"])")), HasSubstr("did you mean `gzip`?"));
}

TEST(DefinitionCheckSpec, ABadExpressionTellsItsPlace) {
    EXPECT_THAT(all_words(websocket(R"("connect":[{"expect":".id =="}])")), HasSubstr("at byte"));
}

TEST(DefinitionCheckSpec, EveryComplaintHasTheCodeInvalid) {
    for (const Complaint& complaint : complaints(websocket(R"("a":1,"b":2)")))
        EXPECT_EQ(complaint.code, "invalid");
}

TEST(DefinitionCheckSpec, TextThatIsNoTableIsOneComplaint) {
    EXPECT_THAT(pointers("[]"), ElementsAre(""));
    EXPECT_THAT(pointers("{"), ElementsAre(""));
    EXPECT_THAT(pointers(""), ElementsAre(""));
}

TEST(DefinitionCheckSpec, ADefinitionOver64KiBIsRefused) {
    EXPECT_THAT(pointers(websocket(R"("labels":{"x":")" + std::string(70'000, 'y') + "\"}")),
                ElementsAre(""));
}

TEST(DefinitionCheckSpec, HeadersAreNamesAndSingleLines) {
    EXPECT_THAT(
        pointers(websocket(
            R"("headers":{"X: y":"v","Sec-WebSocket-Key":"v","host":"v","A":"b\r\nC: d","X-Good":"{now}"})")),
        ElementsAre("/headers/X: y", "/headers/Sec-WebSocket-Key", "/headers/host", "/headers/A"));
    EXPECT_THAT(
        pointers(websocket(R"("connect":[{"get":"https://example.org/","headers":{"":"v"}}])")),
        ElementsAre("/connect/0/headers/"));
}

TEST(DefinitionCheckSpec, ALineEndCannotEnterAHeader) {
    EXPECT_THAT(pointers(websocket(R"("http":{"user_agent":"a\r\nX: y"})")),
                ElementsAre("/http/user_agent"));
}

TEST(DefinitionCheckSpec, NullMeansNotThere) {
    EXPECT_THAT(pointers(websocket(R"("alive":null,"decode":null)")), IsEmpty());
}

TEST(DefinitionCheckSpec, AHostThatIsCapturedIsJudgedLater) {
    EXPECT_THAT(
        pointers(R"({"name":"k","type":"websocket","topic":"a","url":"{$host}?token={$token}",
        "connect":[{"post":"https://example.org/bullet","capture":{"host":"data.host","token":"data.token"}}]})"),
        IsEmpty());
}

}  // namespace
}  // namespace anode::source::spec
