#include <cmath>

#include "base/text.hpp"
#include "core/source/simple.hpp"

namespace anode::source {

namespace {

constexpr Duration kShortestTick = 10ms;
constexpr std::uint64_t kRowsATickMax = 10'000;

/// `number` with two digits behind the point, without a double's surprises.
void append_cents(std::string& out, double number) {
    const auto cents = static_cast<std::int64_t>(std::llround(number * 100));
    if (cents < 0) out += '-';
    const std::uint64_t whole = static_cast<std::uint64_t>(std::llabs(cents));
    text::append_u64(out, whole / 100);
    out += '.';
    out += static_cast<char>('0' + whole / 10 % 10);
    out += static_cast<char>('0' + whole % 10);
}

}  // namespace

TestMachine::TestMachine(std::shared_ptr<const Definition> definition, Restored restored,
                         const Secrets& secrets, Budgets& budgets, Rng rng)
    : SimpleMachine(std::move(definition), std::move(restored), secrets, budgets, rng),
      dice_(desk_.def->test.seed),
      levels_(std::max<std::uint32_t>(1, desk_.def->test.keys)) {
    for (double& level : levels_) level = 100 + static_cast<double>(dice_.below(90'000)) / 100;
}

Duration TestMachine::period() const {
    const Rate& rate = desk_.def->test.rate;
    if (rate.count == 0) return 1s;
    return std::max(kShortestTick, rate.per / rate.count);
}

void TestMachine::begin() {
    began_ = desk_.now.mono;
    base_ = made_;
    timer_ = desk_.arm(TimerKind::Tick, 0, period());
    desk_.enter(State::Connecting, "the first row is being made");
}

void TestMachine::on(const Input& input) {
    if (const auto* timer = std::get_if<in::TimerFired>(&input)) {
        if (running_ && timer->id == timer_) tick();
    } else if (std::holds_alternative<in::Pushed>(input)) {
        desk_.act(act::PushAnswered{false, Errc::Unsupported, "this source takes no pushes"});
    }
}

/// Makes what is due since begin(), so that the rate holds however late the timer comes.
void TestMachine::tick() {
    timer_ = desk_.arm(TimerKind::Tick, 0, period());
    const Rate& rate = desk_.def->test.rate;
    if (rate.count == 0) return;
    const double passed = static_cast<double>((desk_.now.mono - began_).count());
    const double share = passed / static_cast<double>(rate.per.count());
    const std::uint64_t due = base_ + static_cast<std::uint64_t>(share * rate.count);
    if (desk_.patient() || due > made_ + kRowsATickMax) {
        // A generator need not catch up: what was not made is nobody's loss.
        began_ = desk_.now.mono;
        base_ = made_;
        return;
    }
    while (made_ < due) make_row(made_++);
}

void TestMachine::make_row(std::uint64_t number) {
    const TestSpec& spec = desk_.def->test;
    const std::size_t key = spec.shape == TestSpec::Shape::Counter ? number % levels_.size()
                                                                   : dice_.below(levels_.size());
    double& level = levels_[key];
    row_.clear();
    switch (spec.shape) {
        case TestSpec::Shape::Trade: {
            level = std::max(0.01, level * (1 + (dice_.unit() - 0.5) * 0.002));
            row_ += "{\"s\":\"K";
            text::append_u64(row_, key);
            row_ += "\",\"t\":";
            text::append_u64(row_, number);
            row_ += ",\"p\":\"";
            append_cents(row_, level);
            row_ += "\",\"q\":\"";
            append_cents(row_, 0.01 + static_cast<double>(dice_.below(1000)) / 100);
            row_ += dice_.chance(0.5) ? "\",\"side\":\"buy\"" : "\",\"side\":\"sell\"";
            break;
        }
        case TestSpec::Shape::Sensor:
            level += (dice_.unit() - 0.5) * 0.4;
            row_ += "{\"id\":\"sensor-";
            text::append_u64(row_, key);
            row_ += "\",\"n\":";
            text::append_u64(row_, number);
            row_ += ",\"value\":";
            append_cents(row_, level);
            break;
        case TestSpec::Shape::Counter:
            row_ += "{\"key\":\"k";
            text::append_u64(row_, key);
            row_ += "\",\"n\":";
            text::append_u64(row_, number / levels_.size());
            break;
    }
    row_ += ",\"T\":";
    text::append_i64(row_, desk_.now.wall / 1000);
    row_ += '}';
    Shaper::Input input;
    input.bytes = desk_.keep(Bytes(row_));
    input.data_only = true;
    take(input);
}

}  // namespace anode::source
