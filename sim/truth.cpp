#include "sim/truth.hpp"

#include <algorithm>

namespace anode::sim {

Truth::Truth(Ledger::Broken broken, Rng rng) : broken_(std::move(broken)) {
    for (std::uint64_t count = 2 + rng.below(5); count > 0; --count)
        feeds_["feed" + std::to_string(count)].per_second = rng.chance(0.3) ? 0.1 : rng.unit() * 2;
}

std::vector<std::string> Truth::sources() const {
    std::vector<std::string> names;
    for (const auto& [name, feed] : feeds_) names.push_back(name);
    return names;
}

std::uint64_t Truth::newest(const std::string& source, Instant now) const {
    const auto feed = feeds_.find(source);
    if (feed == feeds_.end()) return 0;
    const Duration age = std::min(now, ended_.value_or(now)).time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration<double>(age).count() *
                                      feed->second.per_second);
}

void Truth::published(const std::string& source, std::uint64_t item, Placed place) {
    feeds_[source].items[item].push_back(place);
}

void Truth::shown(Run& run, std::string_view who, const std::string& source, std::uint64_t item) {
    if (run.shown[source].add({item, item}) == 1) return;
    broken_("feeds once", std::string(who) + " shows " + source + " " + std::to_string(item) +
                              " for the second time");
}

void Truth::changed(Run& run, std::string_view who, const state::Item& item) {
    if (item.kind != "token") return;
    if (item.revoked)
        run.revoked.insert(item.key);
    else if (run.revoked.contains(item.key))
        broken_("I10 revoked", std::string(who) + " takes " + item.key + " for good again");
}

std::optional<std::string> Truth::lacking(const std::function<bool(const Placed&)>& have,
                                          const std::function<bool(const Placed&)>& told) const {
    for (const auto& [source, feed] : feeds_) {
        const std::uint64_t last = feed.items.empty() ? 0 : feed.items.rbegin()->first;
        for (std::uint64_t item = 1; item <= last; ++item) {
            const auto found = feed.items.find(item);
            if (found == feed.items.end())
                return source + " " + std::to_string(item) + ", which nobody brought";
            const std::vector<Placed>& places = found->second;
            if (std::ranges::any_of(places, have) || std::ranges::any_of(places, told)) continue;
            std::string out = source + " " + std::to_string(item) + " of";
            for (const Placed& place : places)
                out += " " + text_of(place.log) + ":" + std::to_string(place.seq);
            return out;
        }
    }
    return std::nullopt;
}

std::uint64_t Truth::items() const noexcept {
    std::uint64_t count = 0;
    for (const auto& [source, feed] : feeds_) count += feed.items.size();
    return count;
}

}  // namespace anode::sim
