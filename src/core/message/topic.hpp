#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

/// Topics and patterns. Source: interfaces, section 3.
namespace anode {

inline constexpr std::size_t kTopicTokensMax = 16;
inline constexpr std::size_t kTopicBytesMax = 255;
inline constexpr std::size_t kTokenBytesMax = 64;

/// Whether `topic` is one; the error says which token is wrong and why. `$` is allowed in first place only if
/// `system` (only nodes write such topics).
Result<void> check_topic(std::string_view topic, bool system = false);
/// The same for a pattern: `*` one token, `>` or `**` the rest (one or more), last only. `$…` may be read.
Result<void> check_pattern(std::string_view pattern);

/// Appends `data` as (part of) a token: every byte outside the alphabet becomes `~XX`, `~` itself `~7E`.
void append_escaped_token(std::string& out, std::string_view data);
std::string escape_token(std::string_view data);
std::string unescape_token(std::string_view token);

/// One compiled pattern.
class Pattern {
public:
    static Result<Pattern> parse(std::string_view text);
    [[nodiscard]] bool matches(std::string_view topic) const noexcept;
    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    /// True if it names exactly one topic.
    [[nodiscard]] bool literal() const noexcept { return literal_; }
    /// The tokens before the first wildcard, joined: every match begins with it.
    [[nodiscard]] std::string_view prefix() const noexcept;
    friend bool operator==(const Pattern& a, const Pattern& b) { return a.text_ == b.text_; }
    friend auto operator<=>(const Pattern& a, const Pattern& b) { return a.text_ <=> b.text_; }

private:
    std::string text_;  ///< with `>` for `**`
    bool literal_ = true;
};

/// A set of patterns, matched as one.
class PatternSet {
public:
    PatternSet() = default;
    explicit PatternSet(std::vector<Pattern> patterns) : patterns_(std::move(patterns)) {}
    /// `a.>,b.*` with commas, 1 to `max`.
    static Result<PatternSet> parse(std::string_view list, std::size_t max = 64);
    [[nodiscard]] bool matches(std::string_view topic) const noexcept;
    [[nodiscard]] const std::vector<Pattern>& patterns() const noexcept { return patterns_; }
    [[nodiscard]] std::string text() const;  ///< joined by commas

private:
    std::vector<Pattern> patterns_;
};

/// Finds all patterns that match a topic, in time that grows with the topic and the matches, not with the patterns.
/// Thread: confined. An id may be added with several patterns and is reported once for each that matches.
class PatternTrie {
public:
    PatternTrie();
    ~PatternTrie();
    PatternTrie(PatternTrie&&) noexcept;
    PatternTrie& operator=(PatternTrie&&) noexcept;

    void add(const Pattern& pattern, std::uint32_t id);
    void remove(const Pattern& pattern, std::uint32_t id);
    /// Appends the ids to `out`; not sorted.
    void match(std::string_view topic, std::vector<std::uint32_t>& out) const;
    [[nodiscard]] bool empty() const noexcept;

private:
    struct Node;
    std::unique_ptr<Node> root_;
};

}  // namespace anode
