#include "api/table/parameters.hpp"

/// Rows through which messages come and go. Source: interfaces, sections 5 to 8 and 10.
namespace anode::api::table {

using namespace parameter;

namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kLines = "application/x-ndjson";

Operation history(std::string_view path, std::string_view summary) {
    Operation row{.path = path,
                  .role = Role::Subscriber,
                  .summary = summary,
                  .text =
                      "A page, or with `Accept: application/x-ndjson` one message a line without "
                      "end. `from` is "
                      "inclusive, `to` exclusive. With a cursor as `from` the page says in "
                      "`resume` how exact it is.",
                  .parameters = {kFromOfHistory, kTo, kLimitOfHistory, kOrder, kFilter, kFormat,
                                 kFields, kOnGap, kAfter},
                  .answers = {{200, kJson, "MessagePage", "A page"},
                              {200, kLines, "Lines", "One message a line"}},
                  .problems = {"bad-cursor", "cursor-too-old"}};
    return row;
}

void add_topics(std::vector<Operation>& rows) {
    rows.push_back(
        {.path = "/v1/topics",
         .role = Role::Subscriber,
         .summary = "Topics in order of name, or with `depth` the tree above them",
         .parameters = {{.name = "prefix", .text = "Only topics that begin with it", .max = 255},
                        {.name = "depth",
                         .text = "Tokens below the prefix to fold to",
                         .is = Is::Integer,
                         .min = 1,
                         .max = 16},
                        kLimit,
                        kAfter},
         .answers = {{200, kJson, "TopicPage", "Topics, or branches of the tree"}},
         .example = "/v1/topics?depth=1"});
    rows.push_back({.path = "/v1/topics/{topic}",
                    .role = Role::Subscriber,
                    .summary = "One topic with its sizes, retention and last message",
                    .answers = {{200, kJson, "Topic", "The topic"}}});
    rows.push_back({.path = "/v1/topics/{topic}/last",
                    .role = Role::Subscriber,
                    .summary = "The newest message of each key; 304 while nothing is newer",
                    .parameters = {{.name = "limit",
                                    .text = "Most keys",
                                    .is = Is::Integer,
                                    .min = 1,
                                    .max = 1000,
                                    .standard = "1000"}},
                    .headers = {"If-None-Match"},
                    .answers = {{200, kJson, "MessagePage",
                                 "One message for each key; `ETag` is the id of the newest"},
                                {304, "", "", "Nothing newer"}},
                    .example = "/v1/topics/demo.greeting/last"});
}

void add_history_rows(std::vector<Operation>& rows) {
    Operation one = history("/v1/topics/{topic}/messages", "History of a topic, newest first");
    one.example = "/v1/topics/demo.greeting/messages?limit=2";
    rows.push_back(std::move(one));
    Operation many = history("/v1/messages", "History of several topics by pattern, newest first");
    many.parameters.insert(many.parameters.begin(), kTopics);
    many.example = "/v1/messages?topics=demo.>&from=-1h&order=asc";
    rows.push_back(std::move(many));
    rows.push_back(
        {.method = Method::Delete,
         .path = "/v1/topics/{topic}/messages",
         .role = Role::Admin,
         .summary = "Remove the messages of a topic that are older than a time",
         .text = "Written to the audit. Topics that begin with `$` cannot be purged.",
         .parameters = {{.name = "before",
                         .text = "What is older goes: RFC 3339, µs, or an age",
                         .is = Is::Time,
                         .required = true},
                        kDryRun},
         .answers = {{200, kJson, "Purged", "What was removed, or with `dry_run` would be"}}});
}

void add_publish_rows(std::vector<Operation>& rows) {
    rows.push_back({.method = Method::Post,
                    .path = "/v1/topics/{topic}/messages",
                    .role = Role::Publisher,
                    .summary = "Publish one message or a batch, by media type",
                    .text = "`application/json` is one payload, `application/x-ndjson` one a line, "
                            "CloudEvents are taken apart, and any "
                            "other type is stored as `b64`. A batch is taken as far as it is good: "
                            "`rejected` names the rest. The same "
                            "`Idempotency-Key` on the same topic within 10 minutes adds nothing "
                            "and gives the first answer.",
                    .parameters = {kAck,
                                   {.name = "envelopes",
                                    .text = "NDJSON: each line is `{\"topic\",\"data\",…}`",
                                    .is = Is::Flag},
                                   {.name = "key", .text = "Entity inside the topic", .max = 1024},
                                   {.name = "kind",
                                    .text = "Kind of the messages",
                                    .is = Is::Word,
                                    .words = "set|delete|retract|snapshot",
                                    .standard = "set"},
                                   {.name = "sts",
                                    .text = "The source's own time, µs since 1970",
                                    .is = Is::Integer,
                                    .min = INT64_MIN},
                                   kDryRun},
                    .headers = {"Idempotency-Key", "traceparent"},
                    .bodies = {{kJson, "Any", R"({"hello":"world"})"},
                               {kLines, "Lines", ""},
                               {"application/cloudevents+json", "CloudEvent", ""},
                               {"application/cloudevents-batch+json", "CloudEvents", ""},
                               {"*/*", "", ""}},
                    .body_required = true,
                    .answers = {{200, kJson, "Published", "What was taken"},
                                {422, kJson, "Published", "Nothing of a batch was taken"}},
                    .problems = {"key-reused", "store-full", "draining", "peer-timeout"},
                    .example = "/v1/topics/demo.greeting/messages"});
    rows.push_back({.method = Method::Post,
                    .path = "/v1/in/{source}",
                    .role = Role::None,
                    .summary = "Push a body into a webhook source",
                    .text = "The source's mapping, duplicate check and signature check apply. "
                            "Without a signature the role P is "
                            "needed. Query parameters are let through unread.",
                    .any_parameters = true,
                    .bodies = {{"*/*", "", ""}},
                    .answers = {{200, kJson, "Published", "What was taken"}},
                    .problems = {"forbidden", "store-full", "draining", "overloaded"}});
}

void add_streams(std::vector<Operation>& rows) {
    rows.push_back(
        {.path = "/v1/stream",
         .role = Role::Subscriber,
         .summary = "Messages as they come: WebSocket, server-sent events or NDJSON",
         .text = "A WebSocket if the connection is upgraded, server-sent events with `Accept: "
                 "text/event-stream`, else NDJSON. "
                 "With `to` or `limit` the stream ends by itself.",
         .parameters = {kTopics,
                        kFrom,
                        kTo,
                        {.name = "limit",
                         .text = "Messages after which the stream ends",
                         .is = Is::Integer,
                         .min = 1},
                        kFormat,
                        kFields,
                        {.name = "mode",
                         .text = "Every message, the newest of each key each period, or every nth",
                         .is = Is::Word,
                         .words = "all|latest|sample",
                         .standard = "all"},
                        {.name = "every",
                         .text = "Period of `mode=latest`: 250ms to 1h",
                         .is = Is::Duration,
                         .standard = "1s"},
                        {.name = "n",
                         .text = "Of `mode=sample`",
                         .is = Is::Integer,
                         .min = 1,
                         .max = 1'000'000},
                        kFilter,
                        {.name = "slow",
                         .text = "What happens when the listener falls behind",
                         .is = Is::Word,
                         .words = "catchup|drop|close",
                         .standard = "catchup"},
                        kOnGap,
                        {.name = "batch",
                         .text = "Milliseconds to gather messages for one frame, up to 10,000",
                         .is = Is::Milliseconds,
                         .standard = "0"},
                        {.name = "hb",
                         .text = "Heartbeat when idle: 0, or 1s to 1h",
                         .is = Is::Duration,
                         .standard = "0 for WebSocket, else 15s"},
                        {.name = "last_event_id",
                         .text = "A cursor; it overrides `from`",
                         .max = 512}},
         .headers = {"Last-Event-ID"},
         .answers = {{200, kLines, "Lines", "One message a line"},
                     {200, "text/event-stream", "Text",
                      "`id:` is the cursor, `event:` names control objects"},
                     {101, "", "", "A WebSocket: one message a frame"}},
         .problems = {"bad-cursor", "cursor-too-old", "draining", "overloaded"},
         .streams = true,
         .example = "/v1/stream?topics=demo.>&from=earliest&limit=1"});
    rows.push_back(
        {.path = "/v1/ws",
         .role = Role::None,
         .summary = "The WebSocket protocol anode.v1",
         .text = "A credential may come with the handshake or with `hello`. See asyncapi.json.",
         .answers = {{101, "", "", "A WebSocket"}},
         .problems = {"draining"},
         .streams = true});
    rows.push_back(
        {.path = "/v1/push",
         .role = Role::Publisher,
         .summary = "WebSocket that takes each frame as a payload",
         .text = "With `ack` each frame is answered by `{\"op\":\"ok\",\"n\":1,\"id\":\"…\"}`.",
         .parameters = {{.name = "topic",
                         .text = "The topic to publish to",
                         .max = 255,
                         .example = "demo.greeting",
                         .required = true},
                        kAck},
         .answers = {{101, "", "", "A WebSocket"}},
         .problems = {"bad-topic", "draining"},
         .streams = true});
}

}  // namespace

void add_data(std::vector<Operation>& rows) {
    add_topics(rows);
    add_history_rows(rows);
    add_publish_rows(rows);
    add_streams(rows);
}

}  // namespace anode::api::table
