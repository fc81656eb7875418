#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

/// Well-known public feeds that need no key, from the recipes that come with the program.
namespace anode::app::demo {

struct PublicFeeds {
    std::string toml;
    std::size_t count = 0;
};

/// All of them but those whose names are taken.
PublicFeeds public_feeds(const std::set<std::string>& taken);

/// A recipe file with pauses between attempts so long that a machine without Internet stays quiet.
std::string with_patience(std::string_view recipe);
/// The names of the sources of a recipe file.
std::set<std::string> names_in(std::string_view recipe);

}  // namespace anode::app::demo
