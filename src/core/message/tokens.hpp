#pragma once

#include <string_view>

/// Walking the tokens of topics and patterns. Used inside this folder only.
namespace anode {

/// The token in front; `rest` moves behind it and its dot. `more` tells whether a token follows.
inline std::string_view next_token(std::string_view& rest, bool& more) noexcept {
    const std::size_t dot = rest.find('.');
    const std::string_view token = rest.substr(0, dot);
    more = dot != std::string_view::npos;
    rest = more ? rest.substr(dot + 1) : std::string_view{};
    return token;
}

inline bool is_token_char(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '~';
}

inline bool is_system(std::string_view topic) noexcept { return topic.starts_with('$'); }

}  // namespace anode
