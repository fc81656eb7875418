#include "store/rocksdb/directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/text.hpp"
#include "store/store.hpp"

namespace anode::rocks {
namespace {

std::unexpected<Error> system_error(const std::string& what, const std::string& path, int error) {
    const Errc code = error == ENOSPC || error == EDQUOT ? Errc::NoSpace : Errc::Io;
    return fail(code, what + " " + path + ": " + std::strerror(error));
}

Result<Bytes> read_small(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return system_error("cannot read", path, errno);
    char buffer[64];
    const ssize_t got = ::read(file, buffer, sizeof buffer);
    const int error = errno;
    ::close(file);
    if (got < 0) return system_error("cannot read", path, error);
    return Bytes(buffer, static_cast<std::size_t>(got));
}

/// Written beside, synced and renamed, so that a crash leaves the old file or the new one.
Result<void> write_small(const std::string& path, BytesView text) {
    const std::string beside = path + ".new";
    const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (file < 0) return system_error("cannot write", beside, errno);
    const bool written =
        ::write(file, text.data(), text.size()) == std::ssize(text) && ::fsync(file) == 0;
    const int error = errno;
    ::close(file);
    if (!written) return system_error("cannot write", beside, error);
    if (::rename(beside.c_str(), path.c_str()) != 0) {
        return system_error("cannot write", path, errno);
    }
    return {};
}

}  // namespace

Result<Directory> Directory::open(const std::string& path) {
    std::error_code failed;
    std::filesystem::create_directories(path, failed);
    if (failed) return system_error("cannot make the data directory", path, failed.value());
    const std::string lock_path = path + "/lock";
    const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (lock < 0) return system_error("cannot use the data directory", path, errno);
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
        const int error = errno;
        ::close(lock);
        if (error != EWOULDBLOCK) return system_error("cannot lock", lock_path, error);
        const Result<Bytes> holder = read_small(lock_path);
        const bool known = holder && text::parse_u64(text::trim(*holder));
        return fail(Errc::Conflict,
                    "the data directory " + path + " is used by another process" +
                        (known ? " (pid " + std::string(text::trim(*holder)) + ")" : ""));
    }
    Directory directory(path, lock);
    // The pid is a hint for people; the lock itself is what counts, so a failure here is no error.
    const std::string pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(lock, 0) == 0) {
        [[maybe_unused]] const ssize_t hint = ::pwrite(lock, pid.data(), pid.size(), 0);
    }
    if (const auto version = directory.check_version(); !version) {
        return std::unexpected(version.error());
    }
    return directory;
}

Result<void> Directory::check_version() const {
    const std::string file = path_ + "/disk-version";
    const bool has_data = ::access((database_path() + "/CURRENT").c_str(), F_OK) == 0;
    if (::access(file.c_str(), F_OK) != 0) {
        if (has_data) {
            return fail(Errc::Unsupported, "the store in " + path_ +
                                               " has no disk version; this program reads " +
                                               std::to_string(kDiskVersion));
        }
        return write_small(file, std::to_string(kDiskVersion) + "\n");
    }
    const Result<Bytes> stored = read_small(file);
    if (!stored) return std::unexpected(stored.error());
    if (text::parse_u64(text::trim(*stored)) == kDiskVersion) return {};
    return fail(Errc::Unsupported, "the store in " + path_ + " has disk version " +
                                       text::printable(text::trim(*stored)) +
                                       "; this program reads " + std::to_string(kDiskVersion));
}

Directory::~Directory() {
    if (lock_ >= 0) ::close(lock_);
}

Directory::Directory(Directory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

DiskSpace disk_space(const std::string& path) {
    struct statvfs about{};
    if (::statvfs(path.c_str(), &about) != 0) return {};
    return {about.f_bavail * about.f_frsize, about.f_blocks * about.f_frsize};
}

}  // namespace anode::rocks
