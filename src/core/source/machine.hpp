#pragma once

#include <memory>
#include <vector>

#include "base/bytes.hpp"
#include "base/hash.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "core/source/budget.hpp"
#include "core/source/definition.hpp"
#include "core/source/machine_io.hpp"
#include "core/source/machine_status.hpp"
#include "core/source/secret.hpp"

namespace anode::source {

/// What an earlier run of the source left behind.
struct Restored {
    Bytes position;      ///< `source_position` of the newest stored row; empty: none
    bool moved = false;  ///< another node stored it: `resume.rewind` applies
    struct Seen {
        Hash128 cid;
        WallTime at = 0;
    };
    std::vector<Seen> seen;  ///< content ids of stored rows inside the dedupe window, oldest first
};

/// One source, whatever its type, as a pure state machine: connects, subscribes, keeps alive, polls, resumes.
/// Thread:  confined to one owner at a time; never blocks.
/// Time:    only `now`, which never runs backwards (its monotonic part). Random: only the generator given at birth.
/// Errors:  none. What the world does wrong is counted, shown in status(), and answered as the definition says.
/// Limits:  every queue inside is bounded by the definition's `limits`.
/// Source:  recipes, sections 3 to 9.
class Machine {
public:
    virtual ~Machine() = default;

    /// Applies one input and appends its effects. Views in earlier effects end here.
    virtual void handle(const Input& input, Now now, Effects& out) = 0;

    [[nodiscard]] virtual State state() const noexcept = 0;
    [[nodiscard]] virtual const Counters& counters() const noexcept = 0;
    /// A full picture; not for the hot path.
    [[nodiscard]] virtual Status status() const = 0;
};

/// `secrets` and `budgets` outlive the machine.
std::unique_ptr<Machine> make_machine(std::shared_ptr<const Definition> definition,
                                      Restored restored, const Secrets& secrets, Budgets& budgets,
                                      Rng rng);

}  // namespace anode::source
