#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/source/grammar.hpp"
#include "core/source/machine.hpp"

/// A stage for source machines: virtual time, a scripted world, and everything the machine said or did.
namespace anode::source::spec {

class StageSecrets final : public Secrets {
public:
    std::map<std::string, std::string> values;
    [[nodiscard]] Result<std::string> value(const SecretRef& reference) const override {
        const auto found = values.find(reference.name);
        if (found == values.end()) return fail(Errc::NotFound, "no secret " + reference.name);
        return found->second;
    }
};

/// A row with its own bytes.
struct OutRow {
    std::string topic, key, id, payload, position, item, content_type;
    Kind kind = Kind::Set;
    std::uint8_t flags = 0;
    std::optional<Hash128> cid;
};

class Stage {
public:
    explicit Stage(std::string_view definition, Restored restored = {}, std::uint64_t seed = 7)
        : Stage(compile(definition), std::move(restored), seed) {}
    Stage(std::shared_ptr<const Definition> definition, Restored restored, std::uint64_t seed) {
        machine =
            make_machine(std::move(definition), std::move(restored), secrets, budgets(), Rng(seed));
    }

    static std::shared_ptr<const Definition> compile(std::string_view text) {
        auto parsed = parse(text);
        if (!parsed) {
            std::string words;
            for (const Complaint& complaint : parsed.error()) {
                words += complaint.pointer + ": " + complaint.detail + "\n";
            }
            throw std::invalid_argument(words);  // the spec itself is wrong
        }
        return std::make_shared<const Definition>(std::move(*parsed));
    }

    // -- time ---------------------------------------------------------------------------------------
    Now now{Instant{} + 1h, 1'767'225'600'000'000};
    std::vector<std::pair<Instant, TimerId>> timers;

    void passes(Duration time) {
        const Instant end = now.mono + time;
        for (;;) {
            auto next = timers.end();
            for (auto it = timers.begin(); it != timers.end(); ++it) {
                if (it->first <= end && (next == timers.end() || it->first < next->first))
                    next = it;
            }
            if (next == timers.end()) break;
            const auto [at, id] = *next;
            timers.erase(next);
            go_to(std::max(at, now.mono));
            step(in::TimerFired{id});
            ASSERT_LT(++fired, 2'000'000) << "timers fire without end";
        }
        go_to(end);
    }

    // -- the world speaks ------------------------------------------------------------------------------
    void step(const Input& input) {
        effects.clear();
        machine->handle(input, now, effects);
        for (const Row& row : effects.rows) {
            rows.push_back({std::string(row.topic), std::string(row.key), std::string(row.id),
                            std::string(row.payload), std::string(row.position),
                            std::string(row.item), std::string(row.content_type), row.kind,
                            row.flags, row.cid});
        }
        for (const DeadLetter& letter : effects.dead_letters) {
            letters.emplace_back(letter.reason);
        }
        for (Action& action : effects.actions) note(std::move(action));
    }
    Stage& start() {
        step(in::Start{});
        return *this;
    }
    /// Opens the newest connection.
    void opened() { opened(last()); }
    void opened(ConnId conn) { step(in::Opened{conn, {}}); }
    void says(std::string_view text) { says(last(), text); }
    void says(ConnId conn, std::string_view text) { step(in::Frame{conn, text, false}); }
    void event(std::string_view id, std::string_view data, std::string_view kind = "message",
               Duration retry = {}) {
        step(in::SseEvent{last(), id, kind, data, retry});
    }
    void drops(ErrorClass error = ErrorClass::Reset) { drops(last(), error); }
    void drops(ConnId conn, ErrorClass error = ErrorClass::Reset) {
        Failure why;
        why.error = error;
        why.detail = "connection reset";
        step(in::Closed{conn, why});
    }
    void refuses(int status, Headers headers = {}, std::string body = {}) {
        Failure why;
        why.error = ErrorClass::Http;
        why.detail = "HTTP " + std::to_string(status);
        why.status = status;
        why.headers = std::move(headers);
        why.body = std::move(body);
        step(in::Closed{last(), why});
    }
    /// Answers the oldest request that waits.
    void answers(int status, std::string_view body, const Headers& headers = {}) {
        ASSERT_FALSE(asked.empty()) << "no request waits";
        const RequestId id = asked.front().first;
        asked.pop_front();
        step(in::Answered{id, status, headers, body, {}});
    }
    void request_fails(ErrorClass error) {
        ASSERT_FALSE(asked.empty()) << "no request waits";
        Failure why;
        why.error = error;
        why.detail = std::string(name(error));
        const RequestId id = asked.front().first;
        asked.pop_front();
        step(in::RequestFailed{id, why});
    }

    // -- what the machine did --------------------------------------------------------------------------
    std::vector<std::pair<ConnId, OpenSpec>> opens;
    std::deque<std::pair<RequestId, HttpRequest>> asked;  ///< and not answered yet
    std::vector<HttpRequest> requests;                    ///< all of them
    std::vector<std::pair<ConnId, std::string>> sends;
    std::vector<std::pair<ConnId, std::string>> closes;
    std::vector<bool> readings;
    std::vector<act::GapFound> gaps;
    std::vector<std::pair<std::string, std::string>> events;
    std::vector<std::string> states;
    std::vector<act::PushAnswered> pushes;
    std::vector<act::OpenFile> files;
    std::vector<OutRow> rows;
    std::vector<std::string> letters;
    std::size_t pings = 0;
    std::size_t fired = 0;

    [[nodiscard]] ConnId last() const { return opens.back().first; }
    [[nodiscard]] std::string state() const { return std::string(name(machine->state())); }
    [[nodiscard]] Status status() const { return machine->status(); }
    [[nodiscard]] std::vector<std::string> payloads() const {
        std::vector<std::string> all;
        for (const OutRow& row : rows) all.push_back(row.payload);
        return all;
    }
    [[nodiscard]] std::vector<std::string> said() const {
        std::vector<std::string> all;
        for (const auto& [conn, text] : sends) all.push_back(text);
        return all;
    }
    [[nodiscard]] std::vector<std::string> said_by(ConnId conn) const {
        std::vector<std::string> all;
        for (const auto& [from, text] : sends) {
            if (from == conn) all.push_back(text);
        }
        return all;
    }
    [[nodiscard]] std::map<std::string, std::string> items() const {
        std::map<std::string, std::string> all;
        for (const ItemStatus& item : status().items) all[item.item] = name(item.state);
        return all;
    }
    [[nodiscard]] std::uint64_t errors(ErrorClass error) const {
        for (const ErrorCount& count : status().errors) {
            if (count.error == error) return count.count;
        }
        return 0;
    }
    [[nodiscard]] bool had_event(std::string_view kind) const {
        for (const auto& [name, detail] : events) {
            if (name == kind) return true;
        }
        return false;
    }

    StageSecrets secrets;
    std::unique_ptr<Budgets> own_budgets = std::make_unique<Budgets>();
    Budgets& budgets() { return *own_budgets; }
    std::unique_ptr<Machine> machine;
    Effects effects;

private:
    void go_to(Instant time) {
        now.wall += std::chrono::duration_cast<std::chrono::microseconds>(time - now.mono).count();
        now.mono = time;
    }
    void note(Action action) {
        if (auto* open = std::get_if<act::Open>(&action)) {
            opens.emplace_back(open->conn, std::move(open->spec));
        } else if (auto* send = std::get_if<act::Send>(&action)) {
            sends.emplace_back(send->conn, std::move(send->data));
        } else if (auto* request = std::get_if<act::Request>(&action)) {
            requests.push_back(request->what);
            asked.emplace_back(request->id, std::move(request->what));
        } else if (const auto* cancel = std::get_if<act::CancelRequest>(&action)) {
            std::erase_if(asked, [&](const auto& waiting) { return waiting.first == cancel->id; });
        } else if (const auto* arm = std::get_if<act::Arm>(&action)) {
            timers.emplace_back(now.mono + arm->after, arm->timer);
        } else if (auto* close = std::get_if<act::CloseConn>(&action)) {
            closes.emplace_back(close->conn, std::move(close->reason));
        } else if (const auto* reading = std::get_if<act::Reading>(&action)) {
            readings.push_back(reading->on);
        } else if (auto* gap = std::get_if<act::GapFound>(&action)) {
            gaps.push_back(std::move(*gap));
        } else if (auto* told = std::get_if<act::Event>(&action)) {
            events.emplace_back(told->kind, std::move(told->detail));
        } else if (const auto* change = std::get_if<act::StateChanged>(&action)) {
            states.emplace_back(name(change->to));
        } else if (auto* push = std::get_if<act::PushAnswered>(&action)) {
            pushes.push_back(std::move(*push));
        } else if (auto* file = std::get_if<act::OpenFile>(&action)) {
            files.push_back(std::move(*file));
        } else if (std::holds_alternative<act::Ping>(action)) {
            ++pings;
        }
    }
};

/// A trade as feeds send it.
inline std::string trade(int number, std::string_view symbol = "BTC") {
    return R"({"s":")" + std::string(symbol) + R"(","t":)" + std::to_string(number) +
           R"(,"p":"1.50","T":)" + std::to_string(1'767'225'600'000 + number) + "}";
}

/// A definition of a WebSocket source with these members beside the usual ones.
inline std::string stream(std::string_view more = {}) {
    return R"({"name":"feed","type":"websocket","url":"wss://feed.example.org/ws","topic":"feed.{.s}",)"
           R"("map":{"key":"s","id":"t","time":"T","unit":"ms"})" +
           (more.empty() ? std::string() : "," + std::string(more)) + "}";
}
inline constexpr std::string_view kSubscribe =
    R"("connect":[{"send":{"op":"sub","id":1}},{"expect":".id == 1","within":"5s"}])";

}  // namespace anode::source::spec
