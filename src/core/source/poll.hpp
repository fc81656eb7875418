#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/source/backoff.hpp"
#include "core/source/machine_desk.hpp"
#include "core/source/machine_lists.hpp"
#include "core/source/machine_request.hpp"
#include "core/source/poll_diff.hpp"
#include "core/source/poll_pages.hpp"
#include "core/source/poll_prelude.hpp"

/// Sources that ask again and again. Source: recipes, section 7; sources, C30, C31, C40 to C46.
namespace anode::source {

/// One request that is made again and again: a batch of items, or the whole source.
struct Target {
    enum class State : std::uint8_t { New, Good, Backoff, Limited, Failed };

    Target(std::uint32_t target_number, const BackoffSpec& spec,
           std::shared_ptr<const Differ::Stored> stored)
        : number(target_number), backoff(spec), differ(std::move(stored)) {}

    std::uint32_t number;
    std::vector<Item> items;
    State state = State::New;
    std::string why = "first request";
    Backoff backoff;
    std::size_t url = 0;
    std::string etag, last_modified;
    std::optional<std::uint64_t> body;  ///< hash of the last one, for `same = "body"`
    std::optional<Duration> interval;   ///< the server's wish
    unsigned auth_failures = 0;
    bool asking = false, wants_token = false;
    bool whole = true;      ///< nothing of the round at hand was unreadable
    std::size_t fresh = 0;  ///< rows of the round at hand that went out
    Instant asked{};        ///< when the round at hand began
    TimerId timer{};
    WallTime due = 0;
    Differ differ;
    Pages pages;
};

/// Thread: confined, as every machine.
class PollMachine final : public Machine {
public:
    PollMachine(std::shared_ptr<const Definition> definition, Restored restored,
                const Secrets& secrets, Budgets& budgets, Rng rng);

    void handle(const Input& input, Now now, Effects& out) override;
    [[nodiscard]] State state() const noexcept override { return desk_.state; }
    [[nodiscard]] const Counters& counters() const noexcept override { return desk_.counters; }
    [[nodiscard]] Status status() const override;

private:
    void on(const in::Start&);
    void on(const in::Stop& stop);
    void on(const in::Restart&);
    void on(const in::Isolated& isolated);
    void on(const in::Answered& answer);
    void on(const in::RequestFailed& failed);
    void on(const in::TimerFired& timer);
    void on(const in::Pressure& pressure) { desk_.set_pressure(pressure.full); }
    void on(const in::Pushed&);
    template <class Other>
    void on(const Other&) {}  // a poll has no connections and no files

    void prelude_step(Prelude::Progress progress);
    void token_here(bool good);
    void begin();
    void arrange(std::vector<Item> items);
    [[nodiscard]] bool asks_by_item() const;
    void close_all();
    void update_state();

    // one target (poll_target.cpp)
    void ask(Target& target);
    void ask_page(Target& target, const std::string& url);
    void add_validators(const Target& target, Headers& headers) const;
    void answered(Target& target, const in::Answered& answer);
    void took(Target& target, const in::Answered& answer);
    void page_taken(Target& target, const in::Answered& answer, const Shaped& shaped,
                    Desk::Mark from);
    void other(Target& target, const Shaped& shaped);
    void finish(Target& target, bool complete);
    void report_overlap(const Target& target, const Pages::Round& round);
    void refused(Target& target, const in::Answered& answer);
    void failed(Target& target, const Failure& why);
    void broken(Target& target, ErrorClass error, std::string why, Target::State state,
                std::optional<Duration> wait);
    void good(Target& target);
    void schedule(Target& target, Duration wait);
    [[nodiscard]] Duration until_next(const Target& target);
    [[nodiscard]] Variables variables_of(const Target& target) const;

    Desk desk_;
    Courier courier_;
    TokenKeeper token_;
    ItemLists lists_;
    Prelude prelude_;
    Backoff prelude_backoff_;
    TimerId prelude_retry_{};
    bool prelude_failed_ = false;
    bool running_ = false, isolated_ = false;
    std::shared_ptr<const Differ::Stored> stored_;  ///< what an earlier run knew
    std::deque<Target> targets_;
    std::uint64_t counter_ = 1;
};

}  // namespace anode::source
