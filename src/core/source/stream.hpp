#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/source/backoff.hpp"
#include "core/source/machine_desk.hpp"
#include "core/source/machine_lists.hpp"
#include "core/source/machine_request.hpp"
#include "core/source/stream_hold.hpp"
#include "core/source/stream_link.hpp"
#include "core/source/stream_overlap.hpp"

/// Sources that keep a connection: WebSocket, server-sent events, lines of JSON. Source: recipes,
/// sections 3 to 6.
namespace anode::source {

/// A share of the items and the connection that brings them, whatever becomes of it.
struct Slot {
    enum class Waits : std::uint8_t { Nothing, Backoff, Limited, Budget, Reopen, Failed };

    Slot(std::uint32_t slot_number, const BackoffSpec& spec) : number(slot_number), backoff(spec) {}

    std::uint32_t number;
    std::uint32_t group = 0;  ///< slots of a race share one
    std::shared_ptr<const std::vector<Item>> items;
    std::vector<const Template*> urls;
    std::size_t url = 0;
    Backoff backoff;
    std::unique_ptr<Link> primary, candidate;
    Waits waits = Waits::Nothing;
    TimerId retry{}, rotate{}, overlap{};
    unsigned auth_failures = 0;
    bool data = false;            ///< came since the last break
    WallTime broken_at = 0;       ///< last data before a break that nothing else shows
    std::optional<WallTime> due;  ///< next attempt
    std::string why;
    std::vector<ItemBook::Entry> last_book;  ///< of the connection before
    std::vector<StepStatus> last_steps;

    [[nodiscard]] State state() const noexcept;
};

/// Thread: confined, as every machine.
class StreamMachine final : public Machine, private LinkHost {
public:
    StreamMachine(std::shared_ptr<const Definition> definition, Restored restored,
                  const Secrets& secrets, Budgets& budgets, Rng rng);

    void handle(const Input& input, Now now, Effects& out) override;
    [[nodiscard]] State state() const noexcept override { return desk_.state; }
    [[nodiscard]] const Counters& counters() const noexcept override { return desk_.counters; }
    [[nodiscard]] Status status() const override;

private:
    // inputs
    void on(const in::Start&);
    void on(const in::Stop& stop);
    void on(const in::Restart&);
    void on(const in::Isolated& isolated);
    void on(const in::Opened& opened);
    void on(const in::Frame& frame);
    void on(const in::SseEvent& event);
    void on(const in::Alive& alive);
    void on(const in::Closed& closed);
    void on(const in::Answered& answer);
    void on(const in::RequestFailed& failed);
    void on(const in::TimerFired& timer);
    void on(const in::Pressure& pressure);
    void on(const in::Pushed&);
    void on(const in::FileData&) {}
    void on(const in::FileEnd&) {}
    void after_step();
    void apply_reading();
    void update_state();

    // links
    void link_opened(Link& link) override;
    void link_ready(Link& link) override;
    void link_data(Link& link) override;
    void link_stale(Link& link) override;
    void link_notice(Link& link, std::string_view words) override;
    void link_down(Link& link, Down down) override;
    void link_rows(Link& link, Desk::Mark from, const Shaped& shaped) override;
    void remove_copies(Link& link, Desk::Mark from, Overlap& overlap);

    // the life of a slot (stream_slot.cpp)
    void open(Slot& slot, bool candidate);
    Bytes position_for(Slot& slot);
    void rotate(Slot& slot, std::string_view why);
    void promote(Slot& slot);
    void recover(Slot& slot, const Link& link, const Down& down);
    void apply(Slot& slot, const Down& down, const Remedy& remedy);
    void retry_after(Slot& slot, Slot::Waits why, Duration wait, std::string words);
    void fail(Slot& slot, std::string why);
    void close_all(std::uint16_t code, const std::string& reason);
    void slot_timer(TimerId id);

    // items and slots (stream_items.cpp)
    void begin();
    void arrange(std::vector<Item> items);
    std::vector<Item> keep_items(Slot& slot, std::vector<Item>& wanted);
    void renew(Slot& slot, std::vector<Item> items);
    std::size_t route_of(const Item& item) const;
    void add_slots(std::size_t route, std::vector<Item> items);
    void remove_slot(std::uint32_t number);

    Link* find(ConnId id);
    Slot* slot_of(std::uint32_t number);

    Desk desk_;
    Courier courier_;
    TokenKeeper token_;
    Holds holds_;
    ItemLists lists_;
    bool running_ = false, isolated_ = false;
    bool dirty_ = false;  ///< something other than data happened in this step
    bool reading_ = true;

    std::map<std::uint32_t, Slot> slots_;
    std::map<std::uint32_t, std::size_t> routes_;  ///< slot → route; the last is `url`
    std::uint32_t next_slot_ = 0, next_group_ = 0, next_conn_ = 0;
    std::unordered_map<std::uint32_t, Link*> links_;
    Link* newest_ = nullptr;  ///< the one the last frame came from
    std::vector<std::unique_ptr<Link>> graveyard_;
    std::map<std::uint32_t, Overlap> overlaps_;  ///< by group
    const Template* position_url_ = nullptr;     ///< where the position came from
};

}  // namespace anode::source
