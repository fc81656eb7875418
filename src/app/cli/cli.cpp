#include "app/cli/cli.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/cli/commands.hpp"
#include "base/text.hpp"
#include "base/version.hpp"

namespace anode::app {

Duration Shell::patience() const {
    return timeout.empty() ? Duration(10s) : text::parse_duration(timeout).value_or(10s);
}

Client Shell::client() const { return Client(find_target(url, token, patience())); }

Output Shell::out() const {
    Output out;
    out.quiet = quiet;
    if (output == "json" || json) out.as = OutputAs::Json;
    if (output == "ndjson") out.as = OutputAs::Ndjson;
    return out;
}

namespace {

std::string good_duration(const std::string& text) {
    return text::parse_duration(text) ? std::string() : "is no duration such as 10s";
}

void add_common_options(CLI::App& app, Shell& shell) {
    app.add_option("--url", shell.url,
                   "The node to talk to, such as http://127.0.0.1:7945 (or ANODE_URL)");
    app.add_option("--token", shell.token, "Token (or ANODE_TOKEN)");
    app.add_option("-o,--output", shell.output, "json or ndjson: the API's own objects")
        ->check(CLI::IsMember({"json", "ndjson", "table"}));
    app.add_flag("--json", shell.json, "The same as -o json");
    app.add_option("--timeout", shell.timeout, "Longest wait, such as 10s")->check(good_duration);
    app.add_flag("-q,--quiet", shell.quiet, "No remarks");
    app.add_flag("--no-color", shell.no_color,
                 "No colour (there is none yet; NO_COLOR is honoured too)");
}

}  // namespace

int run_cli(int argc, char** argv) {
    Shell shell;
    CLI::App app("aNode: a hub for live data", "anode");
    app.require_subcommand(1);
    app.fallthrough();
    app.set_version_flag("--version", std::string("anode ") + kVersion);
    add_common_options(app, shell);
    add_node_commands(app, shell);
    add_data_commands(app, shell);
    add_source_commands(app, shell);
    add_status_command(app, shell);
    add_look_commands(app, shell);
    add_cluster_commands(app, shell);
    add_access_commands(app, shell);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& success) {
        return app.exit(success);
    } catch (const CLI::ParseError& wrong) {
        std::fprintf(stderr, "anode: %s\nanode: see `anode --help`\n", wrong.what());
        return exit_code::kWrongUse;
    }
    const int code = shell.chosen ? shell.chosen() : exit_code::kWrongUse;
    std::fflush(stdout);
    return code;
}

}  // namespace anode::app
