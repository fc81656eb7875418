#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "core/source/grammar.hpp"
#include "core/source/shaper.hpp"

/// One trade of 209 bytes from frame to message: JSON, mapping, repeats, chain, topic. Target: 900 ns a row.
namespace anode::source {
namespace {

std::shared_ptr<const Definition> trades(const std::string& more) {
    auto parsed = parse(
        R"({"name":"spot","type":"websocket","url":"wss://example.org/ws","topic":"crypto.example.{.s}.trade",
        "map":{"key":"s","id":"t","time":"T","unit":"ms"},"dedupe":{"by":["key","id"],"keep":"10m","max":200000})" +
        more + "}");
    return std::make_shared<const Definition>(std::move(parsed.value()));
}

std::string trade(std::uint64_t number) {
    return R"({"e":"trade","E":1672515782136,"s":"BTCUSDT","t":)" +
           std::to_string(1'000'000'000 + number) +
           R"(,"p":"91234.10000000","q":"0.00200000","b":88123456789,"a":88123456790,"T":1672515782136,"m":true,"M":true,"i":"0123456789abcdef","v":"0.1234"})";
}

void run(benchmark::State& state, const std::string& more) {
    Shaper shaper(trades(more));
    std::vector<std::string> frames;
    for (std::uint64_t n = 0; n < 65'536; ++n) frames.push_back(trade(n));
    std::vector<Row> rows;
    std::vector<DeadLetter> letters;
    std::uint64_t n = 0;
    Shaper::Input input{.connection = 1, .wall = 1'700'000'000'000'000};
    for (auto step : state) {
        static_cast<void>(step);
        shaper.recycle();
        rows.clear();
        input.bytes = frames[n++ % frames.size()];
        input.wall +=
            10'000;  // the ids of the round before have expired by the time they come again
        benchmark::DoNotOptimize(shaper.shape(input, rows, letters));
        benchmark::DoNotOptimize(rows.data());
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
    state.counters["bytes"] = static_cast<double>(frames[0].size());
    state.counters["letters"] = static_cast<double>(letters.size());
}

void shape_a_trade(benchmark::State& state) { run(state, ""); }
void shape_a_chained_trade(benchmark::State& state) {
    run(state, R"(,"continuity":{"rule":"+1","at":"t","per":"key"})");
}
void shape_a_classified_trade(benchmark::State& state) {
    run(state,
        R"(,"classify":[{"text":"pong","as":"heartbeat"},{"match":".event == \"subscribe\"","as":"ack"},{"match":".event == \"error\"","as":"error.fatal"}])");
}

BENCHMARK(shape_a_trade);
BENCHMARK(shape_a_chained_trade);
BENCHMARK(shape_a_classified_trade);

}  // namespace
}  // namespace anode::source
