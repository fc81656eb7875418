#include "app/config/config.hpp"

#include <algorithm>
#include <filesystem>

#include "app/config/keys.hpp"
#include "app/config/reader.hpp"
#include "base/assert.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"

namespace anode::app {
namespace {

/// `conf.d` beside the file: its TOML files by name.
std::vector<std::string> more_files(const std::string& file) {
    std::vector<std::string> more;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(
             std::filesystem::path(file).parent_path() / "conf.d", ignored))
        if (entry.path().extension() == ".toml") more.push_back(entry.path().string());
    std::ranges::sort(more);
    return more;
}

}  // namespace

std::expected<Config, std::vector<ConfigComplaint>> Config::load(const From& from) {
    ConfigReader reader;
    if (!from.file.empty()) {
        reader.read_file(from.file);
        for (const std::string& file : more_files(from.file)) reader.read_file(file);
    }
    reader.read_environment(from.environment);
    reader.read_sets(from.sets);
    return reader.finish();
}

std::expected<Config, std::vector<ConfigComplaint>> Config::from_text(std::string_view toml,
                                                                      const std::string& name) {
    ConfigReader reader;
    reader.read_text(toml, name);
    return reader.finish();
}

bool Config::given(std::string_view key) const {
    const auto found = settings_.find(key);
    return found != settings_.end() && found->second.json != "\"\"" && found->second.json != "null";
}

std::string Config::text(std::string_view key) const {
    const auto found = settings_.find(key);
    ANODE_ASSERT(found != settings_.end());
    json::Document document;
    const Result<void> parsed = document.parse(found->second.json);
    ANODE_ASSERT(parsed.has_value());
    return document.root().scalar().value_or("");
}

bool Config::flag(std::string_view key) const { return text(key) == "true"; }

std::uint64_t Config::number(std::string_view key) const {
    return text::parse_u64(text(key)).value_or(0);
}

Duration Config::duration(std::string_view key) const {
    return text::parse_duration(text(key)).value_or(0ns);
}

std::uint64_t Config::size(std::string_view key, std::uint64_t whole) const {
    const std::string value = text(key);
    if (value.ends_with('%'))
        return static_cast<std::uint64_t>(static_cast<double>(whole) * share(key));
    return text::parse_size(value).value_or(0);
}

double Config::share(std::string_view key) const {
    const std::string value = text(key);
    return text::parse_double(value.substr(0, value.size() - 1)).value_or(0) / 100;
}

std::vector<std::string> Config::list(std::string_view key) const {
    const auto found = settings_.find(key);
    ANODE_ASSERT(found != settings_.end());
    json::Document document;
    const Result<void> parsed = document.parse(found->second.json);
    ANODE_ASSERT(parsed.has_value());
    std::vector<std::string> out;
    const json::Value root = document.root();
    if (!root.is_array()) return out;
    for (json::Value item = root.first(); item; item = item.next_in(root))
        out.push_back(item.scalar().value_or(""));
    return out;
}

std::vector<std::string> Config::changed(const Config& next) const {
    std::vector<std::string> keys;
    for (const auto& [key, setting] : settings_)
        if (next.settings_.at(key).json != setting.json) keys.push_back(key);
    return keys;
}

std::vector<std::string> Config::restart_required(const Config& next) const {
    std::vector<std::string> keys = changed(next);
    std::erase_if(keys, [](const std::string& key) { return find_key(key)->live; });
    return keys;
}

Bytes config_json(const Config& config) {
    Bytes json;
    json::Writer out(json);
    out.begin_object().key("items").begin_array();
    for (const auto& [key, setting] : config.settings()) {
        const KeyRow* row = find_key(key);
        const bool secret = row->kind == ValueKind::Secret || row->kind == ValueKind::SecretOrNone;
        out.begin_object().member("key", key).key("value");
        if (secret && setting.json != "null")
            out.begin_object().member("secret", true).member("set", true).end_object();
        else
            out.raw(setting.json);
        out.member("origin", setting.origin).member("live", row->live).end_object();
    }
    out.end_array().member("file", config.file).key("next").null().end_object();
    return json;
}

std::string config_reference() {
    std::string out =
        "# Configuration\n\nOrder: built-in < file < `conf.d/*.toml` (by name) < environment < "
        "`--set`.\n"
        "`ANODE_STORAGE__ROCKSDB__CACHE=1GiB` sets `storage.rocksdb.cache`.\n"
        "Every value may stand elsewhere: `{ env = \"NAME\" }`, `{ file = \"/path\" }`; secrets "
        "must.\n\n"
        "| key | kind | default | on reload | meaning |\n| --- | --- | --- | --- | --- |\n";
    for (const KeyRow& row : config_keys()) {
        out.append("| `").append(row.key).append("` | ").append(describe(row.kind));
        if (!row.choices.empty()) {
            std::string choices(row.choices);
            std::ranges::replace(choices, '|', ',');
            out.append(" (").append(choices).append(")");
        }
        out.append(" | ");
        if (!row.fallback.empty()) out.append("`").append(row.fallback).append("`");
        out.append(row.live ? " | live | " : " | restart | ").append(row.meaning).append(" |\n");
    }
    out +=
        "\n`[[source]]`, `[[pipeline]]` and `[[retention]]` tables may follow: see `anode sources "
        "--help` and the documentation of recipes.\n";
    return out;
}

std::string config_sample() {
    std::string out =
        "# Configuration of an aNode node. Every line that begins with # shows a default.\n";
    std::string table;
    for (const KeyRow& row : config_keys()) {
        const auto dot = row.key.rfind('.');
        const std::string_view here = row.key.substr(0, dot);
        if (here != table) {
            table = std::string(here);
            out.append("\n[").append(table).append("]\n");
        }
        out.append("# ")
            .append(row.meaning)
            .append("\n# ")
            .append(row.key.substr(dot + 1))
            .append(" = ");
        if (!row.fallback.empty())
            out.append(row.fallback);
        else
            out.append(row.kind == ValueKind::SecretOrNone ? "{ file = \"/run/secrets/…\" }"
                                                           : "\"\"");
        out += '\n';
    }
    out +=
        "\n# [[source]]\n# name = \"ticks\"\n# type = \"test\"\n# topic = \"demo.ticks.{key}\"\n"
        "\n# [[retention]]\n# topics = \"crypto.>\"\n# age = \"7d\"\n# bytes = \"200GiB\"\n";
    return out;
}

}  // namespace anode::app
