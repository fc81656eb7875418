#include "app/config/config.hpp"

#include <algorithm>

#include "app/config/keys.hpp"
#include "app/config/toml.hpp"
#include "unit/app/stage.hpp"

namespace anode::app {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

using Complaints = std::vector<std::string>;

Complaints told(const std::expected<Config, std::vector<ConfigComplaint>>& config) {
    Complaints all;
    if (!config)
        for (const auto& c : config.error()) all.push_back(c.place + " " + c.key + ": " + c.detail);
    return all;
}
Complaints faults(std::string_view toml) { return told(Config::from_text(toml, "f")); }
Config read(std::string_view toml) {
    auto config = Config::from_text(toml, "f");
    EXPECT_THAT(told(config), IsEmpty());
    return config ? std::move(*config) : *Config::from_text("", "f");
}

TEST(ConfigSpec, WithoutAnythingEveryKeyHasItsDefault) {
    const Config config = read("");
    for (const KeyRow& row : config_keys()) {
        ASSERT_TRUE(config.settings().contains(row.key)) << row.key;
        EXPECT_EQ(config.settings().at(std::string(row.key)).origin, "default");
    }
    EXPECT_EQ(config.list("http.listen"), std::vector<std::string>{"127.0.0.1:7945"});
    EXPECT_EQ(config.duration("storage.sync_interval"), 5ms);
    EXPECT_DOUBLE_EQ(config.share("storage.min_free"), 0.05);
    EXPECT_EQ(config.size("memory.limit", 1000), 750U);
    EXPECT_FALSE(config.flag("http.insecure"));
    EXPECT_FALSE(config.given("node.name"));
}

TEST(ConfigSpec, EveryDefaultIsAGoodValue) {
    std::string toml;
    for (const KeyRow& row : config_keys())
        if (!row.fallback.empty())
            toml.append(row.key).append(" = ").append(row.fallback).append("\n");
    EXPECT_THAT(faults(toml), IsEmpty());
}

struct Bad {
    std::string line, complaint;
};
class BadValueSpec : public testing::TestWithParam<Bad> {};

TEST_P(BadValueSpec, IsToldWithItsPlaceAndInWords) {
    EXPECT_THAT(faults("\n" + GetParam().line + "\n"), ElementsAre(HasSubstr(GetParam().complaint)))
        << GetParam().line;
    EXPECT_THAT(faults("\n" + GetParam().line + "\n"), ElementsAre(StartsWith("f:2:")));
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, BadValueSpec,
    testing::ValuesIn(std::vector<Bad>{
        {"node.name = 7", "node.name: expects a string, not a number"},
        {"http.insecure = \"yes\"", "expects true or false, not a string"},
        {"http.threads = 0", "`0` is not a whole number from 1 to 1,000"},
        {"http.threads = 1001", "`1001` is not a whole number from 1 to 1,000"},
        {"http.threads = -1", "`-1` is not a whole number from 1 to 1,000"},
        {"http.threads = \"2\"", "expects a whole number from 1 to 1,000, not a string"},
        {"storage.sync_interval = \"5\"", "`5` is no duration such as 5ms"},
        {"storage.sync_interval = 5", "expects a duration (string)"},
        {"storage.cassandra.spool = \"10 gigs\"", "no size such as 64KiB"},
        {"storage.rocksdb.cache = \"much\"", "no size such as 1GiB and no share such as 25%"},
        {"storage.rocksdb.cache = \"101%\"", "is not between 0% and 100%"},
        {"storage.min_free = \"5\"", "is no share such as 25%"},
        {"gossip.listen = \"10.0.0.1\"", "has no port"},
        {"gossip.listen = \"10.0.0.1:70000\"", "the port is not between 0 and 65535"},
        {"gossip.listen = \"host.example:1\"", "is no IP address"},
        {"auth.mode = \"token\"", "did you mean tokens?"},
        {"storage.ack = \"copies:1\"", "none of received, disk, copies:N"},
        {"gossip.keyring = \"plain\"", "never in plain text"},
        {"gossip.keyring = { env = 7 }", "expects a reference"},
        {"gossip.keyring = { env = \"A\", file = \"b\" }", "expects a reference"},
        {"gossip.join = \"10.1.0.11\"", "expects a list of strings, not a string"},
        {"gossip.join = [\"a\", 7]", "not a number in it"},
        {"gossip.join = [\"\"]", "an empty string in the list"},
        {"http.listen = [\"localhost\"]", "has no port"},
        {"http.listen = []", "names no address"},
        {"http.trusted_proxies = [\"10.0.0.0/33\"]", "is no network such as"},
        {"http.allowed_origins = [\"*\"]", "would let every web page in"},
        {"http.allowed_origins = [\"https://a.b/path\"]", "is no origin such as"},
        {"egress.ports = [0]", "is no port from 1 to 65535"},
        {"egress.ports = [\"80\"]", "is no port from 1 to 65535"},
        {"auth.anonymous = [\"A:x.>\"]", "is no grant such as"},
        {"auth.anonymous = [\"S:a.>.b\"]", "must be the last"},
        {"log.level = \"loud\"", "is none of its choices: debug, info, warn, error"},
        {"log.level = { mesh = \"debgu\" }", "did you mean debug?"},
        {"tracing.sample = 1.5", "`1.5` is not a number from 0 to 1"},
        {"tracing.sample = \"often\"", "expects a number from 0 to 1, not a string"},
        {"tracing.sample = nan", "is not a number from 0 to 1"},
        {"storage = 7", "storage: expects a table, not a number"},
        {"stroage.ack = \"disk\"", "unknown key `stroage`; did you mean `storage`?"},
        {"storage.akc = \"disk\"", "storage.akc: unknown key `akc`; did you mean `ack`?"},
        {"storage.zzzzzzzz = 1", "known here are engine, ack"},
        {"source = { name = \"a\" }", "is written as [[source]]"},
        {"http.listen = [\"0.0.0.0:7945\"]", "is open to the network"},
        {"http.tls.cert = \"/a.pem\"", "cert and key belong together"},
    }));

TEST(ConfigSpec, EveryKindOfValueIsReadAsItWasMeant) {
    const Config config = read(R"(
node.name = "edge-1"
http.insecure = true
http.threads = 4
http.listen = ["0.0.0.0:80", "[::1]:7945"]
http.allowed_origins = ["https://a.example"]
gossip.keyring = { file = "/etc/keyring.json" }
storage.ack = "copies:3"
storage.rocksdb.cache = "1GiB"
egress.ports = [1, 65535]
auth.anonymous = ["S:public.>"]
tracing.sample = 0.1
[log.level]
default = "warn"
mesh = "debug"
)");
    EXPECT_EQ(config.text("node.name"), "edge-1");
    EXPECT_TRUE(config.flag("http.insecure"));
    EXPECT_EQ(config.number("http.threads"), 4U);
    EXPECT_THAT(config.list("http.listen"), ElementsAre("0.0.0.0:80", "[::1]:7945"));
    EXPECT_EQ(config.size("storage.rocksdb.cache"), 1U << 30);
    EXPECT_THAT(config.list("egress.ports"), ElementsAre("1", "65535"));
    EXPECT_EQ(config.settings().at("tracing.sample").json, "0.1");
    EXPECT_EQ(config.settings().at("log.level").json, R"({"default":"warn","mesh":"debug"})");
    EXPECT_EQ(config.settings().at("node.name").origin, "f:2");
}

TEST(ConfigSpec, AllFaultsAreToldNotOnlyTheFirst) {
    EXPECT_THAT(faults("node.name = 1\nnode.zone = 2\nauth.mode = \"x\"\n"), SizeIs(3));
}

TEST(ConfigSpec, RepeatedKeysAndBrokenTomlNameTheirPlace) {
    EXPECT_THAT(faults("[node]\nname = \"a\"\nname = \"b\"\n"), ElementsAre(StartsWith("f:3:1")));
    EXPECT_THAT(faults("[node]\nname = \n"), ElementsAre(StartsWith("f:2:")));
    EXPECT_THAT(faults("a\n\xff\n"), ElementsAre(AllOf(StartsWith("f:2:1"), HasSubstr("UTF-8"))));
}

TEST(ConfigSpec, TheEnvironmentSetsKeys) {
    const auto config = Config::load({.environment = {{"ANODE_STORAGE__ROCKSDB__CACHE", "1GiB"},
                                                      {"ANODE_GOSSIP__JOIN", "a, b"},
                                                      {"ANODE_EGRESS__PORTS", "[80,81]"},
                                                      {"ANODE_HTTP__INSECURE", "true"},
                                                      {"ANODE_HTTP__THREADS", "3"},
                                                      {"ANODE_TRACING__SAMPLE", "0.5"},
                                                      {"ANODE_GOSSIP__KEYRING", R"({"file":"/k"})"},
                                                      {"ANODE_URL", "ignored"},
                                                      {"HOME", "/root"}}});
    ASSERT_THAT(told(config), IsEmpty());
    EXPECT_EQ(config->size("storage.rocksdb.cache"), 1U << 30);
    EXPECT_THAT(config->list("gossip.join"), ElementsAre("a", "b"));
    EXPECT_THAT(config->list("egress.ports"), ElementsAre("80", "81"));
    EXPECT_EQ(config->number("http.threads"), 3U);
    EXPECT_EQ(config->settings().at("gossip.join").origin, "env ANODE_GOSSIP__JOIN");
}

TEST(ConfigSpec, AWrongVariableIsNamed) {
    EXPECT_THAT(told(Config::load({.environment = {{"ANODE_STORAGE__AKC", "disk"}}})),
                ElementsAre(AllOf(StartsWith("environment variable ANODE_STORAGE__AKC"),
                                  HasSubstr("did you mean storage.ack?"))));
    EXPECT_THAT(told(Config::load({.environment = {{"ANODE_HTTP__INSECURE", "perhaps"}}})),
                ElementsAre(HasSubstr("expects true or false")));
    EXPECT_THAT(told(Config::load({.environment = {{"ANODE_TRACING__SAMPLE", "0x1"}}})),
                ElementsAre(HasSubstr("expects a number from 0 to 1")));
    EXPECT_THAT(told(Config::load({.environment = {{"ANODE_GOSSIP__KEYRING", "hunter2"}}})),
                ElementsAre(AllOf(HasSubstr("never in plain text"), Not(HasSubstr("hunter2")))));
}

TEST(ConfigSpec, FlagsComeLast) {
    TempDirectory directory;
    const std::string file =
        directory.file("anode.toml", "node.zone = \"file\"\nnode.name = \"file\"\n");
    directory.file("conf.d/20.toml", "node.zone = \"second\"\n");
    directory.file("conf.d/10.toml", "node.zone = \"first\"\nlog.level = \"warn\"\n");
    directory.file("conf.d/30.txt", "nonsense");
    Config::From from{.file = file};
    EXPECT_EQ(Config::load(from)->text("node.zone"), "second");
    EXPECT_EQ(Config::load(from)->text("log.level"), "warn");
    from.environment = {{"ANODE_NODE__ZONE", "env"}};
    EXPECT_EQ(Config::load(from)->text("node.zone"), "env");
    from.sets = {"node.zone=flag=x"};
    const auto config = Config::load(from);
    EXPECT_EQ(config->text("node.zone"), "flag=x");
    EXPECT_EQ(config->settings().at("node.zone").origin, "flag");
    EXPECT_EQ(config->text("node.name"), "file");
    EXPECT_THAT(told(Config::load({.sets = {"node.zone"}})),
                ElementsAre(HasSubstr("is written as --set key=value")));
    EXPECT_THAT(told(Config::load({.sets = {"node.zoen=a"}})),
                ElementsAre(HasSubstr("did you mean node.zone?")));
}

TEST(ConfigSpec, AFileThatCannotBeReadIsToldAnEmptyOneIsFine) {
    TempDirectory directory;
    EXPECT_THAT(told(Config::load({.file = directory.path() + "/none.toml"})),
                ElementsAre(HasSubstr("cannot be read: No such file")));
    EXPECT_THAT(told(Config::load({.file = directory.path()})),
                ElementsAre(HasSubstr("cannot be read")));
    EXPECT_THAT(told(Config::load({.file = directory.file("empty.toml", "")})), IsEmpty());
}

TEST(ConfigSpec, AValueMayStandInAFileOrAVariable) {
    TempDirectory directory;
    const std::string zone = directory.file("zone", "fra\n");
    ::setenv("SPEC_JOIN", "a,b", 1);
    ::setenv("SPEC_ACK", "hunter2", 1);
    ::unsetenv("SPEC_NONE");
    const Config config =
        read("node.zone = { file = \"" + zone + "\" }\ngossip.join = { env = \"SPEC_JOIN\" }\n");
    EXPECT_EQ(config.text("node.zone"), "fra");
    EXPECT_THAT(config.list("gossip.join"), ElementsAre("a", "b"));
    EXPECT_THAT(faults("node.name = { env = \"SPEC_NONE\" }"),
                ElementsAre(HasSubstr("SPEC_NONE is not set")));
    EXPECT_THAT(faults("node.name = { file = \"/nowhere/at/all\" }"),
                ElementsAre(HasSubstr("/nowhere/at/all cannot be read")));
    EXPECT_THAT(
        faults("storage.ack = { env = \"SPEC_ACK\" }"),
        ElementsAre(AllOf(HasSubstr("what env SPEC_ACK holds"), Not(HasSubstr("hunter2")))));
    EXPECT_THAT(faults("node.name = { evn = \"X\" }"), ElementsAre(HasSubstr("not a table")));
}

TEST(ConfigSpec, SecretsAreShownAsSecretsOnly) {
    const Config config = read("gossip.keyring = { file = \"/etc/hidden/keyring.json\" }\n");
    const Bytes shown = config_json(config);
    json::Document document;
    ASSERT_TRUE(document.parse(shown).has_value());
    EXPECT_THAT(shown, Not(HasSubstr("/etc/hidden")));
    EXPECT_THAT(shown, HasSubstr(R"({"key":"gossip.keyring","value":{"secret":true,"set":true},)"));
    EXPECT_EQ(document.root()["items"].size(), config_keys().size());
}

TEST(ConfigSpec, OnlySomeKeysNeedARestart) {
    const Config before = read("");
    const Config after =
        read("node.zone = \"x\"\nlog.level = \"debug\"\nhttp.public_url = \"https://x\"\n");
    EXPECT_THAT(before.changed(after), ElementsAre("http.public_url", "log.level", "node.zone"));
    EXPECT_THAT(before.restart_required(after), ElementsAre("node.zone"));
    EXPECT_THAT(after.restart_required(after), IsEmpty());
}

TEST(ConfigSpec, TheSampleIsValidAndShowsEveryKey) {
    const std::string sample = config_sample();
    EXPECT_THAT(faults(sample), IsEmpty());
    // And with every line that shows a default taken in.
    std::string opened;
    std::string_view rest = sample;
    while (!rest.empty()) {
        std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        if (line.starts_with("# [[")) break;
        const bool setting =
            line.starts_with("# ") && line.find(" = ") != std::string_view::npos &&
            line.substr(2, line.find(" = ") - 2).find(' ') == std::string_view::npos;
        if (setting && line.find("/run/secrets") == std::string_view::npos)
            opened.append(line.substr(2)).append("\n");
        else
            opened.append(line).append("\n");
    }
    EXPECT_THAT(faults(opened), IsEmpty()) << opened;
    for (const KeyRow& row : config_keys())
        EXPECT_THAT(sample, HasSubstr("\n# " + std::string(row.key.substr(row.key.rfind('.') + 1)) +
                                      " = "));
}

TEST(ConfigSpec, TheReferenceListsEveryKeyWithItsDefault) {
    const std::string reference = config_reference();
    for (const KeyRow& row : config_keys()) {
        EXPECT_THAT(reference, HasSubstr("\n| `" + std::string(row.key) + "` | "));
        EXPECT_THAT(reference, HasSubstr(std::string(row.fallback)));
        EXPECT_NE(describe(row.kind), "a value") << row.key;
        EXPECT_FALSE(row.meaning.empty()) << row.key;
    }
}

TEST(ConfigSpec, SourcesAreCheckedWhereTheyStand) {
    EXPECT_THAT(faults("[[source]]\nname = \"a\"\ntype = \"test\"\ntopic = \"x.y\"\n"
                       "[[source]]\nname = \"a\"\ntype = \"test\"\ntopic = \"x.y\"\n"),
                ElementsAre(AllOf(StartsWith("f:6:"), HasSubstr("a second source is called `a`"))));
    EXPECT_THAT(faults("[[source]]\nname = \"a\"\ntype = \"test\"\ntpoic = \"x.y\"\n"),
                Contains(AllOf(StartsWith("f:4:1"), HasSubstr("topic"))));
}

TEST(ConfigSpec, PipelinesAreCheckedAlsoWithEachOther) {
    EXPECT_THAT(faults("[[pipeline]]\nname = \"p\"\ninput = \"a.>\"\noutput = \"b\"\n"
                       "steps = [ { fliter = \"true\" } ]\n"),
                ElementsAre(AllOf(StartsWith("f:5:"), HasSubstr("did you mean `filter`?"))));
    EXPECT_THAT(faults("[[pipeline]]\nname = \"p\"\ninput = \"a\"\noutput = \"b\"\nsteps = []\n"
                       "[[pipeline]]\nname = \"q\"\ninput = \"b\"\noutput = \"a\"\nsteps = []\n"),
                ElementsAre(AllOf(StartsWith("f:9:"), HasSubstr("q → p → q"))));
    EXPECT_THAT(read("[[pipeline]]\nname = \"p\"\ninput = \"a\"\noutput = \"b\"\nsteps = []\n")
                    .pipelines.at(0)
                    .origin,
                "f:1");
}

TEST(ConfigSpec, RetentionIsCheckedWhereItStands) {
    EXPECT_THAT(faults("[[retention]]\ntopics = \"a.>\"\nage = \"soon\"\n"),
                ElementsAre(AllOf(StartsWith("f:3:"), HasSubstr("no duration"))));
    EXPECT_THAT(faults("[[retention]]\ntopics = \"a.>\"\naeg = \"1h\"\n"),
                Contains(AllOf(StartsWith("f:3:1"), HasSubstr("did you mean `age`?"))));
    EXPECT_THAT(faults("[[retention]]\nname = \"r\"\ntopics = \"a\"\nage = \"1h\"\n"
                       "[[retention]]\nname = \"r\"\ntopics = \"a\"\nage = \"1h\"\n"),
                ElementsAre(AllOf(StartsWith("f:6:"), HasSubstr("a second rule"))));
    EXPECT_THAT(read("[[retention]]\ntopics = \"a.>\"\nbytes = \"1GiB\"\n").retention, SizeIs(1));
}

TEST(TomlSpec, PointersLeadToPlaces) {
    const auto tree = parse_toml(
        "name = \"a\"\nsteps = [\n  { filter = \"x\" },\n  { \"a/b~c\" = [1, 2] },\n]\n[t]\nx = "
        "1\n",
        "f");
    ASSERT_TRUE(tree.has_value());
    EXPECT_EQ(tree->place_of("/name", false).text(), "f:1:8");
    EXPECT_EQ(tree->place_of("/name", true).text(), "f:1:1");
    EXPECT_EQ(tree->place_of("/steps/0/filter", true).text(), "f:3:5");
    EXPECT_EQ(tree->place_of("/steps/1/a~1b~0c/1", false).text(), "f:4:19");
    EXPECT_EQ(tree->place_of("/steps/9/x", false).text(), tree->place_of("/steps", false).text());
    EXPECT_EQ(tree->place_of("/t/none~", false).line, 6U);
}

TEST(TomlSpec, EveryTypeBecomesJson) {
    const auto tree = parse_toml(
        "s = \"a\\\"b\"\ni = 0x10\nf = 0.1\nb = true\nd = 2026-01-01T00:00:00Z\nl = [1, [2]]\n"
        "t = { x = inf }\n",
        "f");
    ASSERT_TRUE(tree.has_value());
    Bytes json;
    tree->append_json(json);
    EXPECT_EQ(
        json,
        R"({"s":"a\"b","i":16,"f":0.1,"b":true,"d":"2026-01-01T00:00:00Z","l":[1,[2]],"t":{"x":null}})");
}

}  // namespace
}  // namespace anode::app
