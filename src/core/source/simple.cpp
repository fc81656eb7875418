#include "core/source/simple.hpp"

namespace anode::source {

SimpleMachine::SimpleMachine(std::shared_ptr<const Definition> definition, Restored restored,
                             const Secrets& secrets, Budgets& budgets, Rng rng)
    : desk_(std::move(definition), std::move(restored), secrets, budgets, rng) {}

void SimpleMachine::handle(const Input& input, Now now, Effects& out) {
    desk_.begin(now, out);
    if (std::holds_alternative<in::Start>(input)) {
        start();
    } else if (const auto* stopping = std::get_if<in::Stop>(&input)) {
        stop(stopping->drain ? State::Draining : State::Disabled,
             stopping->drain ? "handed over" : "stopped");
    } else if (std::holds_alternative<in::Restart>(input)) {
        if (running_) end();
        running_ = false;
        desk_.event("restarted");
        start();
    } else if (const auto* pressure = std::get_if<in::Pressure>(&input)) {
        desk_.set_pressure(pressure->full);
        pressure_changed();
    } else if (const auto* isolated = std::get_if<in::Isolated>(&input)) {
        if (desk_.def->placement.on_isolation != Placement::OnIsolation::Pause) return;
        if (isolated->isolated) {
            isolated_ = true;
            if (running_) stop(State::Pending, "the node is cut off from its cluster");
        } else if (isolated_) {
            isolated_ = false;
            start();
        }
    } else if (const auto* timer = std::get_if<in::TimerFired>(&input);
               timer != nullptr && Timers::kind(timer->id) == TimerKind::Release) {
        desk_.release_fired(timer->id);
        pressure_changed();
    } else {
        on(input);
    }
}

void SimpleMachine::start() {
    if (running_ || isolated_) return;
    if (!desk_.def->enabled) {
        desk_.enter(State::Disabled, "not enabled");
        return;
    }
    running_ = true;
    begin();
}

void SimpleMachine::stop(State state, const char* why) {
    if (running_) end();
    desk_.flush();
    running_ = false;
    desk_.enter(state, why);
}

Shaped SimpleMachine::take(Shaper::Input input, std::string_view position) {
    const Desk::Mark from = desk_.mark();
    input.wall = desk_.now.wall;
    const Shaped shaped = desk_.shape(input);
    desk_.sample(name(shaped.kind), shaped.text);
    switch (shaped.kind) {
        case FrameKind::Data: {
            desk_.settle_data(from, shaped);
            const bool own = desk_.def->resume && desk_.def->resume->at;
            if (!position.empty() && !own && desk_.out->rows.size() > from.rows) {
                desk_.out->rows.back().position = position;
            }
            desk_.settle_breaks(shaped);
            desk_.publish(from);
            live();
            break;
        }
        case FrameKind::Garbage:
            desk_.garbage(from, shaped);
            break;
        case FrameKind::Heartbeat:
            ++desk_.counters.heartbeats;
            break;
        case FrameKind::Unknown:
            ++desk_.counters.unknown;
            desk_.sample_unknown(shaped.text);
            break;
        default:
            ++desk_.counters.ignored;
            break;
    }
    return shaped;
}

void SimpleMachine::live() { desk_.enter(State::Live, "data"); }

Status SimpleMachine::status() const {
    Status status;
    desk_.fill(status);
    return status;
}

}  // namespace anode::source
