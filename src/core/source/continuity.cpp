#include "core/source/continuity.hpp"

#include <charconv>

#include "base/hash.hpp"
#include "base/text.hpp"

namespace anode::source {

std::string_view name(Flow flow) noexcept {
    constexpr std::string_view kNames[] = {"unchecked", "ok", "late", "duplicate", "gap", "reset"};
    return kNames[static_cast<std::size_t>(flow)];
}

namespace {

using Numbers = Continuity::Numbers;
using Chain = Continuity::Chain;

/// Decimal, or hexadecimal as Ethereum writes it.
std::optional<std::uint64_t> number_of(const std::optional<std::string_view>& text) {
    if (!text) return std::nullopt;
    if (!text->starts_with("0x")) return text::parse_u64(*text);
    std::uint64_t value = 0;
    const char* const end = text->data() + text->size();
    const auto [at, error] = std::from_chars(text->data() + 2, end, value, 16);
    if (error != std::errc() || at != end) return std::nullopt;
    return value;
}

/// Numbers by value, anything else (RFC 3339, for one) by its bytes.
int compare(std::string_view a, std::string_view b) {
    const auto x = number_of(a), y = number_of(b);
    if (x && y) return *x < *y ? -1 : *x > *y ? 1 : 0;
    const auto p = text::parse_double(a), q = text::parse_double(b);
    if (p && q) return *p < *q ? -1 : *p > *q ? 1 : 0;
    return a.compare(b);
}

void remember(Chain& chain, std::uint64_t number) {
    chain.number = number;
    chain.known = true;
}
void remember(Chain& chain, std::string_view text) {
    chain.text.assign(text);
    chain.known = true;
}

Verdict check_range(Chain& chain, std::uint64_t first, std::uint64_t last,
                    const std::optional<std::uint64_t>& reset_to) {
    if (!chain.known || first == chain.number + 1) {
        remember(chain, last);
        return {Flow::Ok};
    }
    if (reset_to == first && first <= chain.number) {
        remember(chain, last);
        return {Flow::Reset};
    }
    if (last == chain.number) return {Flow::Duplicate};
    if (last < chain.number) return {Flow::Late};
    const std::uint64_t expected = chain.number + 1;
    remember(chain, last);
    if (first < expected) return {Flow::Ok};  // overlaps what was seen, and brings more
    return {Flow::Gap, first - expected};
}

Verdict check_identity(Chain& chain, std::string_view at, std::string_view previous,
                       const std::optional<std::uint64_t>& reset_to) {
    if (!chain.known || previous == chain.text) {
        remember(chain, at);
        return {Flow::Ok};
    }
    if (at == chain.text) return {Flow::Duplicate};
    const auto number = number_of(at), seen = number_of(chain.text);
    const bool begins = previous == "-1" || (number && reset_to == number);
    if (!begins && number && seen && *number < *seen) return {Flow::Late};
    remember(chain, at);
    return {begins ? Flow::Reset : Flow::Gap};
}

Verdict check_monotonic(Chain& chain, std::string_view at) {
    if (chain.known && compare(at, chain.text) < 0) return {Flow::Late};
    remember(chain, at);
    return {Flow::Ok};
}

Verdict judge(ContinuitySpec::Rule rule, Chain& chain, const Numbers& numbers,
              const std::optional<std::uint64_t>& reset_to) {
    using Rule = ContinuitySpec::Rule;
    switch (rule) {
        case Rule::None:
            return {};
        case Rule::PlusOne:
        case Rule::Counter: {
            const auto at = number_of(numbers.at);
            return at ? check_range(chain, *at, *at, reset_to) : Verdict{};
        }
        case Rule::Range: {
            const auto first = number_of(numbers.first), last = number_of(numbers.last);
            return first && last && *first <= *last ? check_range(chain, *first, *last, reset_to)
                                                    : Verdict{};
        }
        case Rule::Previous:
            return numbers.at && numbers.previous
                       ? check_identity(chain, *numbers.at, *numbers.previous, reset_to)
                       : Verdict{};
        case Rule::Parent:
            return numbers.at && numbers.parent
                       ? check_identity(chain, *numbers.at, *numbers.parent, std::nullopt)
                       : Verdict{};
        case Rule::Monotonic:
            return numbers.at ? check_monotonic(chain, *numbers.at) : Verdict{};
    }
    return {};
}

bool counts(ContinuitySpec::Rule rule) {
    using Rule = ContinuitySpec::Rule;
    return rule == Rule::PlusOne || rule == Rule::Counter || rule == Rule::Range;
}

}  // namespace

Continuity::Continuity(const ContinuitySpec& spec)
    : rule_(spec.rule), per_(spec.per), reset_to_(spec.reset_to) {}

std::size_t Continuity::Hash::operator()(std::string_view text) const noexcept {
    return hash64(text);
}

Continuity::Chain* Continuity::chain(std::string_view key, std::uint64_t connection) {
    if (per_ == ContinuitySpec::Per::Source) return &source_;
    if (per_ == ContinuitySpec::Per::Connection) return &by_connection_[connection];
    if (const auto at = by_key_.find(key); at != by_key_.end()) return &at->second;
    if (by_key_.size() >= kKeysMax) {
        ++unchecked_;
        return nullptr;
    }
    return &by_key_.try_emplace(std::string(key)).first->second;
}

Verdict Continuity::check(std::string_view key, std::uint64_t connection, const Numbers& numbers) {
    if (rule_ == ContinuitySpec::Rule::None) return {};
    Chain* const chain = this->chain(key, connection);
    if (chain == nullptr) return {};
    const std::uint64_t number_before = chain->number;
    Verdict verdict;
    if (counts(rule_)) {
        verdict = judge(rule_, *chain, numbers, reset_to_);
    } else {
        seen_.assign(chain->text);
        verdict = judge(rule_, *chain, numbers, reset_to_);
    }
    if (verdict.flow != Flow::Gap && verdict.flow != Flow::Reset) return verdict;
    if (counts(rule_)) {
        seen_.clear();
        text::append_u64(seen_, number_before);
    }
    came_.assign(rule_ == ContinuitySpec::Rule::Range ? *numbers.first : *numbers.at);
    verdict.seen = seen_;
    verdict.came = came_;
    return verdict;
}

void Continuity::forget_connection(std::uint64_t connection) { by_connection_.erase(connection); }

void Continuity::restart(std::string_view key, std::uint64_t connection, std::string_view last) {
    Chain* const chain = this->chain(key, connection);
    if (chain == nullptr) return;
    if (const auto number = number_of(last)) chain->number = *number;
    remember(*chain, last);
}

}  // namespace anode::source
