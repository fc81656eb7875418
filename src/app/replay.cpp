#include "app/replay.hpp"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <variant>

#include "app/replay_file.hpp"
#include "app/replay_sends.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"
#include "core/source/grammar.hpp"
#include "core/source/machine.hpp"
#include "runtime/system_secrets.hpp"

namespace anode::app {
namespace {

using source::ConnId;
using source::RequestId;
namespace in = source::in;
namespace act = source::act;

constexpr Duration kAnswerTakes = 1ms;
constexpr Duration kAfterwards = 2s;  ///< for what waits a moment before it goes out
constexpr Duration kPollsFor =
    24h * 30;  ///< virtual time in which polls must have asked for everything recorded
constexpr unsigned kAsksInVain = 50;  ///< without a further answer: the rest is for somebody else
constexpr std::uint64_t kStepsMax = 5'000'000;
constexpr std::size_t kShownMax = 20;
constexpr std::size_t kShownBytes = 400;

/// Secrets of the environment where they are; a stand-in where they are not, since nothing leaves this machine.
class StandInSecrets final : public source::Secrets {
public:
    [[nodiscard]] Result<std::string> value(const source::SecretRef& reference) const override {
        auto real = system_.value(reference);
        if (real) return real;
        missing_.insert(reference.name);
        return "stand-in-for-" + reference.name;
    }
    [[nodiscard]] const std::set<std::string>& missing() const noexcept { return missing_; }

private:
    SystemSecrets system_;
    mutable std::set<std::string> missing_;
};

std::string shortened(std::string_view text) {
    if (text.size() <= kShownBytes) return text::printable(text);
    std::size_t end = kShownBytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    return text::printable(text.substr(0, end)) + "…";
}

Bytes message_json(const source::Row& row) {
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("topic", row.topic);
    if (!row.key.empty()) out.member("key", row.key);
    if (!row.id.empty()) out.member("id", row.id);
    if (row.source_time) out.member("sts", *row.source_time);
    if (row.kind != Kind::Set) out.member("kind", name(row.kind));
    if (row.content_type.empty())
        out.key("data").raw(row.payload);
    else
        out.member("b64", text::base64(row.payload)).member("ct", row.content_type);
    out.end_object();
    return json;
}

/// The recorded answers, by path and query. Several to one address are given in their order, the last again and again.
class RecordedAnswers {
public:
    void add(RecordedRow row) {
        ++open_;
        by_target_[canonical_target(row.url, false)].push_back(std::move(row));
    }
    const RecordedRow* find(std::string_view url) {
        for (const bool loose : {false, true}) {
            const std::string wanted = canonical_target(url, loose);
            for (auto& [target, rows] : by_target_)
                if ((loose ? canonical_target(rows.front().url, true) : target) == wanted)
                    return give(rows);
        }
        return nullptr;
    }
    [[nodiscard]] std::size_t open() const noexcept { return open_; }  ///< not given yet

private:
    const RecordedRow* give(std::deque<RecordedRow>& rows) {
        auto& given = given_[&rows];
        if (given < rows.size()) --open_;
        const std::size_t at = std::min(given++, rows.size() - 1);
        return &rows[at];
    }

    std::map<std::string, std::deque<RecordedRow>> by_target_;
    std::map<const void*, std::size_t> given_;
    std::size_t open_ = 0;
};

/// The world of a recording: time is what the recording says it is.
class Theatre {
public:
    Theatre(std::shared_ptr<const source::Definition> definition, std::vector<RecordedRow> rows,
            const std::function<void(BytesView)>& on_message)
        : definition_(std::move(definition)), on_message_(on_message) {
        now_ = {Instant{} + 1h, guess_recording_time(rows)};
        begun_ = now_.mono;
        for (RecordedRow& row : rows) {
            if (row.kind == RecordedRow::Kind::Http)
                answers_.add(std::move(row));
            else
                rows_.push_back(std::move(row));
        }
        leave_out_pings();
        machine_ = source::make_machine(definition_, {}, secrets_, budgets_, Rng(1));
    }

    ReplayReport play() {
        step(in::Start{});
        for (const RecordedRow& row : rows_) {
            pass_until(begun_ + row.at);
            show(row);
        }
        pass_until(now_.mono + kAfterwards);
        if (definition_->type == source::Type::Rest) play_polls();
        finish();
        return std::move(report_);
    }

private:
    struct Connection {
        source::OpenSpec spec;
        bool open = false;
    };

    /// Pings are due by the clock: a recording made by another program holds no answers to ours.
    void leave_out_pings() {
        if (!definition_->alive.ping) return;
        source::Context context;
        std::uint64_t counter = 0;
        context.counter = &counter;
        context.wall = now_.wall;
        context.secrets = &secrets_;
        Bytes ping;
        if (definition_->alive.ping->send.append(ping, context)) {
            const std::string wanted = canonical_message(ping, true);
            for (const RecordedRow& row : rows_)
                if (row.kind == RecordedRow::Kind::Sent &&
                    canonical_message(row.data, true) == wanted)
                    return;
        }
        auto silent = std::make_shared<source::Definition>(*definition_);
        silent->alive.ping.reset();
        definition_ = std::move(silent);
        note("its pings are left out: the recording holds none");
    }

    // -- time -------------------------------------------------------------------------------------------
    void pass_until(Instant end) {
        while (!timers_.empty() && timers_.begin()->first <= end && steps_ < kStepsMax) {
            const auto [at, id] = *timers_.begin();
            timers_.erase(timers_.begin());
            go_to(std::max(at, now_.mono));
            step(in::TimerFired{id});
        }
        go_to(std::max(end, now_.mono));
    }
    void go_to(Instant time) {
        now_.wall +=
            std::chrono::duration_cast<std::chrono::microseconds>(time - now_.mono).count();
        now_.mono = time;
    }
    void play_polls() {
        const Instant end = now_.mono + kPollsFor;
        while (answers_.open() > 0 && asked_in_vain_ < kAsksInVain && !timers_.empty() &&
               timers_.begin()->first < end && steps_ < kStepsMax)
            pass_until(timers_.begin()->first);
        pass_until(now_.mono + kAfterwards);
    }

    // -- the recording speaks -----------------------------------------------------------------------------
    void show(const RecordedRow& row) {
        switch (row.kind) {
            case RecordedRow::Kind::Open:
                opened(row);
                break;
            case RecordedRow::Kind::Sent:
                recorded_sends_.push_back(row.data);
                break;
            case RecordedRow::Kind::Frame:
                frame(row);
                break;
            case RecordedRow::Kind::Http:
                break;
        }
    }
    void opened(const RecordedRow& row) {
        ++report_.opened;
        server_up_ = true;
        if (opens_.empty()) return;
        const std::string ours = canonical_target(connections_[opens_.front()].spec.url, true);
        const std::string theirs = canonical_target(row.url, true);
        if (ours != theirs)
            note("the address differs: recorded " + shortened(theirs) + ", ours " +
                 shortened(ours));
        open_waiting();
    }
    void open_waiting() {
        while (server_up_ && !opens_.empty()) {
            const ConnId conn = opens_.front();
            opens_.pop_front();
            connections_[conn].open = true;
            if (!current_ || !connections_[*current_].open) current_ = conn;
            step(in::Opened{conn, {}});
        }
    }
    void frame(const RecordedRow& row) {
        if (definition_->type == source::Type::Webhook) {
            step(in::Pushed{row.headers, row.data});
            return;
        }
        if (!server_up_) {  // a recording without `open`
            server_up_ = true;
            open_waiting();
        }
        if (!current_ || !connections_[*current_].open) {
            ++unheard_;
            return;
        }
        const ConnId conn = *current_;
        if (is_file_)
            step(in::FileData{conn, row.data, position_ += row.data.size() + 1});
        else if (connections_[conn].spec.transport == source::Transport::Sse)
            step(in::SseEvent{conn,
                              row.id,
                              row.event.empty() ? "message" : std::string_view(row.event),
                              row.data,
                              {}});
        else
            step(in::Frame{conn, row.data, row.binary});
    }

    // -- the machine ----------------------------------------------------------------------------------------
    void step(const source::Input& input) {
        ++steps_;
        source::Effects effects;
        machine_->handle(input, now_, effects);
        for (const source::Row& row : effects.rows) {
            ++report_.messages;
            if (on_message_) on_message_(message_json(row));
        }
        for (const source::DeadLetter& letter : effects.dead_letters)
            ++report_.reasons[std::string(letter.reason)];
        for (source::Action& action : effects.actions)
            std::visit([this](auto& wanted) { perform(wanted); }, action);
        const auto due = std::exchange(due_, {});
        for (const auto& [id, url] : due) answer(id, url);
        open_waiting();
    }
    void perform(act::Open& open) {
        connections_[open.conn].spec = std::move(open.spec);
        opens_.push_back(open.conn);
    }
    void perform(act::OpenFile& open) {
        is_file_ = server_up_ = true;
        connections_[open.conn];
        opens_.push_back(open.conn);
    }
    void perform(act::Send& send) { sends_.push_back(std::move(send.data)); }
    void perform(act::CloseConn& close) {
        connections_[close.conn].open = false;
        std::erase(opens_, close.conn);
        note("the definition ended a connection: " +
             (close.reason.empty() ? std::to_string(close.code) : close.reason));
        for (const auto& [conn, connection] : connections_)
            if (connection.open) current_ = conn;
    }
    void perform(act::Request& request) { due_.emplace_back(request.id, request.what.url); }
    void perform(act::CancelRequest& cancel) {
        std::erase_if(due_, [&](const auto& waiting) { return waiting.first == cancel.id; });
    }
    void perform(act::Arm& arm) { timers_.emplace(now_.mono + arm.after, arm.timer); }
    void perform(act::StateChanged& change) {
        if (change.to == source::State::Failed) note("failed: " + change.why);
    }
    void perform(act::PushAnswered& answer) {
        if (!answer.accepted) note("a push was refused: " + answer.detail);
    }
    void perform(act::GapFound&) {}
    void perform(act::Event&) {}
    void perform(act::Reading&) {}
    void perform(act::Ping&) {}

    void answer(RequestId id, const std::string& url) {
        go_to(now_.mono + kAnswerTakes);
        const std::size_t before = answers_.open();
        const RecordedRow* recorded = answers_.find(url);
        asked_in_vain_ = answers_.open() < before ? 0 : asked_in_vain_ + 1;
        if (recorded != nullptr) {
            ++report_.answered;
            step(in::Answered{id, recorded->status, recorded->headers, recorded->data, url});
            return;
        }
        unknown_requests_.insert(canonical_target(url, false));
        source::Failure why;
        why.error = source::ErrorClass::Refused;
        why.detail = "the recording holds no answer";
        step(in::RequestFailed{id, why});
    }

    // -- the end ------------------------------------------------------------------------------------------------
    void note(std::string text) { ++notes_[std::move(text)]; }
    void finish() {
        const source::Status status = machine_->status();
        const source::Counters& c = status.counters;
        report_.frames = c.frames;
        report_.rows = c.rows;
        report_.heartbeats = c.heartbeats;
        report_.acks = c.acks;
        report_.notices = c.notices;
        report_.ignored = c.ignored;
        report_.dropped = c.dropped;
        report_.unknown = c.unknown;
        report_.duplicates = c.duplicates;
        report_.late = c.late;
        report_.gaps = c.gaps;
        report_.lost = c.lost;
        report_.rejected = c.rejected;
        for (const std::string& sample : status.unknown_samples)
            report_.samples.push_back(shortened(sample));
        compare();
        for (const std::string& target : unknown_requests_)
            report_.unexpected.push_back("GET " + target + ": no answer was recorded");
        for (const source::ItemStatus& item : status.items)
            if (item.state != source::ItemState::Ok)
                note("item " + item.item + " is " + std::string(name(item.state)) +
                     (item.reason.empty() ? "" : ": " + shortened(item.reason)));
        for (const source::ErrorCount& error : status.errors)
            report_.notes.push_back(std::to_string(error.count) + " × " +
                                    std::string(name(error.error)) + ": " +
                                    shortened(error.sample));
        for (const std::string& secret : secrets_.missing())
            note("the secret " + secret + " was not there: a stand-in was used");
        if (unheard_ > 0) note(std::to_string(unheard_) + " frames found no open connection");
        if (steps_ >= kStepsMax) note("stopped: the timers fire without end");
        for (const auto& [text, count] : notes_)
            report_.notes.push_back(count == 1 ? text
                                               : text + " (" + std::to_string(count) + " times)");
        if (!status.weakness.empty())
            report_.notes.push_back("it cannot detect: " + status.weakness);
    }
    void compare() {
        const SendComparison compared = compare_sends(recorded_sends_, sends_);
        for (const std::string& text : compared.missing) report_.missing.push_back(shortened(text));
        for (const std::string& text : compared.unexpected)
            report_.unexpected.push_back("sent " + shortened(text));
        for (const std::string& text : compared.tolerated)
            report_.tolerated.push_back(shortened(text));
    }

    std::shared_ptr<const source::Definition> definition_;
    const std::function<void(BytesView)>& on_message_;
    std::vector<RecordedRow> rows_;
    RecordedAnswers answers_;
    StandInSecrets secrets_;
    source::Budgets budgets_;
    std::unique_ptr<source::Machine> machine_;
    ReplayReport report_;

    Now now_;
    Instant begun_{};
    std::multimap<Instant, source::TimerId> timers_;
    unsigned asked_in_vain_ = 0;
    std::uint64_t steps_ = 0, unheard_ = 0, position_ = 0;
    std::map<ConnId, Connection> connections_;
    std::deque<ConnId> opens_;  ///< asked for, not answered
    std::optional<ConnId> current_;
    bool server_up_ = false, is_file_ = false;
    std::vector<std::pair<RequestId, std::string>> due_;
    std::vector<Bytes> recorded_sends_, sends_;
    std::set<std::string> unknown_requests_;
    std::map<std::string, std::uint64_t> notes_;
};

/// HTTP answers may lie beside: `okx.ws.1.jsonl.gz` and `okx.http.0.jsonl.gz`.
std::vector<std::string> answers_beside(const std::string& capture) {
    const std::filesystem::path path(capture);
    const std::string name = path.filename().string();
    const auto cut = name.find(".ws.");
    std::vector<std::string> found;
    if (cut == std::string::npos) return found;
    std::error_code ignored;
    const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
        if (entry.path().filename().string().starts_with(name.substr(0, cut) + ".http."))
            found.push_back(entry.path().string());
    std::ranges::sort(found);
    return found;
}

Result<std::shared_ptr<const source::Definition>> compile(const Bytes& json) {
    auto parsed = source::parse(std::string_view(json));
    if (parsed) return std::make_shared<const source::Definition>(std::move(*parsed));
    std::string words;
    for (const source::Complaint& complaint : parsed.error())
        words.append(words.empty() ? "" : "; ")
            .append(complaint.pointer)
            .append(": ")
            .append(complaint.detail);
    return fail(Errc::Malformed, words);
}

void append_list(std::vector<std::string>& lines, const char* title,
                 const std::vector<std::string>& list) {
    for (std::size_t i = 0; i < list.size() && i < kShownMax; ++i)
        lines.push_back(std::string(title) + ": " + list[i]);
    if (list.size() > kShownMax)
        lines.push_back(std::string(title) + ": and " + std::to_string(list.size() - kShownMax) +
                        " more");
}

}  // namespace

bool ReplayReport::good() const {
    return unexpected.empty() && unknown == 0 && rejected == 0 && messages > 0;
}

std::vector<std::string> ReplayReport::lines() const {
    const auto count = [](const char* what, std::uint64_t n) {
        return std::to_string(n) + " " + what;
    };
    std::vector<std::string> lines;
    lines.push_back(count("frames, ", frames) + count("rows, ", rows) +
                    count("messages, ", messages) + count("heartbeats, ", heartbeats) +
                    count("acknowledgements, ", acks) + count("unknown, ", unknown) +
                    count("duplicates, ", duplicates) + count("rejected", rejected));
    if (notices + ignored + dropped + late > 0)
        lines.push_back(count("notices, ", notices) + count("ignored, ", ignored) +
                        count("dropped, ", dropped) + count("late", late));
    if (gaps > 0) lines.push_back(count("gaps, ", gaps) + count("messages lost in them", lost));
    if (answered > 0) lines.push_back(count("requests answered from the recording", answered));
    for (const auto& [reason, times] : reasons)
        lines.push_back("rejected " + std::to_string(times) + " ×: " + reason);
    append_list(lines, "unknown frame", samples);
    append_list(lines, "not in the recording", unexpected);
    append_list(lines, "recorded, but not made", missing);
    append_list(lines, "tolerated", tolerated);
    append_list(lines, "note", notes);
    lines.push_back(good() ? "good" : "not good");
    return lines;
}

Result<ReplayReport> replay_capture(const Bytes& definition_json, const std::string& capture_path,
                                    const std::function<void(BytesView)>& on_message) {
    auto definition = compile(definition_json);
    if (!definition) return std::unexpected(definition.error());
    auto rows = read_recording(capture_path);
    if (!rows) return std::unexpected(rows.error());
    for (const std::string& beside : answers_beside(capture_path)) {
        auto more = read_recording(beside);
        if (!more) return std::unexpected(more.error());
        std::ranges::move(*more, std::back_inserter(*rows));
    }
    return Theatre(std::move(*definition), std::move(*rows), on_message).play();
}

}  // namespace anode::app
