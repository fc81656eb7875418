#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "base/time.hpp"
#include "core/expr/expr.hpp"
#include "core/source/template.hpp"

/// The part of a definition about polling. Source: recipes, section 7.
namespace anode::source {

struct DiffSpec {
    expr::Selector key;
    std::optional<expr::Selector> version;  ///< absent: the row's bytes
    enum class Vanish : std::uint8_t { Ignore, Delete } vanish = Vanish::Ignore;
    std::optional<Duration> window;  ///< rows older than this age out by themselves; needs map.time
};

struct PagesSpec {
    struct Link {};  ///< `next = "link"`: the Link header, rel="next"
    std::variant<Link, expr::Selector, Template>
        next;  ///< a template is a URL with `{$page}` (2, 3, …), `{$last}` (id of the last row)
    bool until_known = true;             ///< `until = "known"`
    std::optional<expr::Program> until;  ///< over the page's body
    std::uint32_t max = 10;
    bool oldest_first =
        false;  ///< `order = "oldest-first"`: the pages' rows are emitted oldest first
};

struct PollSpec {
    Duration every = 60s;
    bool align = false;
    Duration offset{};
    std::uint32_t jitter_percent = 10;
    std::string interval_header;  ///< seconds; overrides `every`; empty: none
    bool same_body = false;       ///< `same = "body"`
    std::optional<DiffSpec> diff;
    std::optional<PagesSpec> pages;
    std::uint32_t batch_items =
        0;  ///< `batch.items`; 0: one request an item, if the request mentions one
};

}  // namespace anode::source
