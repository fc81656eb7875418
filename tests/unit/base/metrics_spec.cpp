#include "base/metrics.hpp"

#include <cmath>
#include <limits>
#include <thread>

namespace anode::metrics {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(MetricsSpec, ANameAndLabelsAreOneSeriesInWhateverOrder) {
    Registry registry;
    Counter& counter = registry.counter("anode_x_total", "Things.", {{"b", "2"}, {"a", "1"}});
    EXPECT_EQ(&registry.counter("anode_x_total", "Other words.", {{"a", "1"}, {"b", "2"}}),
              &counter);
    EXPECT_NE(&registry.counter("anode_x_total", "", {{"a", "1"}}), &counter);
}

TEST(MetricsSpec, WritesThePrometheusForm) {
    Registry registry;
    registry.counter("anode_x_total", "Things\nof \\ use.", {{"source", "a\"b\\c\nd"}}).add(3);
    registry.gauge("anode_depth", "Depth.").set(1.5);
    EXPECT_EQ(registry.prometheus(),
              "# HELP anode_depth Depth.\n# TYPE anode_depth gauge\nanode_depth 1.5\n"
              "# HELP anode_x_total Things\\nof \\\\ use.\n# TYPE anode_x_total counter\n"
              "anode_x_total{source=\"a\\\"b\\\\c\\nd\"} 3\n");
}

TEST(MetricsSpec, WritesTheOpenMetricsForm) {
    Registry registry;
    registry.counter("anode_x_total", "Things.").add();
    EXPECT_EQ(registry.openmetrics(),
              "# HELP anode_x Things.\n# TYPE anode_x counter\nanode_x_total 1\n# EOF\n");
    EXPECT_EQ(Registry{}.openmetrics(), "# EOF\n");
}

TEST(MetricsSpec, HistogramsAreCumulativeAndEndInInfinity) {
    Registry registry;
    Histogram& histogram = registry.histogram("anode_s_seconds", "Times.", {{"a", "b"}});
    histogram.observe(0.00005);
    histogram.observe(0.7);
    histogram.observe(100);
    histogram.observe(-1);
    histogram.observe(std::nan(""));
    const std::string text = registry.prometheus();
    EXPECT_THAT(text, HasSubstr("# TYPE anode_s_seconds histogram\n"));
    EXPECT_THAT(text, HasSubstr("anode_s_seconds_bucket{a=\"b\",le=\"5e-05\"} 2\n"));
    EXPECT_THAT(text, HasSubstr("anode_s_seconds_bucket{a=\"b\",le=\"1\"} 3\n"));
    EXPECT_THAT(text, HasSubstr("anode_s_seconds_bucket{a=\"b\",le=\"60\"} 3\n"));
    EXPECT_THAT(text, HasSubstr("anode_s_seconds_bucket{a=\"b\",le=\"+Inf\"} 4\n"));
    EXPECT_THAT(text, HasSubstr("anode_s_seconds_count{a=\"b\"} 4\n"));
    EXPECT_THAT(registry.openmetrics(), HasSubstr("le=\"1.0\""));
}

TEST(MetricsSpec, ARemovedSeriesIsHiddenButItsHolderMayGoOn) {
    Registry registry;
    Counter& gone = registry.counter("anode_x_total", "", {{"source", "gone"}});
    registry.counter("anode_x_total", "", {{"source", "kept"}}).add();
    registry.remove("source", "gone");
    gone.add(5);
    EXPECT_THAT(registry.prometheus(), Not(HasSubstr("gone")));
    EXPECT_THAT(registry.prometheus(), HasSubstr("kept"));
    EXPECT_EQ(&registry.counter("anode_x_total", "", {{"source", "gone"}}), &gone);
    EXPECT_THAT(registry.prometheus(), HasSubstr("{source=\"gone\"} 5\n"));
}

TEST(MetricsSpec, AFamilyWithoutSeriesIsNotShown) {
    Registry registry;
    registry.gauge("anode_g", "G.", {{"a", "1"}});
    registry.remove("a", "1");
    EXPECT_EQ(registry.prometheus(), "");
}

TEST(MetricsSpec, RefreshesBeforeEachExposition) {
    Registry registry;
    int scrapes = 0;
    registry.on_scrape([&] { registry.gauge("anode_scrapes", "").set(++scrapes); });
    EXPECT_THAT(registry.prometheus(), HasSubstr("anode_scrapes 1\n"));
    EXPECT_THAT(registry.openmetrics(), HasSubstr("anode_scrapes 2\n"));
}

TEST(MetricsSpec, NumbersThatAreNoneHaveTheirNames) {
    Registry registry;
    registry.gauge("anode_a", "").set(std::numeric_limits<double>::infinity());
    registry.gauge("anode_b", "").set(std::nan(""));
    EXPECT_THAT(registry.prometheus(),
                testing::AllOf(HasSubstr("anode_a +Inf\n"), HasSubstr("anode_b NaN\n")));
}

TEST(MetricsSpec, ThreadsFindTheSameSeriesAndLoseNoCount) {
    Registry registry;
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&] {
                for (int i = 0; i < 2000; ++i)
                    registry.counter("anode_x_total", "", {{"n", std::to_string(i % 7)}}).add();
            });
        for (int i = 0; i < 20; ++i) (void)registry.prometheus();
    }
    std::uint64_t sum = 0;
    for (int n = 0; n < 7; ++n)
        sum += registry.counter("anode_x_total", "", {{"n", std::to_string(n)}}).value();
    EXPECT_EQ(sum, 8000u);
}

}  // namespace
}  // namespace anode::metrics
