#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace anode::expr {

/// A regular expression in RE2's syntax: linear time on any input, no look-around, no references back.
class Regex {
public:
    /// `flags` as jq's: `i` case aside, `p` the dot matches line ends, `g` `s` `l` change nothing for a test. Error: words.
    static std::expected<std::shared_ptr<const Regex>, std::string> compile(
        std::string_view pattern, std::string_view flags);
    ~Regex();
    [[nodiscard]] bool matches(std::string_view text) const;

private:
    struct Impl;
    explicit Regex(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace anode::expr
