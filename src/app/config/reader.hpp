#pragma once

#include <set>
#include <string>
#include <vector>

#include "app/config/config.hpp"
#include "app/config/keys.hpp"
#include "app/config/toml.hpp"
#include "core/pipeline/pipeline.hpp"

namespace anode::app {

/// Puts files, environment and flags on top of each other and collects every complaint on the way.
class ConfigReader {
public:
    ConfigReader();

    void read_file(const std::string& path);
    void read_text(std::string_view toml, const std::string& name);
    void read_environment(const std::vector<std::pair<std::string, std::string>>& environment);
    void read_sets(const std::vector<std::string>& sets);
    /// Checks what only shows when all is there.
    std::expected<Config, std::vector<ConfigComplaint>> finish();

private:
    void read_table(const TomlNode& table, const std::string& prefix);
    void take(const KeyRow& row, const TomlNode& value, std::string origin,
              const std::string& place);
    void take_reference(const KeyRow& row, const TomlNode& value, std::string origin,
                        const std::string& place);
    void unknown(const std::string& prefix, const TomlNode::Member& member);
    void read_sources(const TomlNode& value);
    void read_pipelines(const TomlNode& value);
    void read_retention(const TomlNode& value);
    void read_assignment(std::string_view key, std::string_view text, const std::string& place,
                         std::string origin);
    /// The tables of `[[name]]`; complains if it is none.
    const std::vector<TomlNode>* tables(const std::string& name, const TomlNode& value);
    void complain(std::string place, std::string key, std::string detail);

    Config config_;
    std::vector<ConfigComplaint> complaints_;
    std::set<std::string> source_names_, pipeline_names_, retention_names_;
    pipeline::Pipelines chain_;  ///< those declared so far: whoever closes a loop is told
    std::map<std::string, std::string> places_;  ///< where each key was set
};

}  // namespace anode::app
