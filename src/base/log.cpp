#include "base/log.hpp"

#include <atomic>

namespace anode::log {
namespace {
std::atomic<Sink*> the_sink{nullptr};
}

void set_sink(Sink* sink) noexcept { the_sink.store(sink, std::memory_order_release); }

void write(Level level, std::string_view component, std::string_view message,
           std::initializer_list<Field> fields) noexcept {
    Sink* sink = the_sink.load(std::memory_order_acquire);
    if (sink != nullptr && sink->enabled(level, component))
        sink->write(level, component, message, fields);
}

}  // namespace anode::log
