#include "store/rocksdb/space.hpp"

#include "base/log.hpp"
#include "store/rocksdb/directory.hpp"

namespace anode::rocks {

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
    if (measure()) return {};
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
