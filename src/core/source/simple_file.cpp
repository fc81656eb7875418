#include "base/text.hpp"
#include "core/source/simple.hpp"

namespace anode::source {

namespace {

/// A field that is a time, whatever its unit: numbers by their size, texts as RFC 3339.
std::optional<WallTime> time_of(const json::Value& value) {
    std::string scratch;
    const auto text = value.scalar_view(scratch);
    if (!text) return std::nullopt;
    if (const auto time = text::parse_rfc3339(*text)) return time;
    const auto number = text::parse_double(*text);
    if (!number || !(*number >= 0)) return std::nullopt;
    double micros = *number * 1e6;
    if (*number >= 1e17)
        micros = *number / 1e3;
    else if (*number >= 1e14)
        micros = *number;
    else if (*number >= 1e11)
        micros = *number * 1e3;
    if (micros >= 9e18) return std::nullopt;
    return static_cast<WallTime>(micros);
}

}  // namespace

FileMachine::FileMachine(std::shared_ptr<const Definition> definition, Restored restored,
                         const Secrets& secrets, Budgets& budgets, Rng rng)
    : SimpleMachine(std::move(definition), std::move(restored), secrets, budgets, rng),
      backoff_(desk_.def->backoff) {}

void FileMachine::begin() {
    act::OpenFile open;
    open.conn = conn_ = ConnId{++last_conn_};
    open.path = desk_.def->file.path;
    open.follow = desk_.def->file.follow;
    open.from = text::parse_u64(desk_.position).value_or(0);
    open.line_bytes_max = desk_.def->limits.frame;
    open_ = ended_ = false;
    reading_ = true;
    first_time_.reset();
    ++desk_.counters.connects;
    desk_.act(std::move(open));
    desk_.enter(State::Connecting, "opening the file");
}

void FileMachine::end() {
    // What waits for its time is read again from its position.
    held_.clear();
    timer_ = retry_ = {};
    if (!ended_) desk_.act(act::CloseConn{conn_, 1000, "stopped"});
    conn_ = ConnId{0};
    open_ = false;
}

void FileMachine::on(const Input& input) {
    if (const auto* data = std::get_if<in::FileData>(&input)) {
        if (running_ && data->conn == conn_) line(data->row, data->position);
    } else if (const auto* opened = std::get_if<in::Opened>(&input)) {
        if (opened->conn != conn_ || !running_) return;
        open_ = true;
        backoff_.reset();
        desk_.enter(State::Subscribing, "reading");
        apply_reading();
    } else if (const auto* ended = std::get_if<in::FileEnd>(&input)) {
        if (ended->conn != conn_ || !running_) return;
        ended_ = true;
        if (held_.empty()) finished();
    } else if (const auto* lost = std::get_if<in::Closed>(&input)) {
        if (lost->conn == conn_ && running_) closed(lost->why);
    } else if (const auto* timer = std::get_if<in::TimerFired>(&input)) {
        if (!running_) return;
        if (timer->id == timer_) release_due();
        if (timer->id == retry_) begin();
    } else if (std::holds_alternative<in::Pushed>(input)) {
        desk_.act(act::PushAnswered{false, Errc::Unsupported, "this source takes no pushes"});
    }
}

void FileMachine::line(BytesView row, std::uint64_t position) {
    const Duration wait = held_.empty() ? wait_for(row) : Duration::zero();
    if (held_.empty() && wait == Duration::zero()) {
        emit(row, position);
        apply_reading();
        return;
    }
    if (held_.size() >= kHeldMax * 2) {
        desk_.error(ErrorClass::Overflow, "the file came faster than reading could be stopped");
        desk_.gap({"", "", "", 1, "queue-full"});
        return;
    }
    held_.push_back({Bytes(row), position});
    if (held_.size() == 1) timer_ = desk_.arm(TimerKind::Pace, 0, wait);
    apply_reading();
}

void FileMachine::emit(BytesView row, std::uint64_t position) {
    if (row.empty()) return;
    std::string place;
    text::append_u64(place, position);
    Shaper::Input input;
    input.bytes = row;
    take(input, desk_.keep(std::move(place)));
}

Duration FileMachine::wait_for(BytesView row) {
    const FileSpec& file = desk_.def->file;
    if (!file.speed || !file.speed_time || *file.speed <= 0) return Duration::zero();
    if (!document_.parse(row)) return Duration::zero();
    const auto time = time_of(file.speed_time->get(document_.root()));
    if (!time) return Duration::zero();
    if (!first_time_) {
        first_time_ = time;
        clock_ = desk_.now.mono;
    }
    const double ahead = static_cast<double>(*time - *first_time_) * 1e3 / *file.speed;
    if (ahead <= 0 || ahead >= 9e18) return Duration::zero();
    const Instant due = clock_ + Duration(static_cast<Duration::rep>(ahead));
    return std::max(Duration::zero(), due - desk_.now.mono);
}

void FileMachine::release_due() {
    while (!held_.empty()) {
        const Duration wait = wait_for(held_.front().row);
        if (wait > Duration::zero()) {
            timer_ = desk_.arm(TimerKind::Pace, 0, wait);
            break;
        }
        const Held next = std::move(held_.front());
        held_.pop_front();
        emit(desk_.keep(next.row), next.position);
    }
    if (ended_ && held_.empty()) {
        finished();
    } else {
        apply_reading();
    }
}

void FileMachine::apply_reading() {
    if (!open_ || ended_) return;
    const bool want = !desk_.patient() && held_.size() < kHeldMax / 10;
    if (want == reading_) return;
    reading_ = want;
    desk_.act(act::Reading{conn_, want});
}

void FileMachine::closed(const Failure& why) {
    const Duration wait = backoff_.next(desk_.rng);
    desk_.error(why.error, why.detail);
    open_ = false;
    conn_ = ConnId{0};
    held_.clear();
    retry_ = desk_.arm(TimerKind::Backoff, 0, wait);
    desk_.enter(State::Backoff, why.detail);
}

void FileMachine::finished() {
    desk_.event("finished", "the file was read to its end");
    desk_.enter(State::Pending, "the file was read to its end");
}

}  // namespace anode::source
