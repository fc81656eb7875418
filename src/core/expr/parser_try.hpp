#pragma once

/// For the parser's sources only: takes the node of a part, or passes its error on.
#define ANODE_EXPR_TRY(name, expression)                               \
    auto name##_parsed = (expression);                                 \
    if (!name##_parsed) return std::unexpected(name##_parsed.error()); \
    NodePtr name = std::move(*name##_parsed)
#define ANODE_EXPR_CHECK(expression) \
    if (auto checked = (expression); !checked) return std::unexpected(checked.error())
