#include "app/demo/talk.hpp"

#include <array>
#include <string_view>

namespace anode::app::demo {
namespace {

template <std::size_t N>
std::string_view pick(const std::array<std::string_view, N>& words, Rng& rng) {
    return words[rng.below(N)];
}

constexpr auto kPeople =
    std::to_array<std::string_view>({"ada", "noor", "mika", "teo", "ines", "kofi", "lena", "ravi",
                                     "sol", "yuki", "bea", "omar", "pia", "juno", "emil", "zora"});
constexpr auto kOpeners = std::to_array<std::string_view>(
    {"just saw", "who else noticed", "still thinking about", "finally fixed",
     "today I learnt about", "nobody told me about", "good morning to", "slowly warming to"});
constexpr auto kThings = std::to_array<std::string_view>(
    {"the harbour lights", "a heron on the pier", "that last goal", "the new tram line",
     "my sourdough", "event streams", "the night train", "a very small dog", "the comet",
     "gossip protocols", "the tide tables", "a perfect pear"});
constexpr auto kEndings =
    std::to_array<std::string_view>({"", "", " again", " and it made my day", " 🌊",
                                     " — no regrets", " in the rain", ", honestly", " ✨"});
constexpr auto kArticles = std::to_array<std::string_view>(
    {"Lighthouse", "Plankton", "Suspension bridge", "Barometer", "Cartography", "Glacier",
     "Semaphore line", "Tidal power", "Honey bee", "Metronome", "Aurora", "Canal lock", "Windmill",
     "Comet", "Typewriter", "Coral reef"});
constexpr auto kActors = std::to_array<std::string_view>(
    {"Harbour board", "City council", "Weather service", "Rail operator", "Observatory",
     "Fishing fleet", "University team", "Ferry line"});
constexpr auto kActs = std::to_array<std::string_view>(
    {"opens", "postpones", "doubles", "reports", "welcomes", "reviews", "announces", "measures"});
constexpr auto kMatters = std::to_array<std::string_view>(
    {"night service to the islands", "record tides", "a new pier", "the spring timetable",
     "an early bloom", "quiet seas", "a rare visitor", "its tenth year"});

}  // namespace

std::string person(Rng& rng) {
    return std::string(pick(kPeople, rng)) + std::to_string(rng.below(40));
}
std::string sentence(Rng& rng) {
    return std::string(pick(kOpeners, rng)) + " " + std::string(pick(kThings, rng)) +
           std::string(pick(kEndings, rng));
}
std::string article(Rng& rng) { return std::string(pick(kArticles, rng)); }
std::string headline(Rng& rng) {
    return std::string(pick(kActors, rng)) + " " + std::string(pick(kActs, rng)) + " " +
           std::string(pick(kMatters, rng));
}

}  // namespace anode::app::demo
