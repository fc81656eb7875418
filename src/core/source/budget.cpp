#include "core/source/budget.hpp"

namespace anode::source {

namespace {

/// The same rate with a window of few enough spendings.
Rate in_bounds(Rate rate) {
    if (rate.count <= Bucket::kWindowMax) return rate;
    const std::uint32_t parts = (rate.count + Bucket::kWindowMax - 1) / Bucket::kWindowMax;
    return {rate.count / parts, rate.per / parts};
}

}  // namespace

Duration Bucket::take(const Rate& rate, Instant now) {
    if (held_until_ > now) return held_until_ - now;
    if (rate.count == 0) return Duration::zero();
    const Rate bounded = in_bounds(rate);
    while (!spent_.empty() && spent_.front() + bounded.per <= now) spent_.pop_front();
    if (spent_.size() >= bounded.count) {
        return spent_[spent_.size() - bounded.count] + bounded.per - now;
    }
    spent_.push_back(now);
    return Duration::zero();
}

void Bucket::spend(const Rate& rate, Instant now) {
    if (rate.count == 0) return;
    const Rate bounded = in_bounds(rate);
    spent_.push_back(now);
    while (spent_.size() > 2 * std::size_t{bounded.count}) spent_.pop_front();
}

Budgets::Owner& Budgets::of(std::string_view owner) {
    const auto found = owners_.find(owner);
    if (found != owners_.end()) return found->second;
    return owners_.emplace(std::string(owner), Owner{}).first->second;
}

void Budgets::set_share(std::string_view owner, double share) {
    of(owner).share = std::clamp(share, 0.0, 1.0);
}

Rate Budgets::part(const Owner& owner, Rate rate) {
    if (rate.count == 0 || owner.share >= 1.0) return rate;
    // Slower rather than smaller: a share of one request a second is one request in three seconds.
    const double per = static_cast<double>(rate.per.count()) / std::max(owner.share, 1e-6);
    rate.per = Duration(static_cast<Duration::rep>(std::min(per, 1e18)));
    return rate;
}

}  // namespace anode::source
