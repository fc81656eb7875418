#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.hpp"

namespace anode::app {

struct LogOptions {
    log::Level level = log::Level::Info;
    std::vector<std::pair<std::string, log::Level>> components;
    bool json = true;
    std::string node;  ///< its id, in every line
};

/// Writes log lines to standard output: one JSON object a line, or text for people. The same message of a component more
/// than ten times a second is counted, not repeated.
/// Thread: any. Source: interfaces, section 14.
class LogSink final : public log::Sink {
public:
    explicit LogSink(LogOptions options);
    ~LogSink() override;

    bool enabled(log::Level level, std::string_view component) const noexcept override;
    void write(log::Level level, std::string_view component, std::string_view message,
               std::initializer_list<log::Field> fields) noexcept override;
    void set_node(std::string node);
    void set_levels(log::Level level, std::vector<std::pair<std::string, log::Level>> components);
    void flush();
    /// The last lines as they were written, oldest first; at most kRecentMax.
    [[nodiscard]] std::string recent() const;
    static constexpr std::size_t kRecentMax = 500;

private:
    struct State;
    std::unique_ptr<State> state_;
};

std::optional<log::Level> parse_level(std::string_view text) noexcept;

}  // namespace anode::app
