#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

/// Structured log lines. `message` is constant text; what varies goes into fields. Payloads and secrets never do.
/// Thread: any. The sink is set once, before threads start; without one, lines are dropped.
namespace anode::log {

enum class Level : std::uint8_t { Debug, Info, Warn, Error };

struct Field {
    std::string_view name;
    std::string value;
    bool number = false;
    Field(std::string_view n, std::string_view v) : name(n), value(v) {}
    Field(std::string_view n, const char* v) : name(n), value(v) {}
    Field(std::string_view n, const std::string& v) : name(n), value(v) {}
    Field(std::string_view n, std::uint64_t v) : name(n), value(std::to_string(v)), number(true) {}
    Field(std::string_view n, std::int64_t v) : name(n), value(std::to_string(v)), number(true) {}
    Field(std::string_view n, int v) : name(n), value(std::to_string(v)), number(true) {}
};

class Sink {
public:
    virtual ~Sink() = default;
    virtual bool enabled(Level level, std::string_view component) const noexcept = 0;
    virtual void write(Level level, std::string_view component, std::string_view message,
                       std::initializer_list<Field> fields) noexcept = 0;
};
void set_sink(Sink* sink) noexcept;
void write(Level level, std::string_view component, std::string_view message,
           std::initializer_list<Field> fields) noexcept;

inline void debug(std::string_view c, std::string_view m,
                  std::initializer_list<Field> f = {}) noexcept {
    write(Level::Debug, c, m, f);
}
inline void info(std::string_view c, std::string_view m,
                 std::initializer_list<Field> f = {}) noexcept {
    write(Level::Info, c, m, f);
}
inline void warn(std::string_view c, std::string_view m,
                 std::initializer_list<Field> f = {}) noexcept {
    write(Level::Warn, c, m, f);
}
inline void error(std::string_view c, std::string_view m,
                  std::initializer_list<Field> f = {}) noexcept {
    write(Level::Error, c, m, f);
}

}  // namespace anode::log
