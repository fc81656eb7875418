#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace anode::rocks {

/// The data directory: made if absent, of one disk version, used by one process at a time.
/// Ownership: holds the lock file until destroyed. Errors: Io (names the path), Conflict (names the
/// path and the process that holds it), Unsupported (tells both disk versions).
class Directory {
public:
    static Result<Directory> open(const std::string& path);
    ~Directory();
    Directory(Directory&& other) noexcept;
    Directory& operator=(Directory&&) = delete;

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] std::string database_path() const { return path_ + "/rocksdb"; }

private:
    Directory(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
    [[nodiscard]] Result<void> check_version() const;

    std::string path_;
    int lock_ = -1;
};

/// Free and total bytes of the file system that holds `path`; zeros if it cannot be asked.
struct DiskSpace {
    std::uint64_t free = 0;
    std::uint64_t total = 0;
};
DiskSpace disk_space(const std::string& path);

}  // namespace anode::rocks
