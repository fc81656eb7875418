#include "sim/shrink.hpp"

#include <algorithm>
#include <numeric>

namespace anode::sim {
namespace {

using Numbers = std::vector<unsigned>;

/// `all` without its `part`-th of `parts` parts.
Numbers without(const Numbers& all, std::size_t part, std::size_t parts) {
    const std::size_t from = all.size() * part / parts, to = all.size() * (part + 1) / parts;
    Numbers rest(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(from));
    rest.insert(rest.end(), all.begin() + static_cast<std::ptrdiff_t>(to), all.end());
    return rest;
}

}  // namespace

Request shrink(Request request, std::size_t faults, const StillBroken& still_broken,
               unsigned runs_max) {
    unsigned runs = 0;
    const auto take = [&](Request smaller) {
        if (runs >= runs_max || (++runs, !still_broken(smaller))) return false;
        request = std::move(smaller);
        return true;
    };
    if (!request.only) {
        request.only.emplace(faults);
        std::iota(request.only->begin(), request.only->end(), 0u);
    }
    const auto fewer_faults = [&] {
        std::size_t parts = 2;
        while (!request.only->empty() && runs < runs_max) {
            parts = std::min(parts, request.only->size());
            bool taken = false;
            for (std::size_t part = 0; part < parts && !taken; ++part) {
                Request smaller = request;
                smaller.only = without(*request.only, part, parts);
                taken = take(std::move(smaller));
            }
            if (taken)
                parts = std::max<std::size_t>(2, parts - 1);
            else if (parts >= request.only->size())
                return;
            else
                parts *= 2;
        }
    };
    fewer_faults();
    for (unsigned first = 1; first < request.first.value_or(request.members); ++first) {
        Request smaller = request;
        smaller.first = first;
        if (take(std::move(smaller))) break;
    }
    for (unsigned shorten = request.shorten + 1; shorten < 8; ++shorten) {
        Request smaller = request;
        smaller.shorten = shorten;
        if (!take(std::move(smaller))) break;
    }
    fewer_faults();
    return request;
}

Request shrink(const Request& request, const Violation& violation, unsigned runs_max) {
    const auto still_broken = [&](const Request& smaller) {
        const Outcome outcome = run(smaller);
        return outcome.violation && outcome.violation->check == violation.check;
    };
    return shrink(request, make_plan(request).faults.size(), still_broken, runs_max);
}

}  // namespace anode::sim
