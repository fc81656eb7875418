#include "api/http/listen.hpp"

#include <arpa/inet.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include "base/text.hpp"

namespace anode::api {

namespace {

std::string why(int error) { return std::generic_category().message(error); }

Errc code_of(int error) { return error == EADDRINUSE ? Errc::Conflict : Errc::Io; }

std::string address_text(const sockaddr_storage& storage, bool with_port) {
    char text[INET6_ADDRSTRLEN] = {};
    if (storage.ss_family == AF_INET) {
        const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
        ::inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
        return with_port ? std::string(text) + ':' + std::to_string(ntohs(v4->sin_port)) : text;
    }
    if (storage.ss_family == AF_INET6) {
        const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
        ::inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
        if (!with_port) return std::strncmp(text, "::ffff:", 7) == 0 ? text + 7 : text;
        return '[' + std::string(text) + "]:" + std::to_string(ntohs(v6->sin6_port));
    }
    return "unix";
}

struct HostPort {
    std::string host, port;
};

Result<HostPort> split_address(std::string_view address) {
    const std::size_t colon = address.rfind(':');
    if (colon == std::string_view::npos || !text::parse_u64(address.substr(colon + 1)))
        return fail(Errc::Malformed, "not an address with a port: " + std::string(address));
    std::string_view host = address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return HostPort{std::string(host), std::string(address.substr(colon + 1))};
}

bool somebody_answers(const sockaddr_un& address) {
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0) return false;
    const bool answers =
        ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(probe);
    return answers;
}

}  // namespace

Result<Listening> listen_tcp(std::string_view address) {
    const auto parts = split_address(address);
    if (!parts) return std::unexpected(parts.error());
    addrinfo hints{};
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int failed = ::getaddrinfo(parts->host.empty() ? nullptr : parts->host.c_str(),
                                     parts->port.c_str(), &hints, &found);
    if (failed != 0) return fail(Errc::Io, std::string(address) + ": " + ::gai_strerror(failed));
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> guard(found, ::freeaddrinfo);
    const int fd =
        ::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (fd < 0) return fail(Errc::Io, std::string(address) + ": " + why(errno));
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(fd, found->ai_addr, found->ai_addrlen) != 0 || ::listen(fd, 4096) != 0) {
        const int error = errno;
        ::close(fd);
        return fail(code_of(error), "cannot listen on " + std::string(address) + ": " + why(error));
    }
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
    return Listening{fd, address_text(bound, true), false};
}

Result<Listening> listen_unix(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return fail(Errc::Malformed, "socket path is too long: " + path);
    std::memcpy(address.sun_path, path.data(), path.size());
    struct stat status{};
    if (::lstat(path.c_str(), &status) == 0) {
        if (!S_ISSOCK(status.st_mode))
            return fail(Errc::Conflict, path + " exists and is no socket");
        if (somebody_answers(address))
            return fail(Errc::Conflict, path + " is in use by another process");
        ::unlink(path.c_str());
    }
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return fail(Errc::Io, path + ": " + why(errno));
    // The mode of the descriptor becomes the file's, so that it is never open to others, not for a moment.
    if (::fchmod(fd, 0660) != 0 ||
        ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::chmod(path.c_str(), 0660) != 0 || ::listen(fd, 512) != 0) {
        const int error = errno;
        ::close(fd);
        return fail(code_of(error), "cannot listen on " + path + ": " + why(error));
    }
    // Members of the group `anode` act as administrators, where there is one and we may give it the file.
    char names[1024];
    group entry{}, *found = nullptr;
    if (::getgrnam_r("anode", &entry, names, sizeof names, &found) == 0 && found != nullptr) {
        [[maybe_unused]] const int given =
            ::chown(path.c_str(), static_cast<uid_t>(-1), found->gr_gid);
    }
    return Listening{fd, path, true};
}

std::string peer_address(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "unknown";
    return address_text(address, false);
}

std::string unix_peer(int fd) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return "unix";
    // By number: a name would have to be asked for, from a directory service perhaps, on the loop's thread.
    return peer.uid == 0 ? "unix:root" : "unix:uid-" + std::to_string(peer.uid);
}

std::string local_address(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
    return address_text(address, false);
}

}  // namespace anode::api
