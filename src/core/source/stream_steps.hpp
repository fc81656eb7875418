#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/source/items.hpp"
#include "core/source/machine_desk.hpp"
#include "core/source/machine_request.hpp"

/// The connect steps of one connection, and what became of its items. Source: recipes, section 4.
namespace anode::source {

class Link;

/// The items of one connection: who was accepted, who refused, and which message asked for whom.
class ItemBook {
public:
    explicit ItemBook(std::size_t count) : states_(count), pending_(count) {}

    struct Entry {
        ItemState state = ItemState::Pending;
        std::string reason;
        WallTime since = 0;
    };
    /// True if that changed something.
    bool set(std::size_t item, ItemState state, std::string reason, WallTime now);
    [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return states_; }
    [[nodiscard]] std::size_t pending() const noexcept { return pending_; }
    [[nodiscard]] std::size_t accepted() const noexcept { return accepted_; }
    [[nodiscard]] std::vector<std::size_t> missing() const;
    /// The number `{n}` of a message asked for these items.
    void note_number(std::uint64_t number, std::vector<std::size_t> asked);
    /// The items a frame is about: by their fields, or by the number it echoes.
    [[nodiscard]] std::vector<std::size_t> find(const ItemRef& ref, const json::Value& frame,
                                                std::span<const Item> items) const;

private:
    std::vector<Entry> states_;
    std::size_t pending_ = 0, accepted_ = 0;
    std::unordered_map<std::string, std::vector<std::size_t>> asked_by_;
};

/// Walks the steps. Thread: as its link.
class StepRunner {
public:
    StepRunner(Link& link, const std::vector<Step>& steps);

    /// The steps that run before the connection opens: requests that stand first.
    [[nodiscard]] std::size_t before_open() const noexcept { return before_open_; }
    /// Goes on as far as it can without waiting. True if `until` was reached.
    bool run(std::size_t until);
    /// Looks at a frame while steps are waited for. True if a step took it as its answer.
    bool take(const Shaped& shaped);
    /// All messages of a send step have left.
    void sent();
    void answered(const in::Answered& answer);
    void request_failed(const Failure& why);
    void fired(TimerId id);
    /// An item was refused or accepted by a classified frame: the step may be complete.
    void items_changed();
    [[nodiscard]] bool done() const noexcept { return at_ >= steps_.size(); }
    [[nodiscard]] std::vector<StepStatus> status() const { return status_; }
    void fail_current(std::string detail);

private:
    bool begin(const Step& step);
    bool begin(const SendStep& step);
    bool begin(const ExpectStep& step);
    bool begin(const RequestStep& step);
    bool begin(const WaitStep& step);
    void next();
    void resume();
    bool send_to(const SendStep& step, const std::vector<std::size_t>& items);
    bool send_one(const SendStep& step, std::span<const std::size_t> items, Bytes& out);
    std::vector<std::size_t> meant_by(const SendStep& step, std::vector<std::size_t> items) const;
    bool is_about_items(const MessageTemplate& message) const;
    bool capture(const std::vector<Capture>& captures, const json::Value& from);
    bool met(std::size_t step);
    bool refuse(const ExpectStep& step, const Shaped& shaped);
    bool accept(std::size_t index, const ExpectStep& step, const Shaped& shaped);
    bool ask_again(const std::vector<std::size_t>& missing);
    void expect_ran_out(const ExpectStep& step);
    bool refresh_credentials();

    Link& link_;
    const std::vector<Step>& steps_;
    std::size_t before_open_ = 0;
    std::size_t until_ = 0;
    std::size_t at_ = 0;
    bool running_ = false;
    std::vector<bool> met_;
    std::vector<StepStatus> status_;
    Instant began_{};
    TimerId timer_{};
    unsigned resent_ = 0;
};

}  // namespace anode::source
