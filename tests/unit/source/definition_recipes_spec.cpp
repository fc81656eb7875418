#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>

#include "base/text.hpp"
#include "core/codec/inflate.hpp"
#include "core/source/items.hpp"
#include "core/source/shaper.hpp"
#include "unit/source/definition_reader.hpp"

/// The recipes that are shipped: each is good, and, where recordings of the real feeds are at hand (ANODE_CAPTURES names their
/// folder), each says what the recorded client said and makes a message of every frame that is data.
namespace anode::source::spec {
namespace {

using testing::ElementsAreArray;
using testing::Gt;
using testing::IsEmpty;

std::filesystem::path recipes() {
    std::filesystem::path at = std::filesystem::path(__FILE__).parent_path();
    while (!std::filesystem::exists(at / "deploy" / "recipes") && at.has_relative_path())
        at = at.parent_path();
    return at / "deploy" / "recipes";
}

std::string read(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream all;
    all << in.rdbuf();
    return all.str();
}

/// Every `[[source]]` of a file as JSON text, by name.
std::map<std::string, std::string> sources_of(const std::filesystem::path& path) {
    std::map<std::string, std::string> all;
    auto parsed = toml::parse(read(path));
    EXPECT_TRUE(static_cast<bool>(parsed))
        << path << ": " << (parsed ? "" : std::string(parsed.error().description()));
    if (!parsed) return all;
    const toml::array* const list = parsed.table()["source"].as_array();
    EXPECT_NE(list, nullptr) << path;
    if (list == nullptr) return all;
    for (const toml::node& node : *list) {
        std::stringstream json;
        json << toml::json_formatter{*node.as_table()};
        all[node.as_table()->at("name").value_or(std::string())] = json.str();
    }
    return all;
}

std::vector<std::filesystem::path> all_files() {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(recipes())) {
        if (entry.path().extension() == ".toml") files.push_back(entry.path());
    }
    std::ranges::sort(files);
    return files;
}

TEST(DefinitionRecipesSpec, EveryRecipeIsGoodAndOwnsUpToItsWeakness) {
    ASSERT_THAT(all_files().size(), Gt(20u));
    for (const auto& path : all_files()) {
        const std::string text = read(path);
        EXPECT_TRUE(text.starts_with("# ")) << path << " says nothing about the feed";
        for (const auto& [name, json] : sources_of(path)) {
            const auto made = definition(json);
            ASSERT_NE(made, nullptr) << path << " " << name;
            EXPECT_FALSE(made->weakness.empty()) << path << " " << name;
        }
    }
}

/// A definition that somebody mistyped is refused or taken, but never more: a third of all values of all recipes, in turn,
/// become something else.
TEST(DefinitionRecipesSpec, NoMistakeInARecipeIsMoreThanAComplaint) {
    constexpr std::string_view kOdd[] = {"null",
                                         "true",
                                         "0",
                                         "-1",
                                         "1.5",
                                         "1e300",
                                         "\"\"",
                                         "\"a\"",
                                         "\".a\"",
                                         "\"{x}\"",
                                         "\"{\"",
                                         "\"5s\"",
                                         "\"link\"",
                                         "\"data.*.x\"",
                                         "[]",
                                         "{}",
                                         "[[]]",
                                         "[{}]",
                                         "[\"a\"]",
                                         R"({"env":"X"})",
                                         R"({"at":"a"})",
                                         R"({"parallel":""})",
                                         R"({"$each":"x"})",
                                         R"([{"$each":"{inst}"}])",
                                         "\"jwt\"",
                                         "\"rest\"",
                                         "\"sse\"",
                                         "\"file\"",
                                         "\"test\""};
    std::size_t tried = 0;
    Rng rng(11);
    for (const auto& path : all_files()) {
        for (const auto& [name, json] : sources_of(path)) {
            json::Document document;
            ASSERT_TRUE(document.parse(json).has_value());
            std::vector<json::Value> values{document.root()};
            for (std::size_t i = 0; i < values.size(); ++i) {
                const json::Value around = values[i];
                if (!around.is_object() && !around.is_array()) continue;
                for (json::Value v = around.first(); v; v = v.next_in(around)) values.push_back(v);
            }
            for (const json::Value& value : values) {
                if (rng.below(3) == 0) {
                    std::string changed = json;
                    const auto at = static_cast<std::size_t>(value.raw().data() - json.data());
                    changed.replace(at, value.raw().size(), kOdd[rng.below(std::size(kOdd))]);
                    ++tried;
                    if (auto made = parse(changed)) continue;
                    ASSERT_THAT(complaints(changed), testing::Not(IsEmpty()));
                }
            }
        }
    }
    EXPECT_THAT(tried, Gt(500u));
}

// -- against documented frames --------------------------------------------------------------------------------

struct Documented {
    const char* file;
    const char* source;
    const char* frame;
    const char* topic;
    const char* key;
};
void PrintTo(const Documented& documented, std::ostream* out) { *out << documented.source; }

class DocumentedFeeds : public testing::TestWithParam<Documented> {};

TEST_P(DocumentedFeeds, ADataFrameBecomesItsMessage) {
    const auto& [file, source, frame, topic, key] = GetParam();
    const auto recipe = definition(sources_of(recipes() / file).at(source));
    ASSERT_NE(recipe, nullptr);
    Shaper shaper(recipe);
    const auto items = product(recipe->items).value_or(std::vector<Item>());
    if (!items.empty()) shaper.bind(1, "17", items[0]);
    std::vector<Row> rows;
    std::vector<DeadLetter> letters;
    const Item* const asked = items.empty() ? nullptr : &items[0];
    const Shaped shaped = shaper.shape(
        {.bytes = frame, .connection = 1, .data_only = recipe->type == Type::Rest, .item = asked},
        rows, letters);
    EXPECT_EQ(shaped.kind, FrameKind::Data);
    ASSERT_THAT(letters, IsEmpty()) << letters[0].reason;
    ASSERT_THAT(rows, testing::Not(IsEmpty()));
    EXPECT_EQ(rows[0].topic, topic);
    EXPECT_EQ(rows[0].key, key);
    EXPECT_TRUE(rows[0].source_time.has_value() || source == std::string("solana-slots"));
}

INSTANTIATE_TEST_SUITE_P(
    All, DocumentedFeeds,
    testing::Values(
        Documented{
            "coinbase_advanced.toml", "coinbase-advanced",
            R"({"channel":"market_trades","sequence_num":7,"events":[{"type":"update","trades":[{"trade_id":"1","product_id":"BTC-USD","price":"1.50","time":"2026-11-25T12:00:00.1Z"}]}]})",
            "crypto.coinbase.BTC-USD.trade", "BTC-USD"},
        Documented{
            "kraken_v2.toml", "kraken-v2-trade",
            R"({"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":91234.10,"trade_id":5,"timestamp":"2026-11-25T12:00:00Z"}]})",
            "crypto.kraken.BTC~2FUSD.trade", "BTC/USD"},
        Documented{
            "ethereum.toml", "ethereum-heads",
            R"({"method":"eth_subscription","params":{"subscription":"17","result":{"number":"0x10d4f","hash":"0xb","parentHash":"0xa","timestamp":"0x6553f100"}}})",
            "chain.ethereum.newHeads", "0x10d4f"},
        Documented{
            "solana.toml", "solana-slots",
            R"({"method":"slotNotification","params":{"subscription":17,"result":{"parent":75,"root":44,"slot":76}}})",
            "chain.solana.slotSubscribe", "44"},
        Documented{
            "opensky.toml", "opensky",
            R"({"time":1700000000,"states":[["4b1814","SWR1AB  ","Switzerland",1700000000,1700000001,8.5,47.4,null,true,0,90]]})",
            "geo.opensky.state", "4b1814"},
        Documented{
            "wikimedia.toml", "wikimedia",
            R"({"meta":{"id":"1","dt":"2026-11-25T12:00:00Z","domain":"en.wikipedia.org"},"wiki":"enwiki","type":"edit","title":"A"})",
            "wiki.wikimedia.enwiki.edit", "A"},
        Documented{
            "bluesky.toml", "bluesky",
            R"({"did":"did:plc:x","time_us":1700000000123456,"kind":"commit","commit":{"rev":"r","operation":"create","collection":"app.bsky.feed.post","rkey":"k"}})",
            "social.bluesky.app~2Ebsky~2Efeed~2Epost", "did:plc:x"},
        Documented{
            "usgs.toml", "usgs-quakes",
            R"({"features":[{"id":"us1","properties":{"mag":4.5,"time":1700000000123,"updated":1700000000999}}]})",
            "geo.usgs.quake", "us1"},
        Documented{
            "open_meteo.toml", "open-meteo-now",
            R"({"latitude":52.52,"longitude":13.419998,"current":{"time":"2026-11-25T12:15","temperature_2m":3.4}})",
            "weather.open-meteo.52~2E52~3A13~2E419998.now", "52.52:13.419998"},
        Documented{
            "open_meteo.toml", "open-meteo-now",
            R"([{"latitude":48.85,"longitude":2.35,"current":{"time":"2026-11-25T12:15"}},{"latitude":1,"longitude":2,"current":{"time":"2026-11-25T12:15"}}])",
            "weather.open-meteo.48~2E85~3A2~2E35.now", "48.85:2.35"},
        Documented{"open_meteo.toml", "open-meteo-hourly",
                   R"({"hourly":{"time":["2026-11-25T12:00"],"temperature_2m":[3.40]}})",
                   "weather.open-meteo.Berlin.hourly", "2026-11-25T12:00"},
        Documented{
            "github.toml", "github-events",
            R"([{"id":"1","type":"PushEvent","repo":{"name":"a/b"},"created_at":"2026-11-25T12:00:00Z"}])",
            "code.github.PushEvent", "a/b"},
        Documented{
            "ripe_ris.toml", "ripe-ris",
            R"({"type":"ris_message","data":{"timestamp":1700000000.12,"peer":"1.2.3.4","id":"x","host":"rrc21","type":"UPDATE","path":[1,[2,3]]}})",
            "net.ripe.rrc21.UPDATE", "1.2.3.4"}));

// -- against recordings ---------------------------------------------------------------------------------------

struct Recorded {
    const char* capture;
    const char* file;
    const char* source;
};
void PrintTo(const Recorded& recorded, std::ostream* out) { *out << recorded.capture; }

class RecordedFeeds : public testing::TestWithParam<Recorded> {
protected:
    void SetUp() override {
        const char* folder = std::getenv("ANODE_CAPTURES");
        const std::filesystem::path path = std::filesystem::path(folder != nullptr ? folder : "") /
                                           (std::string(GetParam().capture) + ".jsonl.gz");
        if (folder == nullptr || !std::filesystem::exists(path))
            GTEST_SKIP() << "recording " << GetParam().capture << " is absent";
        const codec::Coding gzip[] = {codec::Coding::Gzip};
        ASSERT_TRUE(
            codec::decode_frame(gzip, read(path), lines, {.bytes_max = 1u << 30, .ratio_max = 1000})
                .has_value());
        recipe = definition(sources_of(recipes() / GetParam().file).at(GetParam().source));
        ASSERT_NE(recipe, nullptr);
    }

    template <class Visit>
    void each_line(std::string_view kind, const Visit& visit) {
        json::Document document;
        for (const std::string_view line : text::split(lines, '\n')) {
            if (line.empty() || !document.parse(line, {.members_max = 0}).has_value() ||
                !document.root()["kind"].equals(kind))
                continue;
            std::string data = document.root()["data"].string();
            if (document.root()["encoding"].equals("base64"))
                data = text::from_base64(data).value_or("");
            visit(data);
        }
    }

    /// What the steps send, in order, as compact JSON.
    std::vector<std::string> said() {
        std::vector<std::string> all;
        const auto items = product(recipe->items).value_or(std::vector<Item>());
        Rng rng(1);
        std::uint64_t counter = 1;
        Context context{.wall = 1'619'093'532'000'000, .rng = &rng, .counter = &counter};
        for (const Step& step : recipe->connect) {
            const auto* send = std::get_if<SendStep>(&step.what);
            if (send == nullptr) continue;
            std::vector<Item> meant;
            for (const Item& item : items) {
                json::Document fields;
                const std::string text = item_json(item);
                EXPECT_TRUE(fields.parse(text).has_value());
                if (!send->where || send->where->holds(expr::Scope{.root = fields.root()}))
                    meant.push_back(item);
            }
            const bool mentions = std::ranges::any_of(recipe->items, [&](const ItemList& list) {
                return send->send.mentions(list.name);
            });
            std::size_t most = send->batch > 0         ? send->batch
                               : send->send.has_each() ? meant.size()
                                                       : 1;
            if (!mentions) most = meant.size();
            for (std::size_t at = 0; at < std::max<std::size_t>(meant.size(), 1);
                 at += std::max<std::size_t>(most, 1)) {
                context.items = std::span(meant).subspan(at, std::min(most, meant.size() - at));
                std::string out;
                EXPECT_TRUE(send->send.append(out, context).has_value());
                all.push_back(out);
            }
        }
        return all;
    }

    static std::string plain(const std::string& text) {
        static const std::regex uuid(
            "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");
        return std::regex_replace(text, uuid, "a uuid");
    }

    /// The same JSON whatever the order of members, as TOML does not keep it.
    static std::string canonical(const std::string& text) {
        json::Document document;
        if (!document.parse(text).has_value()) return text;
        return canonical(document.root());
    }
    static std::string canonical(const json::Value& v) {
        if (!v.is_object() && !v.is_array()) return std::string(v.raw());
        std::vector<std::string> parts;
        for (json::Value m = v.first(); m; m = m.next_in(v))
            parts.push_back(v.is_object() ? m.name() + ":" + canonical(m) : canonical(m));
        if (v.is_object()) std::ranges::sort(parts);
        std::string out = v.is_object() ? "{" : "[";
        for (const std::string& part : parts) out += part + ",";
        return out + "}";
    }

    Bytes lines;
    std::shared_ptr<const Definition> recipe;
};

TEST_P(RecordedFeeds, TheRecipeSaysWhatTheRecordedClientSaid) {
    std::vector<std::string> recorded, ours;
    each_line("sent", [&](const std::string& data) {
        if (data.find("\"pong\"") == std::string::npos) recorded.push_back(plain(canonical(data)));
    });
    for (const std::string& message : said()) ours.push_back(plain(canonical(message)));
    EXPECT_THAT(ours, ElementsAreArray(recorded));
}

TEST_P(RecordedFeeds, EveryFrameIsUnderstoodAndDataBecomeMessages) {
    Shaper shaper(recipe);
    std::vector<Row> rows;
    std::vector<DeadLetter> letters;
    std::map<std::string, std::size_t> kinds, topics;
    std::size_t gaps = 0, emitted = 0;
    const auto items = product(recipe->items).value_or(std::vector<Item>());
    each_line("frame", [&](const std::string& frame) {
        rows.clear();
        letters.clear();
        shaper.recycle();
        const Shaped shaped = shaper.shape(
            {.bytes = frame, .connection = 1, .wall = 1'700'000'000'000'000}, rows, letters);
        ++kinds[std::string(name(shaped.kind))];
        for (const Step& step : recipe->connect) {
            const auto* expect = std::get_if<ExpectStep>(&step.what);
            if (expect == nullptr || !expect->bind || shaped.kind != FrameKind::Ack) continue;
            for (const std::size_t item : find_items(*expect->item, shaped.frame, items)) {
                if (const auto value = expect->bind->text_of(shaped.frame))
                    shaper.bind(1, *value, items[item]);
            }
        }
        ASSERT_THAT(letters, IsEmpty()) << letters[0].reason << "\n"
                                        << letters[0].raw.substr(0, 300);
        ASSERT_NE(shaped.kind, FrameKind::Unknown) << frame.substr(0, 300);
        ASSERT_NE(shaped.kind, FrameKind::Garbage) << frame.substr(0, 300);
        for (const ChainBreak& found : shaped.breaks) gaps += found.verdict.flow == Flow::Gap;
        for (const Row& row : rows) {
            ++emitted;
            ++topics[std::string(row.topic.substr(row.topic.rfind('.') + 1))];
            ASSERT_FALSE(row.key.empty() && GetParam().capture != std::string("bitfinex.ws.11"))
                << row.payload.substr(0, 300);
        }
    });
    EXPECT_GT(emitted, 0u);
    std::string told = std::string(GetParam().capture) + ": ";
    for (const auto& [kind, count] : kinds) told += kind + "=" + std::to_string(count) + " ";
    told += "| ";
    for (const auto& [topic, count] : topics) told += topic + "=" + std::to_string(count) + " ";
    RecordProperty("frames", told + "| gaps=" + std::to_string(gaps));
    if (std::getenv("ANODE_TELL") != nullptr)
        std::fprintf(stderr, "%s| gaps=%zu\n", told.c_str(), gaps);
}

INSTANTIATE_TEST_SUITE_P(All, RecordedFeeds,
                         testing::Values(Recorded{"binance.ws.1", "binance.toml", "binance-spot"},
                                         Recorded{"binance_futures.ws.1", "binance_futures.toml",
                                                  "binance-futures"},
                                         Recorded{"bitfinex.ws.11", "bitfinex.toml", "bitfinex"},
                                         Recorded{"bitmex.ws.1", "bitmex.toml", "bitmex"},
                                         Recorded{"bitstamp.ws.1", "bitstamp.toml", "bitstamp"},
                                         Recorded{"bybit.ws.25", "bybit.toml", "bybit"},
                                         Recorded{"coinbase.ws.28", "coinbase.toml", "coinbase"},
                                         Recorded{"deribit.ws.1", "deribit.toml", "deribit"},
                                         Recorded{"dydx.ws.1", "dydx.toml", "dydx"},
                                         Recorded{"gateio.ws.1", "gateio.toml", "gateio"},
                                         Recorded{"gemini.ws.1", "gemini.toml", "gemini"},
                                         Recorded{"huobi.ws.44", "huobi.toml", "huobi"},
                                         Recorded{"kraken.ws.48", "kraken.toml", "kraken-trade"},
                                         Recorded{"kraken.ws.49", "kraken.toml", "kraken-ticker"},
                                         Recorded{"kraken.ws.50", "kraken.toml", "kraken-book"},
                                         Recorded{"kucoin.ws.1", "kucoin.toml", "kucoin"},
                                         Recorded{"okx.ws.1", "okx.toml", "okx"},
                                         Recorded{"upbit.ws.62", "upbit.toml", "upbit"}),
                         [](const auto& info) {
                             std::string name = info.param.capture;
                             std::ranges::replace(name, '.', '_');
                             return name;
                         });

}  // namespace
}  // namespace anode::source::spec
