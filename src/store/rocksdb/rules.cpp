#include "store/rocksdb/rules.hpp"

#include "base/log.hpp"

namespace anode::rocks {
namespace {

constexpr std::size_t kRulesMax = 4096;

RetentionRule system_rule() {
    return {.name = "$system",
            .topics = {},
            .age = std::chrono::hours(24 * 90),
            .bytes = std::uint64_t{1} << 30};
}

}  // namespace

Rules::Rules(std::vector<RetentionRule> given) : rules_(std::move(given)) {
    if (rules_.size() > kRulesMax) {
        log::error("store", "too many retention rules, the last are left out",
                   {{"rules", rules_.size()}, {"max", kRulesMax}});
        rules_.resize(kRulesMax);
    }
    rules_.push_back(system_rule());
    horizons_.resize(rules_.size());
}

std::uint16_t Rules::rule_of(std::string_view topic) const noexcept {
    const auto given = static_cast<std::uint16_t>(rules_.size() - 1);
    for (std::uint16_t i = 0; i < given; ++i) {
        if (rules_[i].topics.matches(topic)) return i;
    }
    return topic.starts_with('$') ? given : kNoRule;
}

}  // namespace anode::rocks
