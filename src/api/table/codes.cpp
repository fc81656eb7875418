#include <algorithm>
#include <array>
#include <set>

#include "api/table/operation.hpp"

namespace anode::api {

namespace {

/// Source: interfaces, section 9.
constexpr std::array kCodes{
    CodeRow{400, "bad-request", "Request is malformed"},
    CodeRow{400, "bad-json", "Text is not valid JSON"},
    CodeRow{400, "bad-topic", "Topic or pattern is not valid"},
    CodeRow{400, "bad-cursor", "Cursor is not valid"},
    CodeRow{401, "unauthenticated", "Credential is missing or wrong"},
    CodeRow{401, "token-expired", "Token has expired"},
    CodeRow{403, "forbidden", "Not allowed"},
    CodeRow{403, "origin-refused", "Origin is not allowed"},
    CodeRow{404, "not-found", "Not found"},
    CodeRow{405, "method", "Method is not allowed here"},
    CodeRow{406, "not-acceptable", "No acceptable form of the answer"},
    CodeRow{408, "timeout", "Request took too long"},
    CodeRow{409, "exists", "Exists already"},
    CodeRow{409, "conflict", "State does not allow this"},
    CodeRow{409, "not-owner", "Another node owns this"},
    CodeRow{410, "cursor-too-old", "Cursor is older than what is kept"},
    CodeRow{412, "stale-version", "Version is stale"},
    CodeRow{413, "too-large", "Too large"},
    CodeRow{415, "media-type", "Media type or encoding is not supported"},
    CodeRow{422, "invalid", "Request is invalid"},
    CodeRow{422, "key-reused", "Idempotency key was used for another body"},
    CodeRow{422, "address-blocked", "Address may not be reached"},
    CodeRow{422, "too-deep", "JSON is nested too deeply"},
    CodeRow{429, "rate-limited", "Too many requests"},
    CodeRow{429, "too-many-connections", "Too many connections"},
    CodeRow{431, "headers-too-large", "Request head is too large"},
    CodeRow{500, "internal", "Internal error"},
    CodeRow{502, "peer-failed", "Another node failed"},
    CodeRow{503, "overloaded", "Overloaded"},
    CodeRow{503, "draining", "Node is about to leave"},
    CodeRow{503, "not-ready", "Node is not ready"},
    CodeRow{503, "store-unavailable", "Store is not available"},
    CodeRow{504, "peer-timeout", "Another node did not answer in time"},
    CodeRow{507, "store-full", "Store is full"},
};

}  // namespace

std::span<const CodeRow> problem_codes() noexcept { return kCodes; }

std::vector<const CodeRow*> problems_of(const Operation& operation) {
    std::set<std::string_view> codes{"bad-request",         "origin-refused", "timeout",
                                     "headers-too-large",   "rate-limited",   "internal",
                                     "too-many-connections"};
    const auto add = [&codes](std::initializer_list<std::string_view> more) { codes.insert(more); };
    // A wrong credential is told even where none is needed.
    add({"unauthenticated", "token-expired"});
    if (operation.role != Role::None) add({"forbidden"});
    if (operation.path.find('{') != std::string_view::npos) add({"not-found"});
    if (operation.path.find("{topic}") != std::string_view::npos) add({"bad-topic", "forbidden"});
    if (operation.parameter("topics") != nullptr) add({"bad-topic", "forbidden"});
    if (!operation.parameters.empty() || !operation.bodies.empty()) add({"invalid"});
    if (!operation.bodies.empty()) add({"bad-json", "media-type", "too-large", "too-deep"});
    if (operation.node_scoped()) add({"not-found", "peer-failed", "peer-timeout"});
    if (!operation.streams) add({"not-acceptable", "overloaded", "not-ready"});
    add({"store-unavailable"});
    codes.insert(operation.problems.begin(), operation.problems.end());
    std::vector<const CodeRow*> rows;
    for (const CodeRow& row : kCodes)
        if (codes.contains(row.code)) rows.push_back(&row);
    return rows;
}

}  // namespace anode::api
