#include "core/mesh/log_table.hpp"

namespace anode::mesh {

LogEntry* LogTable::find(const LogKey& log) noexcept {
    const auto at = logs_.find(log);
    return at == logs_.end() ? nullptr : at->second.get();
}

LogEntry& LogTable::add(const LogKey& log) {
    auto& entry = logs_[log];
    if (entry == nullptr) entry = std::make_unique<LogEntry>(log, next_number_++);
    return *entry;
}

void LogTable::retire(const LogKey& log, Instant until) {
    const auto at = logs_.find(log);
    if (at == logs_.end()) return;
    timers_.erase({at->second->wake_at, log});
    logs_.erase(at);
    retired_[log] = until;
}

bool LogTable::refused(const LogKey& log, Instant now) {
    const auto at = retired_.find(log);
    if (at == retired_.end()) return false;
    if (now < at->second) return true;
    retired_.erase(at);
    return false;
}

void LogTable::arm(LogEntry& entry) {
    const Instant wake = entry.tree.wake();
    if (wake == entry.wake_at) return;
    if (entry.wake_at != kNever) timers_.erase({entry.wake_at, entry.log()});
    if (wake != kNever) timers_.emplace(wake, entry.log());
    entry.wake_at = wake;
}

Instant LogTable::due() const noexcept { return timers_.empty() ? kNever : timers_.begin()->first; }

LogEntry* LogTable::take_due(Instant now) {
    if (timers_.empty() || timers_.begin()->first > now) return nullptr;
    LogEntry* entry = find(timers_.begin()->second);
    timers_.erase(timers_.begin());
    entry->wake_at = kNever;
    return entry;
}

}  // namespace anode::mesh
