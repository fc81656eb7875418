#include "api/table/parameters.hpp"

/// Rows of stored objects: sources, pipelines, retention rules. Source: interfaces, sections 9 and 10.
namespace anode::api::table {

using namespace parameter;

namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kPatch = "application/merge-patch+json";

/// What the rows of a kind have in common. All texts are literals: a row only points to them.
struct Kind {
    std::string_view list, one, schema_path = {};
    std::string_view list_summary, get_summary, put_summary, post_summary = {}, patch_summary = {},
                                                             delete_summary, schema_summary = {};
    std::string_view definition, document, page, example;
    Role write = Role::Operator;
    std::vector<Parameter> filters = {};
};

constexpr std::string_view kConditions =
    "Objects of a cluster converge by the last writer; `If-Match` refuses to overwrite what was "
    "changed meanwhile.";

Operation write_row(const Kind& kind, Method method, std::string_view path,
                    std::string_view summary) {
    Operation row{.method = method,
                  .path = path,
                  .role = kind.write,
                  .summary = summary,
                  .text = kConditions,
                  .parameters = {kDryRun, kWait, kTimeout},
                  .headers = {"If-Match", "If-None-Match"},
                  .bodies = {{kJson, kind.definition, kind.example}},
                  .body_required = true,
                  .answers = {{200, kJson, kind.document,
                               "The object as it is now, or with `dry_run` would be"}},
                  .problems = {"conflict", "stale-version", "address-blocked", "store-full"}};
    if (method != Method::Patch) {
        row.answers.push_back({201, kJson, kind.document, "Created"});
        row.problems.emplace_back("exists");
    }
    if (method == Method::Patch) {
        row.headers = {"If-Match"};
        row.bodies = {{kPatch, "Patch", ""}, {kJson, "Patch", ""}};
    }
    if (method == Method::Post) row.headers.clear();
    return row;
}

void add_reads(std::vector<Operation>& rows, const Kind& kind) {
    std::vector<Parameter> parameters{kLimit, kAfter};
    parameters.insert(parameters.end(), kind.filters.begin(), kind.filters.end());
    rows.push_back({.path = kind.list,
                    .role = Role::Viewer,
                    .summary = kind.list_summary,
                    .parameters = std::move(parameters),
                    .answers = {{200, kJson, kind.page, "A page, by name"}},
                    .example = kind.list});
    rows.push_back({.path = kind.one,
                    .role = Role::Viewer,
                    .summary = kind.get_summary,
                    .headers = {"If-None-Match"},
                    .answers = {{200, kJson, kind.document, "The object; `ETag` is its version"},
                                {304, "", "", "Not changed"}}});
    if (!kind.schema_path.empty())
        rows.push_back({.path = kind.schema_path,
                        .role = Role::Viewer,
                        .summary = kind.schema_summary,
                        .answers = {{200, kJson, "Any", "JSON Schema 2020-12"}}});
}

void add_kind(std::vector<Operation>& rows, const Kind& kind) {
    add_reads(rows, kind);
    rows.push_back(write_row(kind, Method::Put, kind.one, kind.put_summary));
    if (!kind.post_summary.empty())
        rows.push_back(write_row(kind, Method::Post, kind.list, kind.post_summary));
    if (!kind.patch_summary.empty())
        rows.push_back(write_row(kind, Method::Patch, kind.one, kind.patch_summary));
    rows.push_back(
        {.method = Method::Delete,
         .path = kind.one,
         .role = kind.write,
         .summary = kind.delete_summary,
         .parameters = {kDryRun, kWait, kTimeout},
         .headers = {"If-Match"},
         .answers = {{204, "", "", "Removed"},
                     {200, kJson, "Pending",
                      "Removed, but not everywhere in time; or with `dry_run` the object"}},
         .problems = {"conflict", "stale-version"}});
}

Parameter filter(std::string_view name, std::string_view text) {
    return {.name = name, .text = text, .max = 255};
}

void add_sources(std::vector<Operation>& rows) {
    add_kind(rows, {.list = "/v1/sources",
                    .one = "/v1/sources/{name}",
                    .schema_path = "/v1/sources:schema",
                    .list_summary =
                        "All sources with state, owner, rate, lag, last message and last error",
                    .get_summary = "One source: its definition and its state",
                    .put_summary = "Create or replace a source",
                    .post_summary = "Create a source",
                    .patch_summary = "Change a source (merge patch)",
                    .delete_summary = "Remove a source",
                    .schema_summary = "JSON Schema of a source definition",
                    .definition = "SourceDefinition",
                    .document = "Source",
                    .page = "SourcePage",
                    .example = R"({"name":"ticks","type":"test","topic":"demo.ticks"})",
                    .filters = {filter("state", "Only sources in this state"),
                                filter("type", "Only sources of this type"),
                                filter("owner", "Only sources that this node runs"),
                                filter("origin", "`api`, or the file and line"),
                                filter("enabled", "`true` or `false`")}});
    // Rates and counts of a source are known to the node that runs it: it can be asked from any other.
    for (Operation& row : rows)
        if (row.method == Method::Get && row.path == "/v1/sources/{name}")
            row.parameters.push_back(kNode);
    struct Verb {
        std::string_view path, summary;
    };
    for (const Verb verb :
         {Verb{"/v1/sources/{name}:enable", "Let a source run"},
          Verb{"/v1/sources/{name}:disable", "Stop a source"},
          Verb{"/v1/sources/{name}:restart", "Connect a source anew"},
          Verb{"/v1/sources/{name}:move", "Pin a source to a node, or unpin it"}}) {
        const bool move = verb.path.ends_with("move");
        rows.push_back(
            {.method = Method::Post,
             .path = verb.path,
             .role = Role::Operator,
             .summary = verb.summary,
             .parameters = {kDryRun},
             .bodies = {{kJson, move ? std::string_view("Move") : std::string_view("Empty"),
                         move ? std::string_view(R"({"node":"n-7f3a91000001"})")
                              : std::string_view()}},
             .body_required = move,
             .answers = {{200, kJson, "Source", "The source as it is now"}},
             .problems = {"conflict", "exists", "stale-version"}});
    }
    for (const Verb look :
         {Verb{"/v1/sources/{name}/events", "State changes of a source, newest first"},
          Verb{"/v1/sources/{name}/errors", "Classes of errors with count and sample"},
          Verb{"/v1/sources/{name}/items", "State of each subscription"},
          Verb{"/v1/sources/{name}/samples", "The last raw frames, secrets taken out"},
          Verb{"/v1/sources/{name}/history",
               "Earlier versions, lost updates among them, newest first"}})
        rows.push_back({.path = look.path,
                        .role = Role::Viewer,
                        .summary = look.summary,
                        .parameters = {kNode, kLimit, kAfter},
                        .answers = {{200, kJson, "Page", "A page"}}});
    rows.push_back({.method = Method::Post,
                    .path = "/v1/sources:test",
                    .role = Role::Operator,
                    .summary = "Try a source definition for up to 30 s; nothing is stored",
                    .text = "The answer tells the steps, up to 20 samples, mapped messages and "
                            "warnings. Six a minute for each token.",
                    .bodies = {{kJson, "SourceDefinition",
                                R"({"name":"ticks","type":"test","topic":"demo.ticks"})"}},
                    .body_required = true,
                    .answers = {{200, kJson, "TrialReport", "What happened"}},
                    .problems = {"address-blocked"},
                    .trial = true});
    rows.push_back(
        {.method = Method::Post,
         .path = "/v1/sources:probe",
         .role = Role::Operator,
         .summary = "Watch a URL for up to 60 s and propose a source definition",
         .text = "Six a minute for each token.",
         .bodies = {{kJson, "ProbeWish", R"({"url":"https://example.org/feed","seconds":10})"}},
         .body_required = true,
         .answers = {{200, kJson, "Any", "What was seen, and a definition"}},
         .problems = {"address-blocked"},
         .trial = true});
}

void add_pipelines(std::vector<Operation>& rows) {
    add_kind(
        rows,
        {.list = "/v1/pipelines",
         .one = "/v1/pipelines/{name}",
         .schema_path = "/v1/pipelines:schema",
         .list_summary = "All pipelines with their state",
         .get_summary = "One pipeline: its definition, state and earlier versions",
         .put_summary = "Create or replace a pipeline",
         .post_summary = "Create a pipeline",
         .patch_summary = "Change a pipeline (merge patch)",
         .delete_summary = "Remove a pipeline",
         .schema_summary = "JSON Schema of a pipeline definition",
         .definition = "PipelineDefinition",
         .document = "Pipeline",
         .page = "PipelinePage",
         .example =
             R"({"name":"big","input":"demo.trades","output":"demo.big","steps":[{"filter":".data.q > 5"}]})",
         .filters = {filter("state", "Only pipelines in this state"),
                     filter("owner", "Only pipelines of this node"),
                     filter("origin", "`api`, or the file and line"),
                     filter("enabled", "`true` or `false`")}});
    for (const std::string_view path : {"/v1/pipelines/{name}:test", "/v1/pipelines:test"})
        rows.push_back(
            {.method = Method::Post,
             .path = path,
             .role = Role::Operator,
             .summary =
                 path.find('{') == std::string_view::npos
                     ? std::string_view("Run messages through a given pipeline and show each step")
                     : std::string_view("Run messages through a pipeline and show each step"),
             .bodies = {{kJson, "PipelineTrial",
                         R"({"messages":[{"topic":"demo.trades","data":{"q":7}}]})"}},
             .body_required = true,
             .answers = {
                 {200, kJson, "PipelineTrialReport", "What each step made of each message"}}});
}

}  // namespace

void add_objects(std::vector<Operation>& rows) {
    add_sources(rows);
    add_pipelines(rows);
    add_kind(rows, {.list = "/v1/retention",
                    .one = "/v1/retention/{name}",
                    .list_summary = "Retention rules in the order in which they are tried",
                    .get_summary = "One retention rule",
                    .put_summary = "Create or replace a retention rule",
                    .delete_summary = "Remove a retention rule",
                    .definition = "RetentionRule",
                    .document = "Retention",
                    .page = "RetentionPage",
                    .example = R"({"name":"short","topics":"demo.>","age":"1h","bytes":"1GiB"})",
                    .write = Role::Admin,
                    .filters = {filter("origin", "`api`, `default`, or the file and line")}});
}

}  // namespace anode::api::table
