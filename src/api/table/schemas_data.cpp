#include "api/table/schema.hpp"

/// Documents that messages travel in, and those that every family uses.
namespace anode::api::table {

namespace {

void add_general(std::vector<Schema>& all) {
    all.push_back({.name = "Any", .text = "Any JSON", .raw = R"({"description":"Any JSON"})"});
    all.push_back({.name = "Text", .text = "Text", .raw = R"({"type":"string"})"});
    all.push_back({.name = "Binary",
                   .text = "Bytes",
                   .raw = R"({"type":"string","contentEncoding":"binary"})"});
    all.push_back({.name = "Lines",
                   .text = "One JSON document a line",
                   .raw = R"({"description":"One JSON document a line","type":"string"})"});
    all.push_back({.name = "Empty", .text = "Nothing, or an empty object", .closed = true});
    all.push_back({.name = "Patch",
                   .text = "A merge patch (RFC 7396)",
                   .raw = R"({"description":"A merge patch","type":"object"})"});
    all.push_back({.name = "Problem", .text = "What went wrong (RFC 9457)", .members = R"(
        type text `urn:anode:problem:` and the code
        title text The code in words
        status integer The HTTP status
        code text What went wrong, for programs
        detail text What went wrong, for people
        instance text The request's id, as in `X-Request-Id`
        errors [ProblemError] Which parts of the request are wrong
        retry_ms integer? When to try again)"});
    all.push_back(
        {.name = "ProblemError", .text = "One part of a request that is wrong", .members = R"(
        pointer text JSON pointer into the body, `/name` of a parameter, or `?name` of one that does not belong
        code text
        detail? text)"});
    all.push_back({.name = "Page", .text = "Part of a list", .members = R"(
        items [object]
        next text? The `after` of the next page)"});
    all.push_back({.name = "ByNode",
                   .text = "With `node=all`: one document for each node that answered",
                   .members = R"(
        items [object] What each node answered; `node` says which
        failed [NodeFailure] Nodes that did not)"});
    all.push_back({.name = "NodeFailure", .text = "A node that did not answer", .members = R"(
        node text
        code text As in a Problem)"});
    all.push_back({.name = "Pending", .text = "What is not everywhere yet", .members = R"(
        pending? [text] Nodes that did not have it in time)"});
}

void add_messages(std::vector<Schema>& all) {
    all.push_back(
        {.name = "Message",
         .text = "One event, as every listener gets it",
         .raw =
             R"({"description":"One event; with format=data any JSON instead","type":["object","array","string","number","boolean","null"],"properties":{)"
             R"("cursor":{"type":"string","maxLength":512,"description":"Position behind this message"},)"
             R"("id":{"type":"string","description":"Unique in the cluster; sorts by time"},)"
             R"("ts":{"type":"integer","description":"µs since 1970 when the cluster received it"},)"
             R"("src":{"type":"string"},"node":{"type":"string"},"topic":{"type":"string","maxLength":255},)"
             R"("data":{"description":"The payload"},"b64":{"type":"string","description":"A payload that is no JSON"},)"
             R"("ct":{"type":"string","description":"Media type of b64"},"key":{"type":"string"},)"
             R"("kind":{"enum":["set","delete","retract","snapshot"]},"sts":{"type":"integer","description":"The source's own time, µs"},)"
             R"("flags":{"type":"array","items":{"enum":["backfill","late","replay","partitioned","repeat"]}},"prov":{"type":"object"}}})"});
    all.push_back({.name = "MessagePage", .text = "Messages", .members = R"(
        items [Message]
        next text? The `after` of the next page
        resume? exact/overlap/gap How exactly a cursor was met)"});
    all.push_back(
        {.name = "CloudEvent",
         .text = "A CloudEvent 1.0 in its JSON form",
         .raw =
             R"({"type":"object","required":["specversion","id","source","type"],"properties":{"specversion":{"const":"1.0"},)"
             R"("id":{"type":"string","minLength":1},"source":{"type":"string","minLength":1},"type":{"type":"string","minLength":1},)"
             R"("subject":{"type":"string"},"time":{"type":"string","format":"date-time"},"datacontenttype":{"type":"string"},)"
             R"("data":{},"data_base64":{"type":"string"}}})"});
    all.push_back(
        {.name = "CloudEvents",
         .text = "A batch of CloudEvents",
         .raw = R"({"type":"array","items":{"$ref":"#/components/schemas/CloudEvent"}})"});
    all.push_back({.name = "Published", .text = "What was taken of a request", .members = R"(
        accepted integer
        rejected [Rejected]
        last text? Id of the last message
        ack text The level that was reached)"});
    all.push_back(
        {.name = "Rejected", .text = "A message of a batch that was not taken", .members = R"(
        line integer
        code text
        detail text)"});
    all.push_back({.name = "Purged", .text = "Messages that were removed", .members = R"(
        topic text
        before time
        purged flag)"});
    all.push_back(
        {.name = "TopicPage", .text = "Topics, or with `depth` branches of the tree", .members = R"(
        items [object] Topic or Branch
        next text?)"});
    all.push_back({.name = "Topic", .text = "One topic", .members = R"(
        topic text
        messages integer How many are kept
        bytes integer
        first time? Of the oldest that is kept
        last time? Of the newest
        messages_per_second number? Null until it has been looked at twice
        retention? object? The rule that holds
        last_message? any The newest message)"});
}

}  // namespace

void add_data_schemas(std::vector<Schema>& all) {
    add_general(all);
    add_messages(all);
}

}  // namespace anode::api::table
