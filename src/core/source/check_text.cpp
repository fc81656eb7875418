#include <algorithm>

#include "base/text.hpp"
#include "core/message/topic.hpp"
#include "core/source/check.hpp"
#include "core/source/url.hpp"

/// Whether a text is what its key takes.
namespace anode::source {

namespace {

using Wrong = std::optional<std::string>;

std::string quoted(std::string_view text) {
    std::string out = "`";
    out += text::printable(text.substr(0, 80));
    if (text.size() > 80) out += "…";
    return out + "`";
}

std::string at_byte(std::size_t offset) { return " (at byte " + std::to_string(offset) + ")"; }

Wrong wrong_name(std::string_view text) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    };
    if (!text.empty() && text.size() <= 64 && std::ranges::all_of(text, allowed)) return {};
    return quoted(text) + " is no name: 1 to 64 of `a–z 0–9 - _`";
}

/// Plain texts end up in headers and handshakes, where a line end would begin another header.
Wrong wrong_plain(std::string_view text, const Key& key) {
    if (key.name == "weakness" ||
        text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos)
        return {};
    return "line ends and zero bytes are not possible here";
}

template <class Compiled>
Wrong wrong_compiled(const std::expected<Compiled, expr::CompileError>& compiled) {
    if (compiled) return {};
    return compiled.error().detail + at_byte(compiled.error().offset);
}

Wrong wrong_template(std::string_view text, Place place, std::optional<Template>& found) {
    auto parsed = Template::parse(text, place);
    if (!parsed) return parsed.error().detail + at_byte(parsed.error().offset);
    for (const auto& part : parsed->parts()) {
        if (part.form == Template::Part::Form::Number || part.form == Template::Part::Form::Json) {
            return "`number` and `json` are for JSON only" + at_byte(part.offset);
        }
    }
    found = std::move(*parsed);
    return {};
}

/// The text with `filling` for every placeholder, so that its fixed parts can be judged.
std::string filled(const Template& text, std::string_view filling) {
    std::string out;
    for (const auto& part : text.parts())
        out += part.kind == Template::Part::Kind::Literal ? std::string_view(part.text) : filling;
    return out;
}

Wrong wrong_topic(std::string_view text, std::optional<Template>& found) {
    if (auto wrong = wrong_template(text, Place::Topic, found)) return wrong;
    if (auto checked = check_topic(filled(*found, "x")); !checked) return checked.error().what;
    return {};
}

Wrong wrong_scheme(const Url& url, const TextCheck& check) {
    const bool own_socket = check.key.words == "own" && check.type == kWebsocket;
    if (check.key.words == "own" && check.type == 0) return {};
    if (own_socket && !url.websocket()) return "a websocket source needs a `ws` or `wss` URL";
    if (!own_socket && url.websocket()) return "an `http` or `https` URL is needed here";
    return {};
}

Wrong wrong_url(std::string_view text, const TextCheck& check) {
    if (auto wrong = wrong_template(text, Place::Url, check.found)) return wrong;
    if (text.empty()) return "a URL is needed";
    if (check.found->parts().front().kind != Template::Part::Kind::Literal)
        return {};  // a captured host is judged when it is known
    const auto url = Url::parse(filled(*check.found, "1"));
    if (!url) return url.error().what;
    return wrong_scheme(*url, check);
}

Wrong wrong_range(std::int64_t value, const Key& key, std::string_view text) {
    if (value >= key.low && value <= key.high) return {};
    return quoted(text) + (value < key.low ? " is too small" : " is too large");
}

Wrong wrong_duration(std::string_view text, const Key& key) {
    const auto value = text::parse_duration(text);
    if (!value) return quoted(text) + " is no duration, such as `250ms`, `5s`, `2h`, `30d`";
    return wrong_range(value->count(), key, text);
}

Wrong wrong_size(std::string_view text, const Key& key) {
    const auto value = text::parse_size(text);
    if (!value || *value > INT64_MAX) return quoted(text) + " is no size, such as `64KiB`";
    return wrong_range(static_cast<std::int64_t>(*value), key, text);
}

Wrong wrong_next(std::string_view text, const TextCheck& check) {
    if (text == "link") return {};
    if (text.find('{') == std::string_view::npos)
        return wrong_compiled(expr::Selector::parse(text));
    return wrong_url(text, check);
}

Wrong unless(bool good, std::string_view text, std::string_view expected) {
    if (good) return {};
    return quoted(text) + " is no " + std::string(expected);
}

Wrong wrong_word(std::string_view text, const Key& key) {
    if (among(key.words, text)) return {};
    const std::vector<std::string_view> words = text::split(key.words, ' ');
    std::string all;
    for (const std::string_view word : words)
        all += (all.empty() ? "`" : ", `") + std::string(word) + "`";
    const std::string_view near = text::nearest(text, words);
    return quoted(text) + " is none of " + all +
           (near.empty() ? "" : "; did you mean `" + std::string(near) + "`?");
}

}  // namespace

std::optional<std::pair<PingSpec::When, Duration>> parse_when(std::string_view text) {
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    const std::string_view word = text.substr(0, space);
    const auto period = text::parse_duration(text::trim(text.substr(space)));
    if (!period || *period <= Duration{} || (word != "idle" && word != "every"))
        return std::nullopt;
    return std::pair{word == "idle" ? PingSpec::When::Idle : PingSpec::When::Every, *period};
}

std::optional<std::uint32_t> parse_percent(std::string_view text) {
    if (text.ends_with('%')) text = text::trim(text.substr(0, text.size() - 1));
    const auto value = text::parse_u64(text);
    if (!value || *value > 100) return std::nullopt;
    return static_cast<std::uint32_t>(*value);
}

std::optional<std::string> wrong_text(Form form, std::string_view text, const TextCheck& check) {
    switch (form) {
        case Form::Text:
            return wrong_plain(text, check.key);
        case Form::Word:
            return wrong_word(text, check.key);
        case Form::Name:
            return wrong_name(text);
        case Form::Duration:
            return wrong_duration(text, check.key);
        case Form::Jitter:
            return unless(parse_jittered(text).has_value(), text,
                          "duration, such as `23h` or `23h ± 30m`");
        case Form::Size:
            return wrong_size(text, check.key);
        case Form::Rate:
            return unless(parse_rate(text).has_value(), text, "rate, such as `3/s`, `480/h`");
        case Form::Percent:
            return unless(parse_percent(text).has_value(), text,
                          "percentage from `0 %` to `100 %`");
        case Form::When:
            return unless(parse_when(text).has_value(), text,
                          "time of a ping, such as `idle 25s`, `every 20s`");
        case Form::Path:
            return unless(expr::Path::parse(text).has_value(), text,
                          "path, such as `data.s`, `events.0.id`");
        case Form::Selector:
            return wrong_compiled(expr::Selector::parse(text));
        case Form::Expr:
            return wrong_compiled(expr::Program::compile(text));
        case Form::Expect:
            return expr::is_expression(text) ? wrong_compiled(expr::Program::compile(text))
                                             : unless(!text.empty(), text, "word");
        case Form::Template:
            return wrong_template(text, Place::Text, check.found);
        case Form::Topic:
            return wrong_topic(text, check.found);
        case Form::Url:
            return wrong_url(text, check);
        case Form::PlainUrl: {
            auto wrong = wrong_url(text, check);
            if (!wrong && !check.found->constant()) return "placeholders are not possible here";
            return wrong;
        }
        case Form::Next:
            return wrong_next(text, check);
        default:
            return "a text is not possible here";
    }
}

}  // namespace anode::source
