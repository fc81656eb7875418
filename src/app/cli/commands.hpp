#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/cli/client.hpp"
#include "app/cli/output.hpp"

namespace CLI {
class App;
}

namespace anode::app {

/// What every command has at hand. Options are filled by the parser before a command runs.
struct Shell {
    std::string url, token, output, timeout;
    bool json = false, quiet = false, no_color = false;
    std::function<int()> chosen;  ///< the command that was typed

    [[nodiscard]] Client client() const;
    [[nodiscard]] Output out() const;
    [[nodiscard]] bool timed() const noexcept { return !timeout.empty(); }
    [[nodiscard]] Duration patience() const;  ///< of --timeout, 10 s without
};

/// Each adds its commands to the parser.
void add_node_commands(CLI::App& app, Shell& shell);     ///< run, demo, config, version
void add_data_commands(CLI::App& app, Shell& shell);     ///< sub, pub, history, get, topics
void add_source_commands(CLI::App& app, Shell& shell);   ///< sources, pipelines
void add_status_command(CLI::App& app, Shell& shell);    ///< status
void add_look_commands(CLI::App& app, Shell& shell);     ///< health, listeners, …
void add_cluster_commands(CLI::App& app, Shell& shell);  ///< nodes, cluster, keys
void add_access_commands(CLI::App& app, Shell& shell);   ///< tokens (after `ls` was added), passwd

}  // namespace anode::app
