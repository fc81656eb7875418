#include <CLI/CLI.hpp>
#include <map>
#include <memory>

#include "app/cli/commands.hpp"
#include "base/text.hpp"

namespace anode::app {
namespace {

std::string member(const json::Value& value, std::string_view name) {
    return name.empty() ? cell(value) : cell(value.find(name));
}

/// One screen: the cluster, its nodes, the sources that need a look.
int status(const Shell& shell) {
    const Client client = shell.client();
    const Output out = shell.out();
    const auto cluster = client.get("/v1/cluster");
    if (!cluster || out.as != OutputAs::Table) return out.show(cluster, {});
    const auto nodes = client.get("/v1/nodes");
    const auto sources = client.get("/v1/sources?limit=1000");
    if (!nodes) return Output::trouble(nodes.error());
    if (!sources) return Output::trouble(sources.error());
    json::Document of_cluster, of_nodes, of_sources;
    if (!of_cluster.parse(cluster->body) || !of_nodes.parse(nodes->body) ||
        !of_sources.parse(sources->body))
        return Output::trouble({exit_code::kFailed, "an answer is no JSON"});
    Output::line("cluster " + member(of_cluster.root(), "name"));
    const json::Value node_items = of_nodes.root()["items"];
    for (json::Value node = node_items.first(); node; node = node.next_in(node_items))
        Output::line("node    " + member(node, "name") + "  " + member(node, "id") + "  " +
                     member(node, "state") + "  " + member(node, "version"));
    std::map<std::string, std::uint64_t> states;
    double rate = 0;
    std::vector<std::string> troubled;
    const json::Value items = of_sources.root()["items"];
    for (json::Value source = items.first(); source; source = source.next_in(items)) {
        const std::string state = member(source, "state");
        ++states[state];
        rate += source["messages_per_second"].number().value_or(0);
        if ((state == "failed" || state == "backoff" || state == "stale" || state == "limited") &&
            troubled.size() < 10)
            troubled.push_back("  " + member(source, "name") + "  " + state + "  " +
                               member(source["last_error"], "detail"));
    }
    std::string line = "sources";
    for (const auto& [state, count] : states) line += "  " + std::to_string(count) + " " + state;
    Output::line(line + "  " + std::to_string(static_cast<std::uint64_t>(rate)) + " messages/s");
    for (const std::string& one : troubled) Output::line(one);
    return exit_code::kDone;
}

int health(const Shell& shell, bool ready) {
    const auto answer = shell.client().get(ready ? "/readyz" : "/livez");
    if (!answer) return Output::trouble(answer.error());
    shell.out().remark(ready ? "ready" : "live");
    return exit_code::kDone;
}

struct Look {
    const char* name;
    const char* words;
    const char* path;
    std::vector<Output::Column> columns;
};

const std::vector<Look>& looks() {
    static const std::vector<Look> all{
        {"listeners",
         "Who listens to what",
         "/v1/listeners",
         {{"ID", "id"},
          {"TRANSPORT", "transport"},
          {"ADDRESS", "address"},
          {"TOPICS", "topics"},
          {"MODE", "mode"},
          {"SENT", "sent"},
          {"LAG", "lag"}}},
        {"gaps",
         "The ledger of holes",
         "/v1/gaps",
         {{"AT", "at"},
          {"GAP", "gap"},
          {"SCOPE", "scope"},
          {"SOURCE", "source"},
          {"REASON", "reason"},
          {"CAUSE", "cause"},
          {"LOST", "lost"}}},
        {"alerts",
         "Open alerts",
         "/v1/alerts",
         {{"ID", "id"}, {"NAME", "name"}, {"SEVERITY", "severity"}, {"STATE", "state"}}},
        {"audit",
         "Who changed what",
         "/v1/audit",
         {{"AT", "at"}, {"ACTOR", "actor"}, {"ACTION", "action"}, {"OBJECT", "object"}}},
        {"events",
         "The timeline of state changes",
         "/v1/events",
         {{"AT", "at"},
          {"KIND", "kind"},
          {"SOURCE", "source"},
          {"FROM", "from"},
          {"TO", "to"},
          {"WHY", "why"}}},
    };
    return all;
}

}  // namespace

void add_look_commands(CLI::App& app, Shell& shell) {
    app.add_subcommand("status", "One screen about the cluster")->callback([&shell] {
        shell.chosen = [&shell] { return status(shell); };
    });

    auto ready = std::make_shared<bool>(false);
    auto* probe = app.add_subcommand("health", "A probe for containers: the exit code tells");
    auto live = std::make_shared<bool>(false);
    auto* live_flag = probe->add_flag("--live", *live, "The process works (default)");
    probe->add_flag("--ready", *ready, "It takes traffic")->excludes(live_flag);
    probe->callback([&shell, ready, live] {
        shell.chosen = [&shell, ready] { return health(shell, *ready); };
    });

    for (const Look& look : looks()) {
        app.add_subcommand(look.name, look.words)->callback([&shell, &look] {
            shell.chosen = [&shell, &look] {
                return shell.out().show(shell.client().get(look.path), look.columns);
            };
        });
    }
    app.add_subcommand("storage", "Sizes and state of the store")->callback([&shell] {
        shell.chosen = [&shell] {
            return shell.out().show_object(shell.client().get("/v1/storage"));
        };
    });
    app.add_subcommand("reload", "Reload the node's configuration")->callback([&shell] {
        shell.chosen = [&shell] {
            return shell.out().show_object(shell.client().call("POST", "/v1/config:reload"));
        };
    });
    auto* tokens = app.add_subcommand("tokens", "Access tokens");
    tokens->require_subcommand(1);
    tokens->add_subcommand("ls", "List them")->callback([&shell] {
        shell.chosen = [&shell] {
            return shell.out().show(shell.client().get("/v1/tokens"), {{"ID", "id"},
                                                                       {"NAME", "name"},
                                                                       {"ROLES", "roles"},
                                                                       {"TOPICS", "topics"},
                                                                       {"EXPIRES", "expires"}});
        };
    });
}

}  // namespace anode::app
