#include "core/source/machine_desk.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace anode::source {

namespace {

constexpr std::size_t kSampleBytesMax = 2 << 10;
constexpr std::size_t kSamplesMax = 20;
constexpr std::size_t kUnknownMax = 5;
constexpr std::size_t kErrorSampleMax = 512;
constexpr std::size_t kSecretBytesMin = 4;  // shorter ones would hide half of every text
constexpr std::size_t kReleaseBytes = 1 << 20;
constexpr Rate kLetters{200, 1s};
constexpr Rate kEvents{100, 1s};
constexpr Rate kGaps{20, 1s};
constexpr Duration kLedgerPause = 1s;

std::string_view cut(std::string_view text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return text;
    std::size_t end = bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    return text.substr(0, end);
}

std::string budget_owner(const Definition& definition) {
    if (definition.rate.per == RateSpec::Per::Provider) {
        if (const std::string* provider = definition.label("provider")) {
            return "provider:" + *provider;
        }
    }
    return "source:" + definition.name;
}

std::string default_weakness(const Definition& definition) {
    if (definition.type == Type::Test || definition.type == Type::File) return {};
    if (definition.continuity.rule != ContinuitySpec::Rule::None) return {};
    return "no continuity rule: a message that never came is not noticed";
}

std::vector<std::string> warnings_of(const Definition& definition) {
    std::vector<std::string> warnings;
    const MapSpec& map = definition.shape.map;
    if (map.key.empty()) warnings.emplace_back("no key: there is no newest message per key");
    if (map.id.empty() && !definition.dedupe) {
        warnings.emplace_back("no id: duplicates cannot be removed");
    } else if (!definition.dedupe) {
        warnings.emplace_back("no dedupe: what a feed repeats is kept twice");
    }
    if (!map.time) warnings.emplace_back("no time: lag cannot be measured");
    const bool streams = definition.type == Type::Websocket || definition.type == Type::Sse;
    if (streams && !definition.alive.stale) {
        warnings.emplace_back("no alive.stale: a feed that falls silent stays live");
    }
    return warnings;
}

}  // namespace

Result<std::string> RememberingSecrets::value(const SecretRef& reference) const {
    Result<std::string> found = from_.value(reference);
    if (found) remember(*found);
    return found;
}

void RememberingSecrets::remember(std::string_view secret) const {
    if (secret.size() < kSecretBytesMin) return;
    if (std::find(known_.begin(), known_.end(), secret) != known_.end()) return;
    if (known_.size() >= 64) known_.erase(known_.begin());
    known_.emplace_back(secret);
}

std::string RememberingSecrets::hide(std::string_view text) const {
    std::string shown(text);
    for (const std::string& secret : known_) {
        for (std::size_t at = shown.find(secret); at != std::string::npos;
             at = shown.find(secret, at)) {
            shown.replace(at, secret.size(), "~hidden~");
            at += 8;
        }
    }
    return shown;
}

Desk::Desk(std::shared_ptr<const Definition> definition, Restored restored, const Secrets& from,
           Budgets& shared, Rng random)
    : def(std::move(definition)),
      secrets(from),
      shaper(def),
      rng(random),
      budgets(shared),
      budget(shared.of(budget_owner(*def))),
      position(std::move(restored.position)),
      position_moved(restored.moved),
      restored_position(!position.empty()),
      queue(def->limits.queue, def->limits.full),
      seen(std::move(restored.seen)) {
    budget_name = budget_owner(*def);
    if (Dedupe* dedupe = shaper.dedupe()) {
        for (const Restored::Seen& known : seen) dedupe->insert(known.cid, known.at);
    }
}

void Desk::begin(Now time, Effects& effects) {
    now = time;
    out = &effects;
    if (since_ == 0) since_ = time.wall;
    shaper.recycle();
    queue.end_release();
    if (!kept_bytes_.empty()) kept_bytes_.clear();
    if (!kept_rows_.empty()) kept_rows_.clear();
}

BytesView Desk::keep(Bytes bytes) {
    kept_bytes_.push_back(std::make_unique<Bytes>(std::move(bytes)));
    return *kept_bytes_.back();
}

const Row& Desk::keep(std::unique_ptr<KeptRow> row) {
    kept_rows_.push_back(std::move(row));
    return kept_rows_.back()->row();
}

TimerId Desk::arm(TimerKind kind, std::uint32_t owner, Duration after) {
    const TimerId id = timers.next(kind, owner);
    act(act::Arm{id, std::max(after, Duration::zero())});
    return id;
}

void Desk::enter(State to, std::string why) {
    if (state == to) return;
    why_ = secrets.hide(why);
    act(act::StateChanged{state, to, why_});
    state = to;
    since_ = now.wall;
}

void Desk::error(ErrorClass which, std::string detail) {
    ++counters.errors;
    std::string shown = secrets.hide(detail);
    if (shown.size() > kErrorSampleMax) shown = std::string(cut(shown, kErrorSampleMax));
    ErrorCount& books = errors_[static_cast<std::size_t>(which)];
    books.error = which;
    if (books.count++ == 0) books.first_at = now.wall;
    books.last_at = now.wall;
    books.sample = shown;
    last_error_ = LastError{which, std::move(shown), now.wall};
}

void Desk::event(std::string_view kind, std::string detail) {
    if (events_.take(kEvents, now.mono) > Duration::zero()) return;
    act(act::Event{kind, secrets.hide(detail)});
}

void Desk::gap(act::GapFound found) {
    ++counters.gaps;
    counters.lost += found.lost;
    if (gaps_.take(kGaps, now.mono) == Duration::zero()) {
        act(std::move(found));
        return;
    }
    ++gaps_untold_;
    lost_untold_ += found.lost;
    if (ledger_armed_) return;
    ledger_ = arm(TimerKind::Release, 0, kLedgerPause);
    ledger_armed_ = true;
}

void Desk::tell_gaps() {
    ledger_armed_ = false;
    if (gaps_untold_ == 0) return;
    act(act::GapFound{"", "", "", lost_untold_, std::to_string(gaps_untold_) + " more gaps"});
    gaps_untold_ = lost_untold_ = 0;
}

void Desk::sample(std::string_view kind, std::string_view frame) {
    if (now.mono < next_sample_ && samples_.size() >= kSamplesMax) return;
    next_sample_ = now.mono + 1s;
    if (samples_.size() >= kSamplesMax) samples_.pop_front();
    samples_.push_back({now.wall, std::string(kind), secrets.hide(cut(frame, kSampleBytesMax))});
}

void Desk::sample_unknown(std::string_view frame) {
    if (unknown_.size() >= kUnknownMax) return;
    unknown_.push_back(secrets.hide(cut(frame, kSampleBytesMax)));
}

Shaped Desk::shape(const Shaper::Input& input) {
    ++counters.frames;
    counters.bytes += input.bytes.size();
    return shaper.shape(input, out->rows, out->dead_letters);
}

void Desk::discard(Mark from) {
    out->rows.resize(std::min(from.rows, out->rows.size()));
    out->dead_letters.resize(std::min(from.letters, out->dead_letters.size()));
}

void Desk::settle_letters(Mark from, const Shaped& shaped) {
    counters.rejected += shaped.rejected + shaped.rows_cut;
    std::size_t kept = from.letters;
    for (std::size_t i = from.letters; i < out->dead_letters.size(); ++i) {
        if (letters_.take(kLetters, now.mono) == Duration::zero()) {
            out->dead_letters[kept++] = out->dead_letters[i];
        }
    }
    out->dead_letters.resize(kept);
}

void Desk::settle_data(Mark from, const Shaped& shaped) {
    counters.duplicates += shaped.repeats;
    counters.dropped += shaped.dropped;
    if (shaped.rejected + shaped.rows_cut == 0) return;
    if (out->dead_letters.size() > from.letters) {
        error(shaped.rejected > 0 ? ErrorClass::Shape : ErrorClass::TooLarge,
              std::string(out->dead_letters[from.letters].reason));
    }
    settle_letters(from, shaped);
}

void Desk::garbage(Mark from, const Shaped& shaped) {
    const ErrorClass what = !shaped.undecoded                     ? ErrorClass::Malformed
                            : *shaped.undecoded == Errc::TooLarge ? ErrorClass::TooLarge
                                                                  : ErrorClass::Decode;
    error(what, std::string(shaped.words));
    settle_letters(from, shaped);
}

void Desk::settle_breaks(const Shaped& shaped) {
    for (const ChainBreak& found : shaped.breaks) {
        if (found.verdict.flow == Flow::Gap) {
            gap({std::string(found.key), std::string(found.verdict.seen),
                 std::string(found.verdict.came), found.verdict.lost.value_or(0), "sequence"});
        } else if (found.verdict.flow == Flow::Reset) {
            event("reset", "the feed's numbers began anew" +
                               (found.key.empty() ? "" : ": " + std::string(found.key)));
        }
    }
}

void Desk::publish(Mark from) {
    const std::size_t count = out->rows.size() - from.rows;
    if (count == 0) return;
    counters.rows += count;
    last_message_ = now.wall;
    for (std::size_t i = from.rows; i < out->rows.size(); ++i) {
        const Row& row = out->rows[i];
        if (row.verdict.flow == Flow::Late) ++counters.late;
        if (!row.position.empty()) position.assign(row.position);
    }
    const Row& newest = out->rows.back();
    if (newest.source_time) {
        lag_ = std::chrono::microseconds(now.wall - *newest.source_time);
    }
    if (pressed || !queue.empty()) enqueue(from);
}

void Desk::enqueue(Mark from) {
    for (std::size_t i = from.rows; i < out->rows.size(); ++i) {
        const RowQueue::Outcome outcome = queue.push(out->rows[i]);
        lost_queued_ += outcome.lost;
        conflated_queued_ += outcome.conflated;
        counters.overflowed += outcome.lost;
        counters.conflated += outcome.conflated;
    }
    out->rows.resize(from.rows);
}

void Desk::set_pressure(bool full) {
    if (pressed == full) return;
    pressed = full;
    if (!full) release_some();
}

void Desk::release_fired(TimerId id) {
    if (ledger_armed_ && id == ledger_) {
        tell_losses();
        tell_gaps();
    } else if (id == release_) {
        release_ = {};
        if (!pressed) release_some();
    }
}

void Desk::release_some() {
    queue.release(out->rows, kReleaseBytes);
    if (!ledger_armed_) tell_losses();
    if (!queue.empty()) release_ = arm(TimerKind::Release, 0, Duration::zero());
}

/// What the queue could not hold, in sums: pressure may come and go many times a second.
void Desk::tell_losses() {
    if (lost_queued_ + conflated_queued_ == 0) return;
    if (lost_queued_ > 0) {
        error(ErrorClass::Overflow, "the queue was full: oldest messages were dropped");
        gap({"", "", "", lost_queued_, "queue-full"});
    }
    if (conflated_queued_ > 0) gap({"", "", "", conflated_queued_, "conflated"});
    lost_queued_ = conflated_queued_ = 0;
    if (ledger_armed_) return;
    ledger_ = arm(TimerKind::Release, 0, kLedgerPause);
    ledger_armed_ = true;
}

void Desk::flush() {
    pressed = false;
    while (!queue.empty()) release_some();
    tell_losses();
    tell_gaps();
}

void Desk::fill(Status& status) const {
    status.state = state;
    status.since = since_;
    status.why = why_;
    status.last_error = last_error_;
    for (const ErrorCount& books : errors_) {
        if (books.count > 0) status.errors.push_back(books);
    }
    status.counters = counters;
    status.polls = polls;
    status.next_due = next_due;
    status.last_message = last_message_;
    status.lag = lag_;
    status.queued_bytes = queue.bytes();
    status.queued_rows = queue.size();
    status.weakness = def->weakness.empty() ? default_weakness(*def) : def->weakness;
    status.unknown_samples = unknown_;
    status.samples.assign(samples_.begin(), samples_.end());
    status.warnings = warnings_of(*def);
}

}  // namespace anode::source
