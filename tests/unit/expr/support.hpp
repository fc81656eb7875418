#pragma once

#include <gtest/gtest.h>

#include <string>

#include "core/expr/expr.hpp"

namespace anode::expr::testing {

/// The first result of `program` over the JSON text `input`; `error: …`, `empty` or `refused at N: …` otherwise.
inline std::string result(const std::string& program, const std::string& input = "null") {
    json::Document document;
    EXPECT_TRUE(document.parse(input)) << input;
    const auto compiled = Program::compile(program, 64 * 1024);
    if (!compiled)
        return "refused at " + std::to_string(compiled.error().offset) + ": " +
               compiled.error().detail;
    Bytes out;
    const auto written = compiled->write({.root = document.root()}, out);
    if (written) return out;
    EXPECT_EQ(out, "") << "a failed write leaves nothing behind";
    return written.error().code == Errc::NotFound ? "empty" : "error: " + written.error().what;
}

struct Case {
    const char* program;
    const char* input;
    const char* expected;
};

/// Each program over its input gives what jq 1.6 gives.
template <std::size_t N>
void check(const Case (&cases)[N]) {
    for (const Case& c : cases)
        EXPECT_EQ(result(c.program, c.input), c.expected) << c.program << " over " << c.input;
}

}  // namespace anode::expr::testing
