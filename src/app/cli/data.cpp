#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <memory>
#include <thread>

#include "app/cli/commands.hpp"
#include "base/rng.hpp"
#include "base/text.hpp"
#include "runtime/clock.hpp"
#include "runtime/random.hpp"

namespace anode::app {
namespace {

struct SubOptions {
    std::vector<std::string> patterns;
    std::string from, filter, format;
    std::uint64_t count = 0;
};

std::string joined(const std::vector<std::string>& parts) {
    std::string out;
    for (const auto& part : parts) out.append(out.empty() ? "" : ",").append(part);
    return out;
}

/// A message for people: time, topic, key, payload.
void print_message(const json::Value& message) {
    const WallTime ts = message["ts"].integer().value_or(0);
    std::string line = text::rfc3339(ts).substr(11, 15);
    line.append("\t")
        .append(cell(message["topic"]))
        .append("\t")
        .append(cell(message["key"]))
        .append("\t");
    line.append(message.find("data")
                    ? text::printable(message["data"].raw())
                    : "(" + message["ct"].string() + ", base64) " + message["b64"].string());
    Output::line(line);
}

/// Follows a stream over every interruption: the last cursor is where it goes on.
class Subscriber {
public:
    Subscriber(const Shell& shell, SubOptions options)
        : shell_(shell), options_(std::move(options)), out_(shell.out()), rng_(seeded_rng()) {}

    int run() {
        const Client client = shell_.client();
        const Instant deadline = monotonic_now() + shell_.patience();
        for (;;) {
            const Duration left = shell_.timed() ? deadline - monotonic_now() : 0ns;
            if (shell_.timed() && left <= 0ns) return timed_out();
            const auto followed =
                client.lines(path(), left, [this](std::string_view line) { return take(line); });
            std::fflush(stdout);
            if (done_ || failed_) return failed_ ? exit_code::kFailed : exit_code::kDone;
            if (!followed && !worth_another_try(followed.error())) {
                if (followed.error().code == exit_code::kTimedOut && shell_.timed())
                    return timed_out();
                return Output::trouble(followed.error());
            }
            wait();
        }
    }

private:
    [[nodiscard]] std::string path() const {
        return "/v1/stream" + query({{"topics", joined(options_.patterns)},
                                     {"from", cursor_.empty() ? options_.from : cursor_},
                                     {"filter", options_.filter},
                                     {"hb", "15s"}});
    }

    bool take(std::string_view line) {
        if (line.empty()) return true;  // a heartbeat
        json::Document document;
        if (!document.parse(line)) return true;
        const json::Value frame = document.root();
        if (frame.find("op")) return take_control(frame, line);
        connected_ = true;
        cursor_ = frame["cursor"].string();
        backoff_ = 500ms;
        if (options_.format == "data")
            Output::line(frame.find("data") ? frame["data"].raw() : frame["b64"].raw());
        else if (out_.as == OutputAs::Table)
            print_message(frame);
        else
            Output::line(line);
        std::fflush(stdout);
        done_ = options_.count > 0 && ++seen_ >= options_.count;
        return !done_;
    }

    bool take_control(const json::Value& frame, std::string_view line) {
        const std::string op = frame["op"].string();
        if (op == "gap") out_.remark("gap: " + text::printable(line));
        if (op == "drain") out_.remark("the node is leaving; going on from the last cursor");
        return true;
    }

    [[nodiscard]] bool worth_another_try(const Trouble& trouble) const {
        return connected_ &&
               (trouble.code == exit_code::kUnreachable || trouble.code == exit_code::kTimedOut ||
                trouble.code == exit_code::kFailed) &&
               !(shell_.timed() && trouble.code == exit_code::kTimedOut);
    }

    void wait() {
        const auto nap =
            std::chrono::nanoseconds(rng_.between(backoff_.count() / 2, backoff_.count()));
        std::this_thread::sleep_for(nap);
        backoff_ = std::min<Duration>(backoff_ * 2, 30s);
    }

    int timed_out() const {
        return Output::trouble({exit_code::kTimedOut, "nothing more came in time"});
    }

    const Shell& shell_;
    SubOptions options_;
    Output out_;
    Rng rng_;
    std::string cursor_;
    Duration backoff_ = 500ms;
    std::uint64_t seen_ = 0;
    bool connected_ = false, done_ = false, failed_ = false;
};

struct PubOptions {
    std::string topic, payload, key, ack;
};

/// One line as an envelope, if a key is to go with it.
std::string enveloped(const PubOptions& options, std::string_view line) {
    std::string out;
    json::Writer writer(out);
    writer.begin_object()
        .member("topic", options.topic)
        .member("key", options.key)
        .key("data")
        .raw(line)
        .end_object();
    return out;
}

Tried<Answer> publish_lines(const Client& client, const PubOptions& options,
                            std::string_view lines) {
    const std::string path =
        "/v1/topics/" + text::percent_encode(options.topic) + "/messages" +
        query({{"ack", options.ack}, {"envelopes", options.key.empty() ? "" : "1"}});
    return client.call("POST", path, lines, {{"Content-Type", "application/x-ndjson"}});
}

int publish_from_input(const Client& client, const PubOptions& options, const Output& out) {
    std::string batch, line;
    std::uint64_t published = 0, in_batch = 0;
    int code = exit_code::kDone;
    const auto send = [&]() -> bool {
        if (batch.empty()) return true;
        const auto answer = publish_lines(client, options, batch);
        batch.clear();
        in_batch = 0;
        if (!answer) {
            code = Output::trouble(answer.error());
            return false;
        }
        json::Document document;
        if (!document.parse(answer->body)) return true;
        published += static_cast<std::uint64_t>(document.root()["accepted"].integer().value_or(0));
        const json::Value rejected = document.root()["rejected"];
        for (json::Value one = rejected.first(); one; one = one.next_in(rejected)) {
            out.remark("rejected: " + std::string(one.raw()));
            code = exit_code::kFailed;
        }
        return true;
    };
    while (std::getline(std::cin, line)) {
        if (text::trim(line).empty()) continue;
        batch += options.key.empty() ? line : enveloped(options, line);
        batch += '\n';
        if (++in_batch >= 1000 || batch.size() > (1u << 20))
            if (!send()) return code;
    }
    send();
    out.remark(std::to_string(published) + " published");
    return code;
}

int publish(const Shell& shell, const PubOptions& options) {
    const Client client = shell.client();
    const Output out = shell.out();
    if (options.payload == "-") return publish_from_input(client, options, out);
    const std::string line =
        options.key.empty() ? options.payload : enveloped(options, options.payload);
    const auto answer = options.key.empty()
                            ? client.call("POST",
                                          "/v1/topics/" + text::percent_encode(options.topic) +
                                              "/messages" + query({{"ack", options.ack}}),
                                          line, {{"Content-Type", "application/json"}})
                            : publish_lines(client, options, line + "\n");
    if (!answer) return Output::trouble(answer.error());
    if (out.as != OutputAs::Table)
        Output::line(answer->body);
    else {
        json::Document document;
        if (document.parse(answer->body)) Output::line(document.root()["last"].string());
    }
    return exit_code::kDone;
}

struct HistoryOptions {
    std::string topic, from, to, limit = "100", order, filter;
};

int history(const Shell& shell, const HistoryOptions& options, const std::string& leaf) {
    const Output out = shell.out();
    const std::string path = "/v1/topics/" + text::percent_encode(options.topic) + leaf;
    const std::string parameters = leaf == "/last" ? std::string()
                                                   : query({{"from", options.from},
                                                            {"to", options.to},
                                                            {"limit", options.limit},
                                                            {"order", options.order},
                                                            {"filter", options.filter}});
    const auto answer = shell.client().get(path + parameters);
    if (!answer || out.as != OutputAs::Table) return out.show(answer, {});
    json::Document document;
    if (!document.parse(answer->body))
        return Output::trouble({exit_code::kFailed, "the answer is no JSON"});
    const json::Value items = document.root()["items"];
    if (!items) print_message(document.root());
    for (json::Value item = items.first(); item; item = item.next_in(items)) print_message(item);
    return exit_code::kDone;
}

}  // namespace

void add_data_commands(CLI::App& app, Shell& shell) {
    auto sub_options = std::make_shared<SubOptions>();
    auto* sub = app.add_subcommand("sub", "Follow topics; goes on by itself after an interruption");
    sub->alias("tail");
    sub->add_option("patterns", sub_options->patterns, "Topic patterns: * one token, > the rest")
        ->required();
    sub->add_option("--from", sub_options->from,
                    "live, last, earliest, a cursor, a time, or an age such as -15m");
    sub->add_option("--filter", sub_options->filter,
                    "jq expression over the envelope, such as '.data.price > 5'");
    sub->add_option("--format", sub_options->format, "data: the payloads alone")
        ->check(CLI::IsMember({"envelope", "data"}));
    sub->add_option("-n", sub_options->count, "End after so many messages");
    sub->callback([&shell, sub_options] {
        shell.chosen = [&shell, sub_options] { return Subscriber(shell, *sub_options).run(); };
    });

    auto pub_options = std::make_shared<PubOptions>();
    auto* pub = app.add_subcommand("pub", "Publish a payload, or each line of standard input");
    pub->add_option("topic", pub_options->topic)->required();
    pub->add_option("payload", pub_options->payload, "JSON, or - for lines of standard input")
        ->required();
    pub->add_option("--key", pub_options->key, "Entity inside the topic");
    pub->add_option("--ack", pub_options->ack, "received, disk, copies:N");
    pub->callback([&shell, pub_options] {
        shell.chosen = [&shell, pub_options] { return publish(shell, *pub_options); };
    });

    auto history_options = std::make_shared<HistoryOptions>();
    auto* past = app.add_subcommand("history", "Messages of a topic, newest first");
    past->add_option("topic", history_options->topic)->required();
    past->add_option("--from", history_options->from);
    past->add_option("--to", history_options->to);
    past->add_option("--limit,-n", history_options->limit);
    past->add_option("--order", history_options->order)->check(CLI::IsMember({"asc", "desc"}));
    past->add_option("--filter", history_options->filter);
    past->callback([&shell, history_options] {
        shell.chosen = [&shell, history_options] {
            return history(shell, *history_options, "/messages");
        };
    });

    auto get_topic = std::make_shared<HistoryOptions>();
    auto* get = app.add_subcommand("get", "The newest message of each key of a topic");
    get->add_option("topic", get_topic->topic)->required();
    get->callback([&shell, get_topic] {
        shell.chosen = [&shell, get_topic] { return history(shell, *get_topic, "/last"); };
    });

    auto prefix = std::make_shared<std::string>();
    auto* topics = app.add_subcommand("topics", "Topics with their rates and sizes");
    topics->add_option("prefix", *prefix);
    topics->callback([&shell, prefix] {
        shell.chosen = [&shell, prefix] {
            return shell.out().show(
                shell.client().get("/v1/topics" + query({{"prefix", *prefix}, {"limit", "1000"}})),
                {{"TOPIC", "topic"},
                 {"MESSAGES", "messages"},
                 {"BYTES", "bytes"},
                 {"LAST", "last"}});
        };
    });
}

}  // namespace anode::app
