#include <benchmark/benchmark.h>

#include <string>

#include "core/expr/expr.hpp"

// What a filter or a map costs over a parsed payload.

namespace {

using namespace anode;

const std::string kTrade =
    R"({"e":"trade","E":1767225600123,"s":"BTCUSDT","t":3456789012,"p":"91234.10000000","q":"0.00200000",)"
    R"("b":88123456789,"a":88123456790,"T":1767225600122,"m":true,"M":true,"st":"spot","x":[1,2.5,null,"yz"],)"
    R"("v":-100})";

struct Ready {
    Ready() { (void)document.parse(kTrade); }
    json::Document document;
};

expr::Scope envelope(const Ready& ready) {
    return {.root = ready.document.root(),
            .envelope = true,
            .topic = "crypto.binance.BTCUSDT.trade",
            .source = "binance"};
}

void test(benchmark::State& state, const char* text) {
    const Ready ready;
    const auto program = expr::Program::compile(text).value();
    const expr::Scope scope = envelope(ready);
    for (auto _ : state) benchmark::DoNotOptimize(program.test(scope));
}

void holds(benchmark::State& state, const char* text) {
    const Ready ready;
    const auto program = expr::Program::compile(text).value();
    const expr::Scope scope{.root = ready.document.root()};
    for (auto _ : state) benchmark::DoNotOptimize(program.holds(scope));
}

void write(benchmark::State& state, const char* text) {
    const Ready ready;
    const auto program = expr::Program::compile(text).value();
    const expr::Scope scope = envelope(ready);
    Bytes out;
    for (auto _ : state) {
        out.clear();
        benchmark::DoNotOptimize(program.write(scope, out));
    }
}

BENCHMARK_CAPTURE(test, number, "(.data.q|tonumber) > 5");
BENCHMARK_CAPTURE(test, two_strings, R"(.data.e == "trade" and .data.s == "BTCUSDT")");
BENCHMARK_CAPTURE(test, regular_expression, R"(.data.s | test("^BTC"))");
BENCHMARK_CAPTURE(test, token, R"(.tokens[1] == "binance")");
BENCHMARK_CAPTURE(holds, classifier_that_fits, R"(.e == "trade")");
BENCHMARK_CAPTURE(holds, classifier_on_another_kind, R"(.[1] == "hb")");
BENCHMARK_CAPTURE(
    write, five_fields,
    "{s: .data.s, p: .data.p, q: .data.q, t: .data.T, v: (.data.p|tonumber) * (.data.q|tonumber)}");
BENCHMARK_CAPTURE(write, one_more_field, ".data + {venue: .tokens[1]}");

}  // namespace

BENCHMARK_MAIN();
