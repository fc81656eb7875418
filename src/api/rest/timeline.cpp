#include "api/rest/history.hpp"
#include "api/rest/rest.hpp"
#include "core/json/json.hpp"
#include "runtime/clock.hpp"

/// What the node has told of itself: gaps, events, audit, each read from its system topic.
namespace anode::api::rest {

namespace {

constexpr Duration kPatience = 2s;
constexpr std::size_t kStep = 128;

/// One kind of record and the members it can be filtered by.
struct Kind {
    std::string topics;
    std::vector<std::string> filters;
};

bool fits(const json::Value& record, const Kind& kind, const Request& request) {
    for (const std::string& name : kind.filters) {
        const auto wanted = request.arg(name);
        if (wanted && record[name].scalar() != wanted) return false;
    }
    return true;
}

Read<HistoryAsk> ask_for(const Kind& kind, const Request& request, const Store& store) {
    auto ask = read_history(request, *PatternSet::parse(kind.topics), store, wall_now());
    if (ask && !ask->limit) ask->limit = 100;
    return ask;
}

Answer read_timeline(const Kind& kind, const Request& request, const Store& store) {
    auto ask = ask_for(kind, request, store);
    if (!ask) return refuse(std::move(ask.error()));
    const std::size_t limit = *ask->limit;
    HistoryWalk walk(store, std::move(*ask));
    std::vector<Bytes> items;
    std::vector<Found> found;
    Arrival last;
    json::Document document;
    for (const Instant until = monotonic_now() + kPatience;;) {
        found.clear();
        const auto more = walk.next(found, kStep, kPatience);
        if (!more) return refuse(Problem::of(more.error()));
        for (const Found& one : found) {
            const Entry entry = one.block->entry(one.index);
            if (!document.parse(entry.payload) || !fits(document.root(), kind, request)) continue;
            if (items.size() == limit)
                return page(request, items, cursor_text(store, last, request.received));
            items.emplace_back(entry.payload);
            last = entry.arrival;
        }
        if (!*more) return page(request, items, std::nullopt);
        if (monotonic_now() >= until)
            return page(request, items, cursor_text(store, walk.position(), request.received));
    }
}

void add(Router& router, const Context& context, std::string_view pattern, Kind kind) {
    const auto ask = [context, kind = std::move(kind)](Request& request) {
        return read_timeline(kind, request, context->doors.store);
    };
    router.add(Method::Get, pattern, answering(ask), RunOn::Worker);
}

}  // namespace

void add_timeline(Router& router, const Context& context) {
    add(router, context, "/v1/gaps", {"$sys.gap", {"scope", "reason", "source", "gap"}});
    add(router, context, "/v1/events", {"$sys.event.>", {"kind", "source", "state"}});
    add(router, context, "/v1/audit", {"$sys.audit", {"actor", "action", "object"}});
}

}  // namespace anode::api::rest
