#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "api/table/documents.hpp"
#include "app/cli/commands.hpp"
#include "app/config/config.hpp"
#include "app/demo/demo.hpp"
#include "app/run.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "store/store.hpp"

extern char** environ;

namespace anode::app {
namespace {

std::vector<std::pair<std::string, std::string>> environment() {
    std::vector<std::pair<std::string, std::string>> all;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const auto equals = text.find('=');
        if (equals != std::string_view::npos)
            all.emplace_back(text.substr(0, equals), text.substr(equals + 1));
    }
    return all;
}

int complain(const std::vector<ConfigComplaint>& complaints) {
    for (const ConfigComplaint& complaint : complaints) {
        const std::string key = complaint.key.empty() ? "" : complaint.key + ": ";
        const std::string line = complaint.place + ": " + key + complaint.detail;
        std::fprintf(stderr, "%s\n", text::printable(line).c_str());
    }
    return exit_code::kBadConfig;
}

struct RunFlags {
    std::string file;
    std::vector<std::string> sets;
    bool check = false;
    bool offline = false;
};

Config::From from_of(const RunFlags& flags) { return {flags.file, environment(), flags.sets}; }

int run(const RunFlags& flags) {
    const Config::From from = from_of(flags);
    auto config = Config::load(from);
    if (!config) return complain(config.error());
    if (flags.check) return exit_code::kDone;
    return run_node({std::move(*config), from, {}});
}

int check_config(const Shell& shell, const std::string& file) {
    auto config = Config::load({file, {}, {}});
    if (!config) return complain(config.error());
    shell.out().remark(file + ": good");
    return exit_code::kDone;
}

int show_config(const Shell& shell, bool origin) {
    std::vector<Output::Column> columns{{"KEY", "key"}, {"VALUE", "value"}};
    if (origin) columns.push_back({"ORIGIN", "origin"});
    return shell.out().show(shell.client().get("/v1/config"), columns);
}

/// What the file says otherwise than the running node.
int diff_config(const Shell& shell, const std::string& file) {
    auto config = Config::load({file, environment(), {}});
    if (!config) return complain(config.error());
    const auto answer = shell.client().get("/v1/config");
    if (!answer) return Output::trouble(answer.error());
    json::Document running;
    if (!running.parse(answer->body))
        return Output::trouble({exit_code::kFailed, "the answer is no JSON"});
    const json::Value items = running.root()["items"];
    for (json::Value item = items.first(); item; item = item.next_in(items)) {
        const auto found = config->settings().find(item["key"].string());
        if (found == config->settings().end() || found->second.json == item["value"].raw() ||
            item["value"].find("secret"))
            continue;
        Output::line(found->first + "\t" + std::string(item["value"].raw()) + "\t" +
                     found->second.json);
    }
    return exit_code::kDone;
}

int version(const Shell& shell) {
    if (shell.out().as == OutputAs::Table) {
        Output::line(std::string("anode ") + kVersion);
        return exit_code::kDone;
    }
    std::string json;
    json::Writer out(json);
    out.begin_object()
        .member("version", kVersion)
        .member("wire", 1)
        .member("disk", static_cast<std::uint64_t>(kDiskVersion))
        .end_object();
    Output::line(json);
    return exit_code::kDone;
}

void add_run_options(CLI::App& command, RunFlags& flags) {
    command.add_option("-c,--config", flags.file, "Configuration file (TOML)");
    command.add_option("--set", flags.sets, "key=value, over file and environment")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

}  // namespace

void add_node_commands(CLI::App& app, Shell& shell) {
    auto flags = std::make_shared<RunFlags>();
    auto* run_command =
        app.add_subcommand("run", "Run a node; without a file: on loopback with ./anode-data");
    add_run_options(*run_command, *flags);
    run_command->add_flag("--check", flags->check, "Only check the configuration");
    run_command->callback([&shell, flags] { shell.chosen = [flags] { return run(*flags); }; });

    auto demo_flags = std::make_shared<RunFlags>();
    auto* demo = app.add_subcommand(
        "demo", "Run a node with a built-in feed simulator: more than a hundred live sources");
    add_run_options(*demo, *demo_flags);
    demo->add_flag("--offline", demo_flags->offline, "Only the simulator, no public feeds");
    demo->callback([&shell, demo_flags] {
        shell.chosen = [demo_flags] {
            return run_demo({from_of(*demo_flags), demo_flags->offline});
        };
    });

    auto* config = app.add_subcommand("config", "Check, show, explain the configuration");
    config->require_subcommand(1);
    auto file = std::make_shared<std::string>("/etc/anode/anode.toml");
    auto* check = config->add_subcommand("check", "Names every mistake by file:line:column");
    check->add_option("file", *file);
    check->callback(
        [&shell, file] { shell.chosen = [&shell, file] { return check_config(shell, *file); }; });
    auto origin = std::make_shared<bool>(false);
    auto* show = config->add_subcommand("show", "Effective values of a running node");
    show->add_flag("--origin", *origin, "Where each value comes from");
    show->callback([&shell, origin] {
        shell.chosen = [&shell, origin] { return show_config(shell, *origin); };
    });
    auto* diff = config->add_subcommand("diff", "Key, running value, value of the file");
    diff->add_option("file", *file);
    diff->callback(
        [&shell, file] { shell.chosen = [&shell, file] { return diff_config(shell, *file); }; });
    const auto print = [&shell](std::string (*make)()) {
        return [&shell, make] {
            shell.chosen = [make] {
                std::fputs(make().c_str(), stdout);
                return exit_code::kDone;
            };
        };
    };
    config->add_subcommand("init", "A commented sample")->callback(print(config_sample));
    config->add_subcommand("docs", "Every key with its default")->callback(print(config_reference));

    auto* api = app.add_subcommand("api", "What can be asked of a node, without one");
    api->require_subcommand(1);
    api->add_subcommand("docs", "Every path with its parameters")
        ->callback(print(api::api_reference));
    api->add_subcommand("openapi", "OpenAPI 3.1")->callback(print([] {
        return std::string(api::openapi_json(kVersion, {}));
    }));
    api->add_subcommand("asyncapi", "AsyncAPI 3.0")->callback(print([] {
        return std::string(api::asyncapi_json(kVersion, {}));
    }));

    app.add_subcommand("version", "Version of program, wire and disk")->callback([&shell] {
        shell.chosen = [&shell] { return version(shell); };
    });
}

}  // namespace anode::app
