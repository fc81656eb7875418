#include "core/message/topic.hpp"

#include "base/text.hpp"
#include "core/message/tokens.hpp"

namespace anode {
namespace {

enum class Allow : std::uint8_t { Plain, System, Patterns };

std::unexpected<Error> bad(std::string_view what, std::string_view text, std::string why) {
    // A wrong topic may be anything: show what can be shown of it.
    std::string shown = text::printable(text.substr(0, kTopicBytesMax));
    if (text.size() > kTopicBytesMax) shown += "…";
    return fail(Errc::Malformed, std::string(what) + " \"" + shown + "\": " + std::move(why));
}

/// What is wrong with the token, or empty.
std::string complaint(std::string_view token, std::size_t place, bool last, Allow allow) {
    if (token.empty()) return "is empty";
    if (allow == Allow::Patterns) {
        if (token == "*") return {};
        if (token == ">" || token == "**")
            return last ? "" : "stands for the rest and must be the last";
    }
    if (token.size() > kTokenBytesMax)
        return "is longer than " + std::to_string(kTokenBytesMax) + " bytes";
    std::string_view body = token;
    if (is_system(token)) {
        if (allow == Allow::Plain) return "begins with $, which only nodes may write";
        if (place > 1) return "begins with $, which only the first may";
        body.remove_prefix(1);
        if (body.empty()) return "is only a $";
    }
    for (const char c : body) {
        if (is_token_char(c)) continue;
        if (allow == Allow::Patterns && (c == '*' || c == '>'))
            return "mixes a wildcard with other characters";
        return "holds \"" + text::printable({&c, 1}) + "\", which is not one of A–Z a–z 0–9 _ - ~";
    }
    return {};
}

Result<void> check(std::string_view what, std::string_view text, Allow allow) {
    if (text.empty()) return fail(Errc::Malformed, std::string(what) + " is empty");
    if (text.size() > kTopicBytesMax)
        return bad(what, text, "longer than " + std::to_string(kTopicBytesMax) + " bytes");
    std::string_view rest = text;
    std::size_t place = 0;
    for (bool more = true; more;) {
        const std::string_view token = next_token(rest, more);
        if (++place > kTopicTokensMax)
            return bad(what, text, "more than " + std::to_string(kTopicTokensMax) + " tokens");
        std::string why = complaint(token, place, !more, allow);
        if (!why.empty()) return bad(what, text, "token " + std::to_string(place) + " " + why);
    }
    return {};
}

}  // namespace

Result<void> check_topic(std::string_view topic, bool system) {
    return check("topic", topic, system ? Allow::System : Allow::Plain);
}

Result<void> check_pattern(std::string_view pattern) {
    return check("pattern", pattern, Allow::Patterns);
}

void append_escaped_token(std::string& out, std::string_view data) {
    constexpr char kHex[] = "0123456789ABCDEF";
    for (const char c : data) {
        if (is_token_char(c) && c != '~') {
            out.push_back(c);
            continue;
        }
        out.push_back('~');
        out.push_back(kHex[static_cast<unsigned char>(c) >> 4]);
        out.push_back(kHex[static_cast<unsigned char>(c) & 15]);
    }
}

std::string escape_token(std::string_view data) {
    std::string out;
    out.reserve(data.size());
    append_escaped_token(out, data);
    return out;
}

std::string unescape_token(std::string_view token) {
    std::string out;
    out.reserve(token.size());
    for (std::size_t i = 0; i < token.size(); ++i) {
        const auto byte = token[i] == '~' ? text::from_hex(token.substr(i + 1, 2)) : std::nullopt;
        if (!byte || byte->empty()) {
            out.push_back(token[i]);  // not ours: leave it as it stands
            continue;
        }
        out += *byte;
        i += 2;
    }
    return out;
}

// -- Pattern
// ---------------------------------------------------------------------------------------

Result<Pattern> Pattern::parse(std::string_view text) {
    if (auto checked = check_pattern(text); !checked)
        return std::unexpected(std::move(checked.error()));
    Pattern out;
    out.text_ = text;
    if (out.text_.ends_with("**")) out.text_.replace(out.text_.size() - 2, 2, ">");
    out.literal_ = out.text_.find_first_of("*>") == std::string::npos;
    return out;
}

bool Pattern::matches(std::string_view topic) const noexcept {
    if (literal_) return topic == text_;
    if (topic.empty() || is_system(topic) != is_system(text_)) return false;
    std::string_view want = text_, have = topic;
    for (bool more_want = true, more_have = true;;) {
        const std::string_view token = next_token(want, more_want);
        if (token == ">") return true;
        const std::string_view actual = next_token(have, more_have);
        if (token != "*" && token != actual) return false;
        if (!more_want || !more_have) return more_want == more_have;
    }
}

std::string_view Pattern::prefix() const noexcept {
    const std::string_view text = text_;
    const std::size_t wildcard = text.find_first_of("*>");
    if (wildcard == std::string_view::npos) return text;
    return text.substr(0, wildcard == 0 ? 0 : wildcard - 1);
}

// -- PatternSet
// ------------------------------------------------------------------------------------

Result<PatternSet> PatternSet::parse(std::string_view list, std::size_t max) {
    std::vector<Pattern> patterns;
    for (const std::string_view part : text::split(list, ',')) {
        if (patterns.size() == max)
            return fail(Errc::TooLarge, "more than " + std::to_string(max) + " patterns");
        auto pattern = Pattern::parse(text::trim(part));
        if (!pattern) return std::unexpected(std::move(pattern.error()));
        patterns.push_back(std::move(*pattern));
    }
    return PatternSet(std::move(patterns));
}

bool PatternSet::matches(std::string_view topic) const noexcept {
    for (const Pattern& pattern : patterns_)
        if (pattern.matches(topic)) return true;
    return false;
}

std::string PatternSet::text() const {
    std::string out;
    for (const Pattern& pattern : patterns_) {
        if (!out.empty()) out.push_back(',');
        out += pattern.text();
    }
    return out;
}

}  // namespace anode
