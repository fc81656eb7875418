#include "app/config/reader.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/config/values.hpp"
#include "app/retention.hpp"
#include "base/text.hpp"
#include "core/pipeline/pipeline.hpp"
#include "core/source/grammar.hpp"

namespace anode::app {
namespace {

/// The names that may stand right below `prefix`.
std::vector<std::string_view> names_below(std::string_view prefix) {
    std::vector<std::string_view> names;
    for (const KeyRow& row : config_keys()) {
        std::string_view rest = row.key;
        if (!prefix.empty()) {
            if (!rest.starts_with(prefix) || rest.size() <= prefix.size() ||
                rest[prefix.size()] != '.')
                continue;
            rest.remove_prefix(prefix.size() + 1);
        }
        rest = rest.substr(0, rest.find('.'));
        if (std::ranges::find(names, rest) == names.end()) names.push_back(rest);
    }
    if (prefix.empty()) names.insert(names.end(), {"source", "pipeline", "retention"});
    return names;
}

bool is_table_name(std::string_view key) {
    return std::ranges::any_of(config_keys(), [&](const KeyRow& row) {
        return row.key.size() > key.size() && row.key.starts_with(key) &&
               row.key[key.size()] == '.';
    });
}

/// Secrets stay references; `log.level` may be a table of its own.
bool is_reference(const KeyRow& row, const TomlNode& value) {
    if (row.kind == ValueKind::Secret || row.kind == ValueKind::SecretOrNone ||
        row.kind == ValueKind::Level)
        return false;
    return value.type == TomlNode::Type::Table && value.members.size() == 1 &&
           (value.members[0].name == "env" || value.members[0].name == "file") &&
           value.members[0].value.type == TomlNode::Type::String;
}

/// What a variable or a file holds, without the line end; or why it cannot be had.
std::expected<std::string, std::string> referenced(const std::string& how,
                                                   const std::string& name) {
    constexpr std::size_t kBytesMax = 64 << 10;
    if (how == "env") {
        const char* value = std::getenv(name.c_str());
        if (value != nullptr) return std::string(value);
        return std::unexpected("the environment variable " + text::printable(name) + " is not set");
    }
    std::ifstream in(name, std::ios::binary);
    std::string text(kBytesMax + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (in.bad() || (!in && !in.eof()) || static_cast<std::size_t>(in.gcount()) > kBytesMax)
        return std::unexpected("the file " + text::printable(name) + " cannot be read");
    text.resize(static_cast<std::size_t>(in.gcount()));
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    return text;
}

bool loopback(std::string_view address) {
    const auto colon = address.rfind(':');
    std::string_view host = address.substr(0, colon);
    if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
    return host == "localhost" || host == "::1" || host.starts_with("127.");
}

}  // namespace

ConfigReader::ConfigReader() {
    for (const KeyRow& row : config_keys()) {
        Bytes json;
        if (row.fallback.empty()) {
            json = row.kind == ValueKind::SecretOrNone ? "null" : "\"\"";
        } else {
            json = std::string(row.fallback);
        }
        config_.settings_[std::string(row.key)] = {std::move(json), "default"};
    }
}

void ConfigReader::complain(std::string place, std::string key, std::string detail) {
    complaints_.push_back({std::move(place), std::move(key), std::move(detail)});
}

void ConfigReader::read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    if (!in || !(text << in.rdbuf())) {
        // An empty file sets failbit on the copy; tell it from one that cannot be read.
        std::error_code failed;
        if (!in || std::filesystem::file_size(path, failed) != 0 || failed)
            return complain(
                path, {},
                std::string("cannot be read: ") + std::strerror(errno == 0 ? EISDIR : errno));
    }
    if (config_.file.empty()) config_.file = path;
    read_text(text.str(), path);
}

void ConfigReader::read_text(std::string_view toml, const std::string& name) {
    const auto tree = parse_toml(toml, name);
    if (!tree) {
        complaints_.push_back(tree.error());
        return;
    }
    read_table(*tree, {});
}

void ConfigReader::read_table(const TomlNode& table, const std::string& prefix) {
    for (const TomlNode::Member& member : table.members) {
        const std::string key = prefix.empty() ? member.name : prefix + "." + member.name;
        if (prefix.empty() && member.name == "source")
            read_sources(member.value);
        else if (prefix.empty() && member.name == "pipeline")
            read_pipelines(member.value);
        else if (prefix.empty() && member.name == "retention")
            read_retention(member.value);
        else if (const KeyRow* row = find_key(key))
            take(*row, member.value, member.key.file + ":" + std::to_string(member.key.line),
                 member.value.spot.text());
        else if (!is_table_name(key))
            unknown(prefix, member);
        else if (member.value.type != TomlNode::Type::Table)
            complain(member.value.spot.text(), key,
                     "expects a table, not " + std::string(member.value.type_name()));
        else
            read_table(member.value, key);
    }
}

void ConfigReader::unknown(const std::string& prefix, const TomlNode::Member& member) {
    const auto names = names_below(prefix);
    std::string detail = "unknown key `" + text::printable(member.name) + "`";
    if (const auto near = text::nearest(member.name, names); !near.empty()) {
        detail += "; did you mean `" + std::string(near) + "`?";
    } else {
        detail += "; known here are";
        for (const auto& name : names)
            detail.append(&name == &names.front() ? " " : ", ").append(name);
    }
    complain(member.key.text(), prefix.empty() ? member.name : prefix + "." + member.name,
             std::move(detail));
}

void ConfigReader::take(const KeyRow& row, const TomlNode& value, std::string origin,
                        const std::string& place) {
    if (is_reference(row, value)) return take_reference(row, value, std::move(origin), place);
    if (const auto fault = check_value(row, value)) {
        complain(fault->spot.line > 0 ? fault->spot.text() : place, std::string(row.key),
                 fault->detail);
        return;
    }
    Bytes json;
    value.append_json(json);
    places_[std::string(row.key)] = place;
    config_.settings_[std::string(row.key)] = {std::move(json), std::move(origin)};
}

/// A value that stands elsewhere: read now and checked like any other, but never shown in a complaint.
void ConfigReader::take_reference(const KeyRow& row, const TomlNode& value, std::string origin,
                                  const std::string& place) {
    const TomlNode::Member& where = value.members.front();
    const auto text = referenced(where.name, where.value.text);
    if (!text) return complain(place, std::string(row.key), text.error());
    const auto read = value_from_text(row, *text);
    if (!read || is_reference(row, *read) || check_value(row, *read))
        return complain(place, std::string(row.key),
                        "what " + where.name + " " + text::printable(where.value.text) +
                            " holds is not " + std::string(describe(row.kind)));
    take(row, *read, std::move(origin), place);
}

const std::vector<TomlNode>* ConfigReader::tables(const std::string& name, const TomlNode& value) {
    const bool good = value.type == TomlNode::Type::Array &&
                      std::ranges::all_of(value.items, [](const TomlNode& item) {
                          return item.type == TomlNode::Type::Table;
                      });
    if (good) return &value.items;
    complain(value.spot.text(), name, "is written as [[" + name + "]], once for each");
    return nullptr;
}

void ConfigReader::read_sources(const TomlNode& value) {
    const auto* list = tables("source", value);
    if (list == nullptr) return;
    for (const TomlNode& table : *list) {
        Bytes json;
        table.append_json(json);
        const TomlNode* name = table.find("name");
        if (name != nullptr && !source_names_.insert(name->text).second)
            complain(name->spot.text(), "source/name",
                     "a second source is called `" + name->text + "`");
        const auto parsed = source::parse(std::string_view(json));
        if (parsed) {
            config_.sources.push_back(
                {std::move(json), table.spot.file + ":" + std::to_string(table.spot.line)});
            continue;
        }
        for (const auto& complaint : parsed.error()) {
            const bool of_key = complaint.detail.find("unknown") != std::string::npos;
            complain(table.place_of(complaint.pointer, of_key).text(), "source" + complaint.pointer,
                     complaint.detail);
        }
    }
}

void ConfigReader::read_pipelines(const TomlNode& value) {
    const auto* list = tables("pipeline", value);
    if (list == nullptr) return;
    for (const TomlNode& table : *list) {
        Bytes json;
        table.append_json(json);
        json::Document document;
        if (const auto read = document.parse(json); !read) {
            complain(table.spot.text(), "pipeline", read.error().what);
            continue;
        }
        const auto parsed = pipeline::parse(document.root());
        if (!parsed) {
            for (const auto& complaint : parsed.error()) {
                const bool of_key = complaint.detail.find("unknown") != std::string::npos;
                complain(table.place_of(complaint.pointer, of_key).text(),
                         "pipeline" + complaint.pointer, complaint.detail);
            }
            continue;
        }
        const std::string& name = pipeline::name_of(**parsed);
        if (!pipeline_names_.insert(name).second)
            complain(table.place_of("/name", false).text(), "pipeline/name",
                     "a second pipeline is called `" + name + "`");
        else if (const auto good = chain_.put(*parsed, {}); !good)
            complain(table.place_of("/output", false).text(), "pipeline/output", good.error().what);
        config_.pipelines.push_back(
            {std::move(json), table.spot.file + ":" + std::to_string(table.spot.line)});
    }
}

void ConfigReader::read_retention(const TomlNode& value) {
    const auto* list = tables("retention", value);
    if (list == nullptr) return;
    for (const TomlNode& table : *list) {
        Bytes json;
        table.append_json(json);
        json::Document document;
        if (!document.parse(json)) continue;
        const TomlNode* named = table.find("name");
        const std::string name = named != nullptr && named->type == TomlNode::Type::String
                                     ? named->text
                                     : "file-" + std::to_string(config_.retention.size() + 1);
        auto rule = parse_retention(name, document.root());
        if (named != nullptr && !retention_names_.insert(name).second)
            complain(named->spot.text(), "retention/name",
                     "a second rule is called `" + name + "`");
        if (rule) {
            config_.retention.push_back(std::move(*rule));
            continue;
        }
        for (const auto& error : rule.error().errors) {
            const bool of_key = error.detail.find("unknown") != std::string::npos;
            complain(table.place_of(error.pointer, of_key).text(), "retention" + error.pointer,
                     error.detail);
        }
    }
}

void ConfigReader::read_environment(
    const std::vector<std::pair<std::string, std::string>>& environment) {
    for (const auto& [name, value] : environment) {
        if (!name.starts_with("ANODE_") || name.find("__") == std::string::npos) continue;
        std::string key = text::lower(name.substr(6));
        for (std::size_t at = 0; (at = key.find("__", at)) != std::string::npos;)
            key.replace(at, 2, ".");
        read_assignment(key, value, "environment variable " + name, "env " + name);
    }
}

void ConfigReader::read_sets(const std::vector<std::string>& sets) {
    for (const std::string& set : sets) {
        const auto equals = set.find('=');
        if (equals == std::string::npos)
            complain("--set " + set, {}, "is written as --set key=value");
        else
            read_assignment(set.substr(0, equals), set.substr(equals + 1),
                            "--set " + set.substr(0, equals), "flag");
    }
}

void ConfigReader::read_assignment(std::string_view key, std::string_view text,
                                   const std::string& place, std::string origin) {
    const KeyRow* row = find_key(key);
    if (row == nullptr) {
        std::vector<std::string_view> all;
        for (const KeyRow& known : config_keys()) all.push_back(known.key);
        const auto near = text::nearest(key, all);
        complain(place, std::string(key),
                 "unknown key" +
                     (near.empty() ? std::string() : "; did you mean " + std::string(near) + "?"));
        return;
    }
    const auto value = value_from_text(*row, text);
    if (value)
        take(*row, *value, std::move(origin), place);
    else
        complain(place, std::string(key), "expects " + std::string(describe(row->kind)));
}

std::expected<Config, std::vector<ConfigComplaint>> ConfigReader::finish() {
    const bool open = config_.text("auth.mode") == "none" || !config_.given("http.tls.cert");
    if (!config_.flag("http.insecure") && open) {
        for (const std::string& address : config_.list("http.listen")) {
            if (loopback(address)) continue;
            complain(places_["http.listen"], "http.listen",
                     "`" + address +
                         "` is open to the network: set auth.mode = \"tokens\" and http.tls, or "
                         "write insecure = true");
        }
    }
    if (config_.text("gossip.cluster").size() > 255)
        complain(places_["gossip.cluster"], "gossip.cluster", "is longer than 255 bytes");
    if (const std::string address = config_.text("gossip.listen");
        !loopback(address) && !config_.given("gossip.keyring") && !config_.flag("gossip.insecure"))
        complain(
            places_["gossip.listen"], "gossip.listen",
            "`" + address +
                "` is open to the network: set gossip.keyring (`anode keys gen` makes one), or "
                "write insecure = true");
    if (const std::string address = config_.text("mesh.listen");
        !loopback(address) && config_.text("mesh.auth") == "keyring" &&
        !config_.given("gossip.keyring") && !config_.flag("mesh.insecure"))
        complain(places_["mesh.listen"], "mesh.listen",
                 "`" + address +
                     "` is open to the network: set gossip.keyring (the mesh derives its key from "
                     "it), mesh.auth = \"certificates\", or write insecure = true");
    if (config_.list("http.listen").empty())
        complain(places_["http.listen"], "http.listen", "names no address");
    if (config_.given("http.tls.cert") != config_.given("http.tls.key"))
        complain(places_[config_.given("http.tls.cert") ? "http.tls.cert" : "http.tls.key"],
                 "http.tls", "cert and key belong together");
    if (!complaints_.empty()) return std::unexpected(std::move(complaints_));
    return std::move(config_);
}

}  // namespace anode::app
