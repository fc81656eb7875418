#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "store/rocksdb/topics.hpp"

namespace anode::rocks {

/// The retention rules in force and how far each has come. The last one is built in: what is kept
/// of topics of the system that no given rule matches.
/// Thread: guarded by the index's lock.
class Rules {
public:
    explicit Rules(std::vector<RetentionRule> given = {});

    /// The first rule that matches; kNoRule if none does.
    [[nodiscard]] std::uint16_t rule_of(std::string_view topic) const noexcept;
    [[nodiscard]] std::uint16_t size() const noexcept {
        return static_cast<std::uint16_t>(rules_.size());
    }
    [[nodiscard]] const RetentionRule& at(std::uint16_t rule) const { return rules_[rule]; }
    [[nodiscard]] Horizon& horizon(std::uint16_t rule) { return horizons_[rule]; }
    /// What a topic of this rule does not show; nothing is hidden without a rule.
    [[nodiscard]] Horizon horizon(std::uint16_t rule) const {
        return rule < horizons_.size() ? horizons_[rule] : Horizon{};
    }

private:
    std::vector<RetentionRule> rules_;
    std::vector<Horizon> horizons_;
};

}  // namespace anode::rocks
