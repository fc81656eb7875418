#include "app/pulse.hpp"

#include <gtest/gtest.h>

#include "core/json/json.hpp"

namespace anode::app {
namespace {

class PulseSpec : public testing::Test {
protected:
    std::string look() {
        Bytes json;
        json::Writer out(json);
        out.begin_object();
        pulse.write(out);
        out.end_object();
        return json;
    }
    void delivers(int messages, double seconds, const char* stage = "local") {
        metrics.counter("anode_delivery_messages_total", "", {{"transport", "ws"}})
            .add(static_cast<std::uint64_t>(messages));
        for (int i = 0; i < messages; ++i)
            metrics.histogram("anode_delivery_latency_seconds", "", {{"stage", stage}})
                .observe(seconds);
    }

    metrics::Registry metrics;
    Pulse pulse{metrics};
};

TEST_F(PulseSpec, ANodeWithoutListenersSaysThatNothingWasMeasured) {
    EXPECT_EQ(look(),
              R"({"delivered":0,"out_per_second":0,"delivery_ms":{"p50":null,"p99":null}})");
}

TEST_F(PulseSpec, EachLookTellsOfTheTimeSinceTheOneBefore) {
    delivers(90, 0.0004);
    delivers(10, 0.02, "remote");
    EXPECT_EQ(look(),
              R"({"delivered":100,"out_per_second":100,"delivery_ms":{"p50":0.5,"p99":25}})");
    delivers(5, 0.0009);
    EXPECT_EQ(look(), R"({"delivered":105,"out_per_second":5,"delivery_ms":{"p50":1,"p99":1}})");
    EXPECT_EQ(look(),
              R"({"delivered":105,"out_per_second":0,"delivery_ms":{"p50":null,"p99":null}})");
}

TEST(PulseQuantile, WhatTakesLongerThanAllBucketsIsTheLastBound) {
    std::vector<std::uint64_t> counts(metrics::Histogram::bounds().size() + 1);
    counts.back() = 3;
    EXPECT_EQ(quantile_ms(counts, 0.5), 60'000.0);
}

}  // namespace
}  // namespace anode::app
