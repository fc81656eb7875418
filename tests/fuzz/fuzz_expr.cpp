#include <cstddef>
#include <cstdint>
#include <string>

#include "base/assert.hpp"
#include "core/expr/expr.hpp"

// The first line is a program, the rest its input. Whatever they are: compiling and evaluating end, a result is JSON, and
// the ways to ask for it agree.

namespace {

using namespace anode;

void evaluate(const expr::Program& program, const expr::Scope& scope) {
    Bytes out;
    const auto written = program.write(scope, out);
    const auto truth = program.test(scope);
    json::Document result;
    if (written) {
        ANODE_ASSERT(result.parse(out, {.depth_max = 1000, .members_max = 0}).has_value());
        const json::Value root = result.root();
        ANODE_ASSERT(truth.has_value());
        // Not a number is written as null and yet is a number: what is written as null may be either.
        if (!root.is_null()) ANODE_ASSERT(*truth == !root.is(json::Type::False));
    } else {
        ANODE_ASSERT(out.empty());
        ANODE_ASSERT(!written.error().what.empty());
    }
    ANODE_ASSERT(program.holds(scope) == (truth.has_value() && *truth));
    (void)program.text_of(scope);
    const json::Value part = program.selected(scope);
    if (part.present()) ANODE_ASSERT(part.raw().data() >= scope.root.raw().data());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view all(reinterpret_cast<const char*>(data), size);
    const std::size_t line = std::min(all.find('\n'), all.size());
    const std::string text(all.substr(0, line));
    const std::string input(line < all.size() ? all.substr(line + 1) : "null");
    const auto program = expr::Program::compile(text);
    if (!program) {
        ANODE_ASSERT(program.error().offset <= text.size());
        ANODE_ASSERT(!program.error().detail.empty());
    }
    (void)expr::Selector::parse(text);
    json::Document document;
    if (!document.parse(input) || !program) return 0;
    evaluate(*program, {.root = document.root()});
    evaluate(*program, {.root = document.root(),
                        .envelope = true,
                        .topic = "a.b.c",
                        .source = "s",
                        .ts = 1767225600123456});
    return 0;
}
