#pragma once

#include "api/table/operation.hpp"

/// Query parameters that mean the same wherever they occur. Source: interfaces, sections 5, 6, 9.
namespace anode::api::parameter {

using Is = Parameter::Is;

inline constexpr Parameter kLimit{.name = "limit",
                                  .text = "Most items of one answer",
                                  .is = Is::Integer,
                                  .min = 1,
                                  .max = 1000,
                                  .standard = "100"};
/// With NDJSON there is no page, so there is no most.
inline constexpr Parameter kLimitOfHistory{
    .name = "limit",
    .text = "Most messages of one answer: 1 to 1,000 for a page, any number for NDJSON",
    .is = Is::Integer,
    .min = 1,
    .standard = "100 for a page, none for NDJSON"};
inline constexpr Parameter kAfter{
    .name = "after", .text = "The `next` of the page before", .max = 1024};
inline constexpr Parameter kNode{
    .name = "node",
    .text = "A node's id or name, or `all`; without it, the node that is asked",
    .max = 255};
inline constexpr Parameter kNodeOfWrite{
    .name = "node", .text = "A node's id or name; without it, the node that is asked", .max = 255};
inline constexpr Parameter kDryRun{
    .name = "dry_run", .text = "Check and show the result, change nothing", .is = Is::Flag};
inline constexpr Parameter kWait{
    .name = "wait",
    .text = "`cluster`: answer when all live nodes have it, or with `pending` after the timeout",
    .is = Is::Word,
    .words = "cluster"};
inline constexpr Parameter kTimeout{.name = "timeout",
                                    .text = "How long `wait` waits: 1ms to 60s",
                                    .is = Is::Duration,
                                    .standard = "5s"};
inline constexpr Parameter kTopics{.name = "topics",
                                   .text = "1 to 64 patterns, comma between",
                                   .is = Is::Patterns,
                                   .example = "crypto.>",
                                   .required = true};
inline constexpr Parameter kFrom{.name = "from",
                                 .text =
                                     "Where to begin: `live`, `last`, `earliest`, a cursor, RFC "
                                     "3339, µs since 1970, or an age such as `-15m`",
                                 .is = Is::Start,
                                 .standard = "live",
                                 .example = "-5m"};
inline constexpr Parameter kFromOfHistory{
    .name = "from",
    .text =
        "Where to begin: `earliest`, a cursor, RFC 3339, µs since 1970, or an age such as `-15m`",
    .is = Is::Start,
    .standard = "earliest",
    .example = "-5m"};
inline constexpr Parameter kTo{
    .name = "to",
    .text = "Where to end: RFC 3339, µs since 1970, or an age; messages at it are left out",
    .is = Is::Time};
inline constexpr Parameter kOrder{.name = "order",
                                  .text = "Oldest or newest first",
                                  .is = Is::Word,
                                  .words = "asc|desc",
                                  .standard = "desc"};
inline constexpr Parameter kFilter{
    .name = "filter",
    .text = "An expression over the envelope plus `.tokens`; true keeps the message",
    .max = 1024,
    .example = "(.data.q|tonumber) > 1"};
inline constexpr Parameter kFormat{.name = "format",
                                   .text = "Form of each message",
                                   .is = Is::Word,
                                   .words = "envelope|data|cloudevents",
                                   .standard = "envelope"};
inline constexpr Parameter kFields{.name = "fields",
                                   .text = "`prov`: origin, epochs and hops beside each envelope",
                                   .is = Is::Word,
                                   .words = "prov"};
inline constexpr Parameter kOnGap{
    .name = "on_gap",
    .text = "What a hole behind the cursor does: go on and tell, or 410 `cursor-too-old`",
    .is = Is::Word,
    .words = "tell|fail"};
inline constexpr Parameter kAck{.name = "ack",
                                .text = "When to answer: `received`, `disk` or `copies:N`",
                                .max = 16,
                                .standard = "disk"};

}  // namespace anode::api::parameter
