#include "core/source/stream_hold.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace anode::source {

namespace {

constexpr unsigned kBackfillPagesMax = 100;
constexpr unsigned kBackfillTries = 3;
constexpr Duration kBackfillPause = 1s;

std::optional<std::uint64_t> number_at(const expr::Selector& at, const json::Value& from) {
    const auto text = from ? at.text_of(from) : std::nullopt;
    return text ? text::parse_u64(*text) : std::nullopt;
}

const Item* subject_of(std::span<const Item> items, const Row& row) {
    for (const Item& item : items) {
        if (!row.item.empty() && item.text == row.item) return &item;
    }
    for (const Item& item : items) {
        for (const auto& [name, value] : item.fields) {
            if (text::iequals(value, row.key)) return &item;
        }
    }
    return nullptr;
}

}  // namespace

Holds::Holds(Desk& desk, Courier& courier, TokenKeeper& token)
    : desk_(desk), courier_(courier), token_(token) {
    const Definition& def = *desk.def;
    snapshots_ = def.snapshot && def.snapshot->get;
    backfills_ = def.backfill && def.continuity.on_gap == ContinuitySpec::OnGap::Backfill;
}

std::uint32_t Holds::number_of(const Row& row) {
    if (const auto known = numbers_.find(row.key); known != numbers_.end()) return known->second;
    const auto number = static_cast<std::uint32_t>(keys_.size());
    numbers_.emplace(std::string(row.key), number);
    Key key;
    key.key = row.key;
    key.topic = row.topic;
    key.item = row.item;
    key.phase = snapshots_ ? Key::Phase::New : Key::Phase::Live;
    keys_.push_back(std::move(key));
    return number;
}

void Holds::rows(std::uint64_t connection, std::span<const Item> items, Desk::Mark from,
                 const Shaped& shaped) {
    if (snapshots_ && desk_.def->snapshot->every && !again_armed_) {
        again_ = desk_.arm(TimerKind::Resnapshot, 0, *desk_.def->snapshot->every);
        again_armed_ = true;
    }
    gaps(shaped, from);
    std::vector<Row>& rows = desk_.out->rows;
    std::size_t kept = from.rows;
    for (std::size_t i = from.rows; i < rows.size(); ++i) {
        const bool known = numbers_.find(rows[i].key) != numbers_.end();
        bool taken = false;
        if (known || keys_.size() < kKeysMax) {
            const std::uint32_t number = number_of(rows[i]);
            Key& key = keys_[number];
            key.connection = connection;
            if (rows[i].source_time) key.last_time = rows[i].source_time;
            if (!key.subject) {
                if (const Item* subject = subject_of(items, rows[i])) key.subject = *subject;
            }
            if (key.phase != Key::Phase::Live && (key.backfill || is_delta(rows[i]))) {
                // A snapshot that came in the stream is as good as one we ask for.
                const bool in_band = rows[i].kind == Kind::Snapshot;
                if (key.phase == Key::Phase::New && in_band) key.phase = Key::Phase::Live;
                if (key.phase == Key::Phase::New) begin_key(number, rows[i]);
                taken = key.phase != Key::Phase::Live;
                if (taken) hold(number, rows[i]);
            }
        }
        if (!taken) {
            if (kept != i) rows[kept] = rows[i];
            ++kept;
        }
    }
    rows.resize(kept);
}

/// Rows without the numbers to align by, such as trades beside a book, are no business of snapshots: they
/// neither wait for one nor are replaced by one.
bool Holds::is_delta(const Row& row) const {
    if (!desk_.def->snapshot || !desk_.def->snapshot->align) return true;
    const auto& align = *desk_.def->snapshot->align;
    return number_at(align.first, row.value) && number_at(align.last, row.value);
}

/// The snapshot of a key goes where its deltas go.
void Holds::begin_key(std::uint32_t number, const Row& first) {
    keys_[number].topic = first.topic;
    keys_[number].item = first.item;
    start_snapshot(number, desk_.def->snapshot->settle);
}

/// Gaps that ask for a snapshot or a backfill. Rows of the key that came before the gap in this
/// frame are held with those after it: the order stays.
void Holds::gaps(const Shaped& shaped, Desk::Mark from) {
    const auto on_gap = desk_.def->continuity.on_gap;
    for (const ChainBreak& found : shaped.breaks) {
        if (found.verdict.flow != Flow::Gap) continue;
        const auto known = numbers_.find(found.key);
        if (snapshots_ && on_gap == ContinuitySpec::OnGap::Snapshot) {
            if (known == numbers_.end()) continue;
            if (keys_[known->second].phase == Key::Phase::Live) {
                start_snapshot(known->second, Duration::zero());
            }
        } else if (backfills_) {
            const std::vector<Row>& rows = desk_.out->rows;
            const auto after =
                std::find_if(rows.begin() + static_cast<std::ptrdiff_t>(from.rows), rows.end(),
                             [&](const Row& row) {
                                 return row.key == found.key && row.verdict.flow == Flow::Gap;
                             });
            if (after == rows.end() && known == numbers_.end()) continue;
            const std::uint32_t number = after != rows.end() ? number_of(*after) : known->second;
            start_backfill(number, found, after != rows.end() ? &*after : nullptr);
        }
    }
}

void Holds::hold(std::uint32_t number, const Row& row) {
    Held held{std::make_unique<KeptRow>(row), {}, {}};
    if (desk_.def->snapshot && desk_.def->snapshot->align) {
        held.first = number_at(desk_.def->snapshot->align->first, row.value);
        held.last = number_at(desk_.def->snapshot->align->last, row.value);
    }
    held_bytes_ += held.row->bytes();
    Key& key = keys_[number];
    key.held.push_back(std::move(held));
    if (held_bytes_ <= desk_.def->limits.queue || key.overfull) return;
    key.overfull = true;
    key.timer = desk_.arm(TimerKind::Settle, number, Duration::zero());
}

// -- asking ----------------------------------------------------------------------------------------

void Holds::start_snapshot(std::uint32_t number, Duration after) {
    Key& key = keys_[number];
    key.phase = Key::Phase::Settling;
    key.backfill = false;
    key.tries = 0;
    key.timer = desk_.arm(TimerKind::Settle, number, after);
}

void Holds::start_backfill(std::uint32_t number, const ChainBreak& found, const Row* after) {
    Key& key = keys_[number];
    if (key.phase != Key::Phase::Live) return;
    key.backfill = true;
    key.tries = 0;
    key.pages = 0;
    if (desk_.def->backfill->by == BackfillSpec::By::Time) {
        key.from = std::to_string(key.last_time.value_or(desk_.now.wall) / 1000);
        const bool timed = after != nullptr && after->source_time;
        key.to = std::to_string((timed ? *after->source_time : desk_.now.wall) / 1000);
    } else {
        key.from = found.verdict.seen;
        key.to = found.verdict.came;
    }
    key.phase = Key::Phase::Asking;
    ask(number);
}

void Holds::ask(std::uint32_t number) {
    Key& key = keys_[number];
    key.phase = Key::Phase::Asking;
    Variables variables;
    if (key.backfill) {
        variables["from"] = key.from;
        variables["to"] = key.to;
    }
    Wanted wanted;
    wanted.url = key.backfill ? &desk_.def->backfill->get : &*desk_.def->snapshot->get;
    if (key.subject) wanted.items = std::span<const Item>(&*key.subject, 1);
    wanted.variables = &variables;
    wanted.key = key.key;
    wanted.with_query = wanted.with_headers = false;
    wanted.oauth_token = token_.want().value_or(std::string_view{});
    auto outgoing = assemble(desk_, wanted, desk_.rng);
    if (!outgoing) {
        give_up(number, outgoing.error().what);
        return;
    }
    const auto kind = key.backfill ? Purpose::Kind::Backfill : Purpose::Kind::Snapshot;
    courier_.ask({kind, number, {}}, to_request(desk_, std::move(*outgoing)));
}

void Holds::answered(const Purpose& purpose, const in::Answered& answer) {
    if (purpose.owner >= keys_.size()) return;
    if (keys_[purpose.owner].phase != Key::Phase::Asking) return;
    if (answer.status < 200 || answer.status >= 300) {
        try_again(purpose.owner, "HTTP " + std::to_string(answer.status));
    } else if (purpose.kind == Purpose::Kind::Backfill) {
        take_backfill(purpose.owner, answer.body);
    } else {
        take_snapshot(purpose.owner, answer.body);
    }
}

void Holds::request_failed(const Purpose& purpose, const Failure& why) {
    if (purpose.owner >= keys_.size()) return;
    if (keys_[purpose.owner].phase == Key::Phase::Asking) try_again(purpose.owner, why.detail);
}

void Holds::try_again(std::uint32_t number, std::string why) {
    Key& key = keys_[number];
    const unsigned tries = key.backfill ? kBackfillTries : desk_.def->snapshot->retry;
    if (++key.tries > tries) {
        give_up(number, std::move(why));
        return;
    }
    const Duration pause = key.backfill ? kBackfillPause : desk_.def->snapshot->settle;
    key.phase = Key::Phase::Settling;
    key.timer = desk_.arm(TimerKind::Settle, number, pause);
}

void Holds::fired(TimerId id) {
    if (Timers::kind(id) == TimerKind::Settle) {
        const std::uint32_t number = Timers::owner(id);
        if (number >= keys_.size() || keys_[number].timer != id) return;
        if (keys_[number].overfull) {
            give_up(number, "more rows waited than the queue holds");
        } else if (keys_[number].phase == Key::Phase::Settling) {
            ask(number);
        }
    } else if (again_armed_ && id == again_) {
        again_ = desk_.arm(TimerKind::Resnapshot, 0, *desk_.def->snapshot->every);
        for (std::uint32_t number = 0; number < keys_.size(); ++number) {
            if (keys_[number].phase != Key::Phase::Live) continue;
            keys_[number].backfill = false;
            keys_[number].tries = 0;
            ask(number);
        }
    }
}

// -- answers ---------------------------------------------------------------------------------------

void Holds::take_snapshot(std::uint32_t number, BytesView body) {
    Key& key = keys_[number];
    json::Document document;
    if (const auto parsed = document.parse(body); !parsed) {
        try_again(number, "snapshot: " + parsed.error().what);
        return;
    }
    std::optional<std::uint64_t> at;
    if (desk_.def->snapshot->align) {
        at = number_at(desk_.def->snapshot->align->at, document.root());
        if (!at) {
            try_again(number, "the snapshot has no number to align by");
            return;
        }
        const bool holds_first = !key.held.empty() && key.held.front().first.has_value();
        if (holds_first && *at + 1 < *key.held.front().first) {
            try_again(number, "the snapshot is older than the first message that waits");
            return;
        }
    }
    const Desk::Mark from = desk_.mark();
    Bytes compact;
    document.root().append_compact(compact);
    Row row;
    row.topic = key.topic;
    row.key = key.key;
    row.item = key.item;
    row.kind = Kind::Snapshot;
    row.payload = desk_.keep(std::move(compact));
    desk_.out->rows.push_back(row);
    while (at && !key.held.empty() && key.held.front().last && *key.held.front().last <= *at) {
        held_bytes_ -= key.held.front().row->bytes();
        key.held.pop_front();
    }
    if (at && key.held.empty()) {
        desk_.shaper.continuity().restart(key.key, key.connection, std::to_string(*at));
    }
    desk_.publish(from);
    let_go(number);
}

void Holds::take_backfill(std::uint32_t number, BytesView body) {
    Key& key = keys_[number];
    const Desk::Mark from = desk_.mark();
    Shaper::Input input;
    input.bytes = desk_.keep(Bytes(body));
    input.connection = key.connection;
    input.wall = desk_.now.wall;
    input.flags = flag::kBackfill;
    input.data_only = true;
    input.skip_continuity = true;
    input.item = key.subject ? &*key.subject : nullptr;
    const Shaped shaped = desk_.shape(input);
    if (shaped.kind == FrameKind::Garbage) {
        desk_.discard(from);
        try_again(number, "backfill: " + std::string(shaped.words));
        return;
    }
    desk_.settle_data(from, shaped);
    std::string reached;
    const std::vector<Row>& rows = desk_.out->rows;
    if (rows.size() > from.rows) {
        const Row& last = rows.back();
        const bool by_time = desk_.def->backfill->by == BackfillSpec::By::Time;
        if (!by_time) reached = last.id;
        if (by_time && last.source_time) reached = std::to_string(*last.source_time / 1000);
    }
    desk_.publish(from);
    const std::size_t found = shaped.emitted + shaped.repeats;
    const bool more = found >= desk_.def->backfill->page && !reached.empty() && reached != key.from;
    if (more && reached != key.to && ++key.pages < kBackfillPagesMax) {
        key.from = std::move(reached);
        ask(number);
        return;
    }
    desk_.event("backfilled", key.key);
    let_go(number);
}

void Holds::give_up(std::uint32_t number, std::string why) {
    Key& key = keys_[number];
    desk_.error(ErrorClass::Feed, (key.backfill ? "backfill: " : "snapshot: ") + why);
    if (!key.backfill) desk_.gap({key.key, "", "", 0, "snapshot"});
    let_go(number);
}

/// What waited goes out, and the key lives again.
void Holds::let_go(std::uint32_t number) {
    Key& key = keys_[number];
    key.phase = Key::Phase::Live;
    key.backfill = false;
    key.overfull = false;
    const Desk::Mark from = desk_.mark();
    for (Held& held : key.held) {
        held_bytes_ -= held.row->bytes();
        desk_.out->rows.push_back(desk_.keep(std::move(held.row)));
    }
    key.held.clear();
    desk_.publish(from);
}

void Holds::broken() {
    if (!snapshots_) return;
    for (Key& key : keys_) {
        if (key.phase == Key::Phase::Live) key.phase = Key::Phase::New;
    }
}

void Holds::stop() {
    for (std::uint32_t number = 0; number < keys_.size(); ++number) {
        if (!keys_[number].held.empty()) let_go(number);
    }
    again_armed_ = false;
    broken();
}

}  // namespace anode::source
