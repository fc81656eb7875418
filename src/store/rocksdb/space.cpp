#include "store/rocksdb/space.hpp"

#include <chrono>

#include "base/log.hpp"
#include "store/rocksdb/directory.hpp"

namespace anode::rocks {
namespace {

constexpr std::chrono::nanoseconds kAskAgain = std::chrono::milliseconds(20);

}  // namespace

bool Space::measured_lately() {
    const std::int64_t now = std::chrono::steady_clock::now().time_since_epoch().count();
    if (now - measured_at_.load(std::memory_order_relaxed) < kAskAgain.count()) return true;
    measured_at_.store(now, std::memory_order_relaxed);
    return false;
}

bool Space::measure() {
    const DiskSpace space = disk_space(path_);
    if (space.total == 0) return !low_.load();
    free_.store(space.free);
    total_.store(space.total);
    const bool low =
        static_cast<double>(space.free) < min_free_fraction_ * static_cast<double>(space.total);
    if (low != low_.exchange(low)) {
        if (low) {
            log::error("store", "disk nearly full, durable writes are refused",
                       {{"path", path_}, {"free", space.free}});
        } else {
            log::info("store", "disk has room again", {{"path", path_}, {"free", space.free}});
        }
    }
    return !low;
}

Result<void> Space::check() {
    if (broken_.load()) {
        return fail(why_.load(), "the store in " + path_ + " refuses writes since one failed");
    }
    if (measured_lately() ? !low_.load() : measure()) return {};
    return fail(Errc::NoSpace, "less than the reserve is free on the disk of " + path_);
}

void Space::failed(Errc why) {
    why_.store(why);
    broken_.store(true);
}

void Space::recover(Database& database) {
    const bool room = measure();
    if (!broken_.load() || !room) return;
    if (const auto resumed = database.resume(); !resumed) {
        log::warn("store", "the database still refuses writes", {{"err", resumed.error().what}});
        return;
    }
    broken_.store(false);
    log::info("store", "the database accepts writes again", {{"path", path_}});
}

}  // namespace anode::rocks
