#include <benchmark/benchmark.h>
#include <simdjson.h>

#include <string>

#include "core/json/json.hpp"

// What a frame costs before anything is done with it, against simdjson's DOM (validate and build the tape).

namespace {

using namespace anode;

/// A trade as exchanges send it, 209 bytes.
const std::string kTrade =
    R"({"e":"trade","E":1767225600123,"s":"BTCUSDT","t":3456789012,"p":"91234.10000000","q":"0.00200000",)"
    R"("b":88123456789,"a":88123456790,"T":1767225600122,"m":true,"M":true,"st":"spot","x":[1,2.5,null,"yz"],)"
    R"("v":-100})";

std::string array_of_trades(int count) {
    std::string text = "[";
    for (int i = 0; i < count; ++i) text += (i == 0 ? "" : ",") + kTrade;
    return text + "]";
}

void count(benchmark::State& state, const std::string& text) {
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
    state.counters["bytes"] = static_cast<double>(text.size());
}

void parse(benchmark::State& state, const std::string& text) {
    json::Document document;
    for (auto _ : state) {
        auto parsed = document.parse(text);
        benchmark::DoNotOptimize(parsed);
    }
    count(state, text);
}

void parse_with_simdjson(benchmark::State& state, const std::string& text) {
    const simdjson::padded_string padded(text);
    simdjson::dom::parser parser;
    for (auto _ : state) {
        simdjson::dom::element root;
        const auto error = parser.parse(padded).get(root);
        benchmark::DoNotOptimize(error);
    }
    count(state, text);
}

void parse_and_read_five(benchmark::State& state) {
    json::Document document;
    for (auto _ : state) {
        benchmark::DoNotOptimize(document.parse(kTrade));
        const json::Value root = document.root();
        benchmark::DoNotOptimize(root["s"].plain());
        benchmark::DoNotOptimize(root["p"].plain());
        benchmark::DoNotOptimize(root["q"].plain());
        benchmark::DoNotOptimize(root["T"].integer());
        benchmark::DoNotOptimize(root["t"].integer());
    }
    count(state, kTrade);
}

void compact_a_spaced_trade(benchmark::State& state) {
    std::string spaced;
    for (const char c : kTrade) spaced += c == ',' ? std::string(", ") : std::string(1, c);
    json::Document document;
    Bytes out;
    for (auto _ : state) {
        out.clear();
        benchmark::DoNotOptimize(document.parse(spaced));
        document.root().append_compact(out);
        benchmark::DoNotOptimize(out.data());
    }
    count(state, spaced);
}

BENCHMARK_CAPTURE(parse, trade, kTrade);
BENCHMARK_CAPTURE(parse_with_simdjson, trade, kTrade);
BENCHMARK_CAPTURE(parse, thousand_trades, array_of_trades(1000));
BENCHMARK_CAPTURE(parse_with_simdjson, thousand_trades, array_of_trades(1000));
BENCHMARK(parse_and_read_five);
BENCHMARK(compact_a_spaced_trade);

}  // namespace

BENCHMARK_MAIN();
