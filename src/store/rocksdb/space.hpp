#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "store/rocksdb/database.hpp"

namespace anode::rocks {

/// Watches the disk: below the reserve, or after a write found it full, durable writes are refused
/// until there is room again.
/// Thread: any; recover() from one.
class Space {
public:
    Space(std::string path, double min_free_fraction)
        : path_(std::move(path)), min_free_fraction_(min_free_fraction) {}

    /// Asks the disk, fifty times a second at most. NoSpace below the reserve or while the database refuses writes.
    Result<void> check();
    /// A write failed: nothing is accepted before recover() succeeds.
    void failed(Errc why);
    /// Lets the database write again once there is room. Called every now and then.
    void recover(Database& database);

    [[nodiscard]] bool full() const noexcept { return low_.load() || broken_.load(); }
    [[nodiscard]] std::uint64_t free() const noexcept { return free_.load(); }
    [[nodiscard]] std::uint64_t total() const noexcept { return total_.load(); }

private:
    bool measure();
    bool measured_lately();

    std::string path_;
    double min_free_fraction_;
    std::atomic<std::uint64_t> free_{0}, total_{0};
    std::atomic<bool> low_{false};
    std::atomic<std::int64_t> measured_at_{0};  ///< nanoseconds of the steady clock
    std::atomic<bool> broken_{false};           ///< the database refuses writes since one failed
    std::atomic<Errc> why_{Errc::NoSpace};
};

}  // namespace anode::rocks
