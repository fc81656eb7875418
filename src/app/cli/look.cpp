#include <CLI/CLI.hpp>
#include <memory>

#include "app/cli/commands.hpp"

namespace anode::app {
namespace {

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
