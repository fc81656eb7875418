#include "app/log_sink.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <deque>
#include <map>
#include <mutex>

#include "base/text.hpp"
#include "core/json/json.hpp"
#include "runtime/clock.hpp"

namespace anode::app {
namespace {

constexpr std::uint32_t kRepeatsPerSecond = 10;
constexpr std::size_t kRepeatsMax = 1000;  ///< messages are constant texts: far more than there are

std::string_view name(log::Level level) noexcept {
    switch (level) {
        case log::Level::Debug:
            return "debug";
        case log::Level::Info:
            return "info";
        case log::Level::Warn:
            return "warn";
        case log::Level::Error:
            return "error";
    }
    return "info";
}

bool is_json_number(const log::Field& field) { return field.number; }

}  // namespace

struct LogSink::State {
    LogOptions options;
    std::shared_ptr<spdlog::logger> out;
    mutable std::mutex mutex;
    struct Repeats {
        std::int64_t second = 0;
        std::uint32_t count = 0;
        std::uint64_t suppressed = 0;
    };
    std::map<std::string, Repeats, std::less<>> repeats;
    std::deque<std::string> recent;

    /// Forgets what is not being counted now; all of it, should that not be enough.
    void make_room(WallTime now) {
        std::erase_if(repeats, [now](const auto& entry) {
            return entry.second.second != now / 1'000'000 && entry.second.suppressed == 0;
        });
        if (repeats.size() >= kRepeatsMax) repeats.clear();
    }

    /// How many equal lines were swallowed before this one, or nothing if this one is to be swallowed too.
    std::optional<std::uint64_t> admit(std::string_view component, std::string_view message,
                                       WallTime now) {
        std::string key(component);
        key.append("\n").append(message);
        if (repeats.size() >= kRepeatsMax && !repeats.contains(key)) make_room(now);
        Repeats& seen = repeats[key];
        if (seen.second != now / 1'000'000) {
            seen.second = now / 1'000'000;
            seen.count = 0;
        }
        if (++seen.count > kRepeatsPerSecond) {
            ++seen.suppressed;
            return std::nullopt;
        }
        return std::exchange(seen.suppressed, 0);
    }
};

LogSink::LogSink(LogOptions options) : state_(std::make_unique<State>()) {
    state_->options = std::move(options);
    state_->out = std::make_shared<spdlog::logger>(
        "anode", std::make_shared<spdlog::sinks::stdout_sink_mt>());
    state_->out->set_pattern("%v");
    state_->out->set_level(spdlog::level::trace);
    state_->out->flush_on(spdlog::level::info);
}

LogSink::~LogSink() { state_->out->flush(); }

bool LogSink::enabled(log::Level level, std::string_view component) const noexcept {
    const std::lock_guard lock(state_->mutex);
    for (const auto& [name, least] : state_->options.components)
        if (name == component) return level >= least;
    return level >= state_->options.level;
}

void LogSink::write(log::Level level, std::string_view component, std::string_view message,
                    std::initializer_list<log::Field> fields) noexcept {
    const WallTime now = wall_now();
    const std::lock_guard lock(state_->mutex);
    const auto suppressed = state_->admit(component, message, now);
    if (!suppressed) return;
    std::string line;
    if (state_->options.json) {
        json::Writer out(line);
        out.begin_object()
            .member("ts", text::rfc3339(now))
            .member("level", name(level))
            .member("comp", component);
        out.member("msg", message).member("node", state_->options.node);
        for (const log::Field& field : fields) {
            out.key(field.name);
            if (is_json_number(field))
                out.raw(field.value);
            else
                out.value(field.value);
        }
        if (*suppressed > 0) out.member("suppressed", *suppressed);
        out.end_object();
    } else {
        line = text::rfc3339(now).substr(11, 12);
        line.append(level >= log::Level::Warn ? (level == log::Level::Error ? " ERROR " : " warn  ")
                                              : "       ");
        line.append(text::printable(component)).append(": ").append(text::printable(message));
        for (const log::Field& field : fields)
            line.append("  ")
                .append(text::printable(field.name))
                .append("=")
                .append(text::printable(field.value));
        if (*suppressed > 0) line.append("  suppressed=").append(std::to_string(*suppressed));
    }
    state_->out->log(level >= log::Level::Info ? spdlog::level::info : spdlog::level::debug, line);
    if (state_->recent.size() == kRecentMax) state_->recent.pop_front();
    state_->recent.push_back(std::move(line));
}

std::string LogSink::recent() const {
    const std::lock_guard lock(state_->mutex);
    std::string lines;
    for (const std::string& line : state_->recent) lines.append(line).append("\n");
    return lines;
}

void LogSink::set_node(std::string node) {
    const std::lock_guard lock(state_->mutex);
    state_->options.node = std::move(node);
}

void LogSink::set_levels(log::Level level,
                         std::vector<std::pair<std::string, log::Level>> components) {
    const std::lock_guard lock(state_->mutex);
    state_->options.level = level;
    state_->options.components = std::move(components);
}

void LogSink::flush() { state_->out->flush(); }

std::optional<log::Level> parse_level(std::string_view text) noexcept {
    if (text == "debug") return log::Level::Debug;
    if (text == "info") return log::Level::Info;
    if (text == "warn") return log::Level::Warn;
    if (text == "error") return log::Level::Error;
    return std::nullopt;
}

}  // namespace anode::app
