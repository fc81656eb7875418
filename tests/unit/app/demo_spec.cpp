#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "app/config/config.hpp"
#include "app/demo/definitions.hpp"
#include "app/demo/market.hpp"
#include "app/demo/public_feeds.hpp"
#include "app/demo/service.hpp"
#include "core/json/json.hpp"
#include "core/source/grammar.hpp"

/// The sources of the demo are definitions as anybody writes them.
namespace anode::app::demo {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::Ge;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

Config read(const std::string& toml) {
    auto config = Config::from_text(toml, "demo.toml");
    if (!config) {
        for (const ConfigComplaint& complaint : config.error())
            ADD_FAILURE() << complaint.place << ": " << complaint.key << ": " << complaint.detail;
        return *Config::from_text("", "empty");
    }
    return std::move(*config);
}

TEST(DemoSpec, MoreThanAHundredSourcesOfSixKindsAreGood) {
    const DemoSources made = simulated_sources(40'000);
    const Config config = read(made.toml);
    EXPECT_THAT(config.sources, SizeIs(Ge(120U)));
    EXPECT_EQ(config.sources.size(), made.count);
    std::map<source::Type, std::size_t> types;
    std::map<std::string, std::size_t> providers;
    for (const DeclaredSource& declared : config.sources) {
        const auto definition = source::parse(std::string_view(declared.json));
        ASSERT_TRUE(definition.has_value());
        EXPECT_THAT(definition->shape.topic.source(), StartsWith("demo."));
        ++types[definition->type];
        if (const std::string* provider = definition->label("provider")) ++providers[*provider];
    }
    EXPECT_THAT(types, SizeIs(4)) << "websocket, rest, sse and webhook";
    EXPECT_THAT(providers, SizeIs(Ge(8U)));
}

TEST(DemoSpec, EverySimulatedSourceStaysOnLoopback) {
    const Config config = read(simulated_sources(40'000).toml);
    for (const DeclaredSource& declared : config.sources) {
        json::Document document;
        ASSERT_TRUE(document.parse(declared.json).has_value());
        const std::string url = document.root()["url"].string();
        if (document.root()["type"].equals("webhook"))
            EXPECT_EQ(url, "");
        else
            EXPECT_THAT(url, HasSubstr("://127.0.0.1:40000/"));
    }
}

TEST(DemoSpec, PublicFeedsAreGoodAndPatient) {
    const PublicFeeds feeds = public_feeds({});
    const Config config = read(feeds.toml);
    EXPECT_EQ(config.sources.size(), feeds.count);
    EXPECT_THAT(feeds.count, Ge(12U));
    for (const DeclaredSource& declared : config.sources) {
        const auto definition = source::parse(std::string_view(declared.json));
        ASSERT_TRUE(definition.has_value());
        EXPECT_EQ(definition->backoff.min, 30s) << definition->name;
        EXPECT_EQ(definition->backoff.max, 15min) << definition->name;
    }
}

TEST(DemoSpec, APublicFeedGivesWayToASourceOfTheSameName) {
    const PublicFeeds all = public_feeds({}), fewer = public_feeds({"okx", "binance-spot"});
    EXPECT_LT(fewer.count, all.count);
    EXPECT_EQ(fewer.toml.find("name = \"binance-spot\""), std::string::npos);
}

TEST(DemoSpec, PatienceReplacesWhatARecipeSays) {
    const std::string made =
        with_patience("[[source]]\nname = \"a\"\ntype = \"sse\"\nbackoff = { min = \"1s\" }\n");
    EXPECT_THAT(made, HasSubstr("type = \"sse\"\nbackoff = { min = \"30s\", max = \"15m\" }"));
    EXPECT_EQ(made.find("\"1s\""), std::string::npos);
}

TEST(DemoSpec, TheDemoAndThePublicFeedsGoTogether) {
    const Config config = read(simulated_sources(40'000).toml + public_feeds({}).toml);
    EXPECT_THAT(config.sources, SizeIs(Ge(130U)));
}

TEST(DemoMarket, PricesWalkButStayInReason) {
    Rng rng(7);
    Market market(3, 1000);
    const double before = market.find("BTCUSD")->price;
    for (int i = 0; i < 10'000; ++i) market.beat(rng);
    const Instrument& after = *market.find("btcusd");
    EXPECT_NE(after.price, before);
    EXPECT_GT(after.price, before / 3);
    EXPECT_LT(after.price, before * 3);
    EXPECT_EQ(market.find("nousd"), nullptr);
}

TEST(DemoMarket, TradesAreNumberedOneByOne) {
    Rng rng(7);
    Market market(3, 1000);
    EXPECT_EQ(market.trade(market.instruments().front(), rng).id, 1000U);
    EXPECT_EQ(market.trade(market.instruments().back(), rng).id, 1001U);
}

TEST(DemoMarket, EventsComeAtTheirPace) {
    Rng rng(11);
    unsigned events = 0;
    for (int beat = 0; beat < 10'000; ++beat) events += events_of(5, rng);
    EXPECT_NEAR(events, 5000, 300);
}

}  // namespace
}  // namespace anode::app::demo
