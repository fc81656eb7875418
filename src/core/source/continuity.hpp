#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/source/definition_shape.hpp"

/// Whether messages of a feed follow one another. Source: recipes, section 6.
namespace anode::source {

enum class Flow : std::uint8_t {
    Unchecked,  ///< no rule, or the row holds no number
    Ok,
    Late,       ///< older than what was seen
    Duplicate,  ///< the same again
    Gap,
    Reset,  ///< the feed began anew (`reset_to`)
};
std::string_view name(Flow flow) noexcept;

struct Verdict {
    Flow flow = Flow::Unchecked;
    std::optional<std::uint64_t> lost;  ///< of a gap, if known
    /// Of a gap: the last number seen and the one that came, as a ledger shows them. Views end with
    /// the next call.
    std::string_view seen, came;
};

/// The rules, with what was last seen per key, connection or source.
/// Thread: confined. Memory: at most kContinuityKeysMax keys; further ones stay Unchecked and are
/// counted.
class Continuity {
public:
    static constexpr std::size_t kKeysMax = 200'000;

    explicit Continuity(const ContinuitySpec& spec);

    /// What a row or heartbeat says. Absent texts: the row does not carry them.
    struct Numbers {
        std::optional<std::string_view> at, first, last, previous, parent;
    };
    /// Judges and remembers. `key` and `connection` pick the chain, as `per` says.
    Verdict check(std::string_view key, std::uint64_t connection, const Numbers& numbers);

    /// A connection ended: its chains are forgotten. Chains per key and source go on, so that what
    /// was missed shows.
    void forget_connection(std::uint64_t connection);
    /// A snapshot holds everything up to `last`: the chain goes on from there.
    void restart(std::string_view key, std::uint64_t connection, std::string_view last);
    [[nodiscard]] std::uint64_t unchecked_for_room() const noexcept { return unchecked_; }

    struct Chain {
        std::uint64_t number = 0;
        std::string text;  ///< identities that are no numbers
        bool known = false;
    };

private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept;
    };
    Chain* chain(std::string_view key, std::uint64_t connection);

    ContinuitySpec::Rule rule_;
    ContinuitySpec::Per per_;
    std::optional<std::uint64_t> reset_to_;
    std::unordered_map<std::string, Chain, Hash, std::equal_to<>> by_key_;
    std::unordered_map<std::uint64_t, Chain> by_connection_;
    Chain source_;
    std::uint64_t unchecked_ = 0;
    std::string seen_, came_;
};

}  // namespace anode::source
