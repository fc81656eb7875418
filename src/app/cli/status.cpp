#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <map>

#include "app/cli/commands.hpp"

/// `anode status`: the whole cluster on one screen, from any of its nodes.
namespace anode::app {
namespace {

using Row = std::vector<std::string>;

std::string number(double value, const char* format) {
    char text[32];
    (void)std::snprintf(text, sizeof text, format, value);
    return text;
}

/// Three digits are enough to see whether something is wrong.
std::string size_of(const json::Value& value) {
    const auto bytes = value.number();
    if (!bytes) return "-";
    constexpr std::array<const char*, 5> kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
    double left = *bytes;
    std::size_t unit = 0;
    for (; left >= 1000 && unit + 1 < kUnits.size(); ++unit) left /= 1024;
    return number(left, unit == 0 || left >= 100 ? "%.0f" : "%.1f") + " " + kUnits[unit];
}

std::string state_of(const json::Value& node) {
    std::string state = cell(node["state"]);
    if (node["suspect"].boolean().value_or(false)) state = "suspect";
    if (node["draining"].boolean().value_or(false) && state != "dead" && state != "left")
        state += ", draining";
    return state;
}

/// Live ones of those that run there.
std::string sources_of(const json::Value& node) {
    if (!node["sources_owned"].number()) return "-";
    return cell(node["sources_live"]) + "/" + cell(node["sources_owned"]);
}

std::string health_of(const json::Value& node) {
    const auto score = node["health_score"].number();
    if (!score) return "-";
    return *score == 0 ? "ok" : "late (" + cell(node["health_score"]) + ")";
}

std::string decimal(const json::Value& value, const char* format) {
    const auto given = value.number();
    return given ? number(*given, format) : "-";
}

Row row_of(const json::Value& node) {
    const json::Value load = node["load"], disk = node["disk"];
    return {cell(node["name"]) + (node["self"].boolean().value_or(false) ? " *" : ""),
            cell(node["id"]),
            state_of(node),
            cell(node["version"]),
            sources_of(node),
            cell(node["listeners"]),
            cell(load["in_per_second"]),
            size_of(disk["store"]),
            size_of(disk["free"]),
            decimal(load["cpu"], "%.2f"),
            size_of(load["memory_bytes"]),
            cell(node["links"]),
            health_of(node),
            decimal(node["clock_offset_ms"], "%.1f")};
}

void show_nodes(const json::Value& members) {
    std::vector<Row> rows{{"NODE", "ID", "STATE", "VERSION", "LIVE/SOURCES", "LISTENERS", "IN/S",
                           "STORE", "FREE", "CPU", "MEMORY", "LINKS", "GOSSIP", "CLOCK MS"}};
    for (json::Value node = members.first(); node; node = node.next_in(members))
        rows.push_back(row_of(node));
    Output::table(rows);
}

void show_sources(const json::Value& items) {
    std::map<std::string, std::uint64_t> states;
    double rate = 0;
    std::vector<std::string> troubled;
    for (json::Value source = items.first(); source; source = source.next_in(items)) {
        const std::string state = cell(source["state"]);
        ++states[state];
        rate += source["messages_per_second"].number().value_or(0);
        if ((state == "failed" || state == "backoff" || state == "stale" || state == "limited") &&
            troubled.size() < 10)
            troubled.push_back("  " + cell(source["name"]) + "  " + state + "  on " +
                               cell(source["owner_name"]) + "  " +
                               cell(source["last_error"]["detail"]));
    }
    std::string line = "sources";
    for (const auto& [state, count] : states) line += "  " + std::to_string(count) + " " + state;
    Output::line(line + "  " + std::to_string(static_cast<std::uint64_t>(rate)) + " messages/s");
    for (const std::string& one : troubled) Output::line(one);
}

int status(const Shell& shell) {
    const Client client = shell.client();
    const Output out = shell.out();
    const auto cluster = client.get("/v1/cluster?members=1");
    if (!cluster || out.as == OutputAs::Json) return out.show(cluster, {});
    json::Document of_cluster, of_sources;
    if (!of_cluster.parse(cluster->body))
        return Output::trouble({exit_code::kFailed, "an answer is no JSON"});
    const json::Value root = of_cluster.root();
    if (out.as == OutputAs::Ndjson) {  // a node a line
        const json::Value members = root["members"];
        for (json::Value node = members.first(); node; node = node.next_in(members))
            Output::line(node.raw());
        return exit_code::kDone;
    }
    const auto sources = client.get("/v1/sources?limit=1000");
    if (!sources) return Output::trouble(sources.error());
    if (!of_sources.parse(sources->body))
        return Output::trouble({exit_code::kFailed, "an answer is no JSON"});
    Output::line("cluster " + cell(root["name"]) + "  " + cell(root["state"]) + "  " +
                 cell(root["nodes"]["alive"]) + " alive  " + cell(root["nodes"]["dead"]) +
                 " dead  " + cell(root["topics"]) + " topics");
    show_nodes(root["members"]);
    show_sources(of_sources.root()["items"]);
    return exit_code::kDone;
}

}  // namespace

void add_status_command(CLI::App& app, Shell& shell) {
    app.add_subcommand("status", "The whole cluster on one screen")->callback([&shell] {
        shell.chosen = [&shell] { return status(shell); };
    });
}

}  // namespace anode::app
