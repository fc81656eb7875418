#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/source/machine_desk.hpp"

/// A document as rows that are new, changed, or gone (C40).
namespace anode::source {

/// What the last answers held, by row.
/// Memory: a key, a topic and a hash a row; at most kRowsMax rows, further ones go out each time.
class Differ {
public:
    static constexpr std::size_t kRowsMax = 500'000;

    /// Versions by row, as an earlier run stored them in content ids.
    using Stored = std::unordered_map<std::uint64_t, std::uint64_t>;
    static std::shared_ptr<const Stored> read(const std::vector<Restored::Seen>& seen);
    explicit Differ(std::shared_ptr<const Stored> stored) : stored_(std::move(stored)) {}

    /// Looks at the rows of one page since `from`: rows that did not change are taken out.
    /// Has to run before the shaper is asked again.
    void look(Desk& desk, Desk::Mark from);
    /// The answer is complete: what was not seen in it has vanished. Appends `delete` rows.
    void finish(Desk& desk);
    /// The answer was not whole: nothing can be said about what it lacked.
    void give_up();

private:
    struct Known {
        std::uint64_t version = 0;
        std::uint64_t round = 0;
        std::optional<WallTime> time;
        std::string topic, key, item;
    };
    bool is_fresh(std::string_view id, std::uint64_t version, const Row& row);

    std::map<std::string, Known, std::less<>> rows_;
    std::uint64_t round_ = 1;
    std::shared_ptr<const Stored> stored_;  ///< until the first whole answer
};

}  // namespace anode::source
