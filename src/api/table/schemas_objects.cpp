#include "api/table/schema.hpp"
#include "core/pipeline/pipeline.hpp"
#include "core/source/grammar.hpp"

/// Documents of stored objects. What definitions may hold comes from those who read them.
namespace anode::api::table {

namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
}

/// A schema that stood for itself, as a part of a larger document.
Bytes embedded(std::string schema, std::string_view name) {
    replace_all(schema, R"("$schema":"https://json-schema.org/draft/2020-12/schema",)", "");
    replace_all(schema, R"("$id":"urn:anode:source",)", "");
    replace_all(schema, "#/$defs/", "#/components/schemas/" + std::string(name) + "/$defs/");
    return schema;
}

void add_sources(std::vector<Schema>& all) {
    all.push_back({.name = "SourceDefinition",
                   .text = "A source as it is written; see docs/recipes.md",
                   .raw = embedded(source::json_schema(), "SourceDefinition")});
    all.push_back({.name = "Source",
                   .text = "The members of the definition, secrets as "
                           "`{\"secret\":true,\"set\":true}`, and beside them its state",
                   .members = R"(
        name text
        type websocket/rest/sse/webhook/file/test
        enabled flag
        version integer Grows with each change
        origin text `api`, or the file and line that declare it
        owner text? The node that runs it
        role text What this node does for it
        candidates [text] Nodes in the order in which they would run it
        state text disabled, pending, connecting, subscribing, live, stale, backoff, limited, failed, draining, standby
        why text
        last_error object? `class`, `detail`, `at`
        last_message? time?
        lag_ms? integer? Our time minus the source's
        messages integer
        messages_per_second number
        counters? object)"});
    all.push_back({.name = "SourcePage", .text = "Sources", .members = R"(
        items [Source]
        next text?)"});
    all.push_back({.name = "Move",
                   .text = "Where a source shall run",
                   .members = R"(
        node text? A node's id or name; null: wherever there is room)",
                   .closed = true});
    all.push_back({.name = "ProbeWish",
                   .text = "What to watch",
                   .members = R"(
        url text<2048 `ws wss http https`
        seconds? integer 1 to 60, 10 without it
        send? [any] Up to 20 messages to send first)",
                   .closed = true});
    all.push_back({.name = "TrialReport", .text = "What became of a trial", .members = R"(
        name text
        state text
        why text
        steps [object] `what`, `state`, `detail`, `took_ms`
        items [object]
        samples [object] Raw frames, up to 20
        messages [object] As they would be published
        rejected [object]
        timeline [object]
        warnings [text]
        errors [object] `class`, `count`, `sample`)"});
}

void add_pipelines(std::vector<Schema>& all) {
    all.push_back({.name = "PipelineDefinition",
                   .text = "A pipeline as it is written; see docs/pipelines.md",
                   .raw = embedded(pipeline::json_schema(), "PipelineDefinition")});
    all.push_back({.name = "Pipeline",
                   .text = "The members of the definition, and beside them its state",
                   .members = R"(
        name text
        version integer
        origin text
        owner text
        state? running/disabled/failed
        last_error? text?
        slow_path? flag Whether an expression needs the slow evaluator
        counters? object
        history? [object] Earlier versions, lost updates among them)"});
    all.push_back({.name = "PipelinePage", .text = "Pipelines", .members = R"(
        items [Pipeline]
        next text?)"});
    all.push_back({.name = "PipelineTrial", .text = "Messages to run through", .members = R"(
        definition? PipelineDefinition Only without a name in the path
        messages [TrialMessage] At most 100)"});
    all.push_back({.name = "TrialMessage", .text = "A message that never happened", .members = R"(
        topic text<255
        data? any
        key? text
        ts? any Microseconds since 1970)"});
    all.push_back({.name = "PipelineTrialReport",
                   .text = "What each step made of each message",
                   .members = R"(
        results [object] `steps` and what came out)"});
}

void add_retention(std::vector<Schema>& all) {
    all.push_back({.name = "RetentionRule",
                   .text = "How long messages are kept",
                   .members = R"(
        name? text Must be that of the path
        topics text<8192 1 to 64 patterns, comma between
        age? text? Such as `7d`
        bytes? text? Such as `20GiB`)",
                   .closed = true});
    all.push_back({.name = "Retention", .text = "A retention rule that holds", .members = R"(
        name text
        topics text
        age text?
        bytes text?
        origin text
        version? integer
        history? [object])"});
    all.push_back({.name = "RetentionPage", .text = "Retention rules", .members = R"(
        items [Retention]
        next text?)"});
}

}  // namespace

void add_object_schemas(std::vector<Schema>& all) {
    add_sources(all);
    add_pipelines(all);
    add_retention(all);
}

}  // namespace anode::api::table
