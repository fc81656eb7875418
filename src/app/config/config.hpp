#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/config/toml.hpp"
#include "app/pipelines.hpp"
#include "app/sources/declared.hpp"
#include "core/source/ip.hpp"
#include "store/store.hpp"

namespace anode::app {

/// One effective value.
struct Setting {
    Bytes json;          ///< as the API shows it
    std::string origin;  ///< `default`, `FILE:LINE`, `env NAME`, `flag`
};

/// What a node runs with: every key has a value, and every value was checked.
/// Order: built-in < file < conf.d (by name) < environment < `--set`. Source: interfaces, section 12.
class Config {
public:
    struct From {
        std::string file;  ///< empty: none
        std::vector<std::pair<std::string, std::string>> environment;
        std::vector<std::string> sets;  ///< `K=V`
    };
    static std::expected<Config, std::vector<ConfigComplaint>> load(const From& from);
    /// The text of one file by itself, as `config check` and the API take it.
    static std::expected<Config, std::vector<ConfigComplaint>> from_text(std::string_view toml,
                                                                         const std::string& name);

    [[nodiscard]] std::string text(std::string_view key) const;
    [[nodiscard]] bool flag(std::string_view key) const;
    [[nodiscard]] std::uint64_t number(std::string_view key) const;
    [[nodiscard]] Duration duration(std::string_view key) const;
    /// A size in bytes; a share is of `whole`.
    [[nodiscard]] std::uint64_t size(std::string_view key, std::uint64_t whole = 0) const;
    [[nodiscard]] double share(std::string_view key) const;  ///< 0 to 1
    [[nodiscard]] std::vector<std::string> list(std::string_view key) const;
    /// Whether it was given at all.
    [[nodiscard]] bool given(std::string_view key) const;

    [[nodiscard]] const std::map<std::string, Setting, std::less<>>& settings() const noexcept {
        return settings_;
    }
    std::vector<DeclaredSource> sources;
    std::vector<DeclaredPipeline> pipelines;
    std::vector<RetentionRule> retention;
    std::string file;  ///< it was read from, if any

    /// Keys whose values differ and that take effect only after a restart.
    [[nodiscard]] std::vector<std::string> restart_required(const Config& next) const;
    /// Keys whose values differ.
    [[nodiscard]] std::vector<std::string> changed(const Config& next) const;

private:
    friend class ConfigReader;
    std::map<std::string, Setting, std::less<>> settings_;
};

/// `/v1/config`: {"items":[{"key","value","origin"}]}; secrets as {"secret":true,"set":…}.
Bytes config_json(const Config& config);
/// Every key with type, default and meaning, in Markdown (`config docs`).
std::string config_reference();
/// A commented sample, itself valid (`config init`).
std::string config_sample();

}  // namespace anode::app
