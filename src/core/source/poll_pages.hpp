#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/source/machine_desk.hpp"

/// Answers in several pages, and whether they meet what is known (C42, C46).
namespace anode::source {

/// One target's walk over the pages of a round. Rows wait here until the last page is in.
/// Memory: the rows of `pages.max` answers; ids of the last two rounds.
class Pages {
public:
    struct Round {
        unsigned pages = 0;
        std::size_t rows = 0;    ///< found, known or not
        bool met_known = false;  ///< a row of an earlier round was among them
        std::optional<WallTime> oldest, newest;
        std::string first_url;
        std::string last_id;
    };
    [[nodiscard]] const Round& round() const noexcept { return round_; }
    void begin(std::string url);
    /// Notes what a page holds; `keep` takes its rows out of the step until release().
    void note(Desk& desk, Desk::Mark from, const Shaped& shaped, bool keep);
    /// The URL of the next page, if there is to be one. An error says why it cannot be followed.
    Result<std::optional<std::string>> next(const Desk& desk, const in::Answered& answer,
                                            const Shaped& shaped, const Variables& variables) const;
    /// Puts the rows that wait into the step, oldest first if the definition wants it.
    void release(Desk& desk);
    /// The round is over: its ids are what the next one has to meet.
    void finish();
    /// Something came in an earlier round, so that a hole can be told from a beginning.
    [[nodiscard]] bool has_past() const noexcept { return past_rows_ > 0; }
    [[nodiscard]] std::size_t past_rows() const noexcept { return past_rows_; }
    [[nodiscard]] std::optional<WallTime> past_newest() const noexcept { return past_newest_; }

private:
    Round round_;
    std::vector<std::vector<std::unique_ptr<KeptRow>>> waiting_;
    std::unordered_set<std::uint64_t> ids_, past_ids_;
    std::size_t past_rows_ = 0;
    std::optional<WallTime> past_newest_;
};

/// The target of `rel="next"` in a Link header (RFC 8288).
std::optional<std::string> next_link(HeaderView headers);
/// `reference` as seen from `base`: absolute, from the root, or a new query. Refused for another
/// host, which must not get our credentials.
Result<std::string> resolve(std::string_view base, std::string_view reference);

}  // namespace anode::source
