#include "app/demo/public_feeds.hpp"

#include <algorithm>

#include "base/text.hpp"

// ccache looks only at included files, not at embedded ones, unless a source names __TIME__.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc23-extensions"

namespace anode::app::demo {
namespace {

constexpr unsigned char kBinance[] = {
#embed "../../../deploy/recipes/binance.toml"
};
constexpr unsigned char kBitstamp[] = {
#embed "../../../deploy/recipes/bitstamp.toml"
};
constexpr unsigned char kBluesky[] = {
#embed "../../../deploy/recipes/bluesky.toml"
};
constexpr unsigned char kBybit[] = {
#embed "../../../deploy/recipes/bybit.toml"
};
constexpr unsigned char kCoinbase[] = {
#embed "../../../deploy/recipes/coinbase.toml"
};
constexpr unsigned char kGithub[] = {
#embed "../../../deploy/recipes/github.toml"
};
constexpr unsigned char kKraken[] = {
#embed "../../../deploy/recipes/kraken.toml"
};
constexpr unsigned char kOkx[] = {
#embed "../../../deploy/recipes/okx.toml"
};
constexpr unsigned char kOpenMeteo[] = {
#embed "../../../deploy/recipes/open_meteo.toml"
};
constexpr unsigned char kRipeRis[] = {
#embed "../../../deploy/recipes/ripe_ris.toml"
};
constexpr unsigned char kUsgs[] = {
#embed "../../../deploy/recipes/usgs.toml"
};
constexpr unsigned char kWikimedia[] = {
#embed "../../../deploy/recipes/wikimedia.toml"
};

template <std::size_t N>
std::string_view view(const unsigned char (&bytes)[N]) {
    return {reinterpret_cast<const char*>(bytes), N};
}

constexpr std::string_view kPatience = "backoff = { min = \"30s\", max = \"15m\" }\n";

}  // namespace

std::string with_patience(std::string_view recipe) {
    std::string out;
    for (const std::string_view line : text::split(recipe, '\n')) {
        if (line.starts_with("backoff = {")) continue;
        out.append(line).append("\n");
        if (line.starts_with("type = ")) out += kPatience;
    }
    return out;
}

std::set<std::string> names_in(std::string_view recipe) {
    std::set<std::string> names;
    bool at_source = false;
    for (const std::string_view line : text::split(recipe, '\n')) {
        if (line.starts_with('[')) at_source = text::trim(line) == "[[source]]";
        if (!at_source || !line.starts_with("name = \"")) continue;
        const std::string_view rest = line.substr(8);
        names.emplace(rest.substr(0, rest.find('"')));
    }
    return names;
}

PublicFeeds public_feeds(const std::set<std::string>& taken) {
    PublicFeeds feeds;
    for (const std::string_view recipe :
         {view(kBinance), view(kCoinbase), view(kKraken), view(kBitstamp), view(kOkx), view(kBybit),
          view(kWikimedia), view(kBluesky), view(kUsgs), view(kOpenMeteo), view(kGithub),
          view(kRipeRis)}) {
        const std::set<std::string> names = names_in(recipe);
        if (std::ranges::any_of(names,
                                [&](const std::string& name) { return taken.contains(name); }))
            continue;
        feeds.toml.append(with_patience(recipe)).append("\n");
        feeds.count += names.size();
    }
    return feeds;
}

}  // namespace anode::app::demo

#pragma clang diagnostic pop
