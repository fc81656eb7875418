#include "app/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace anode::app {
namespace {

Error error_of(const std::string& path, int why) {
    return {why == ENOSPC || why == EDQUOT ? Errc::NoSpace : Errc::Io,
            path + ": " + std::strerror(why)};
}

}  // namespace

Result<void> write_file(const std::string& path, std::string_view text, mode_t mode) {
    const std::string fresh = path + ".new";
    ::unlink(fresh.c_str());  // one that was left behind would keep its mode
    const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0) return std::unexpected(error_of(path, errno));
    errno = ENOSPC;  // what a short write means
    const bool written =
        ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
        ::fsync(fd) == 0;
    const int why = errno;
    ::close(fd);
    if (written && ::rename(fresh.c_str(), path.c_str()) == 0) return {};
    Error error = error_of(path, written ? errno : why);
    ::unlink(fresh.c_str());
    return std::unexpected(std::move(error));
}

}  // namespace anode::app
