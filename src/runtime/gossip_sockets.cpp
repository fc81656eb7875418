#include "runtime/gossip_sockets.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "runtime/gossip_address.hpp"

namespace anode::gossip {
namespace {

using membership::Address;

constexpr int kTries = 10;
constexpr int kBacklog = 512;
constexpr int kBufferBytes = 2 << 20;
constexpr int kBufferBytesMin = 64 << 10;

std::unexpected<Error> failed(std::string_view doing, const Address& address) {
    const int error = errno;
    return fail(error == EADDRINUSE ? Errc::Exists : Errc::Io,
                std::string(doing) + " " + address.text() + ": " + std::strerror(error));
}

void set(int fd, int level, int option, int value) {
    ::setsockopt(fd, level, option, &value, sizeof value);
}

/// As much as the kernel grants of what we wish for.
void ask_for_buffer(int fd, int option) {
    for (int bytes = kBufferBytes; bytes >= kBufferBytesMin; bytes /= 2)
        if (::setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof bytes) == 0) return;
}

Result<Descriptor> bind_one(const Address& address, int type) {
    const int family = family_of(address);
    Descriptor out(::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!out.is_open()) return failed("socket", address);
    if (family == AF_INET6) {
        const bool any = std::all_of(address.ip.begin(), address.ip.end(),
                                     [](std::uint8_t byte) { return byte == 0; });
        set(out.get(), IPPROTO_IPV6, IPV6_V6ONLY, any ? 0 : 1);
    }
    // A node that comes back finds its port busy with connections that are over.
    if (type == SOCK_STREAM) set(out.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    SocketAddress kernel;
    static_cast<void>(to_kernel(address, family, kernel));
    if (::bind(out.get(), kernel.pointer(), kernel.size) != 0) return failed("bind", address);
    return out;
}

/// Refusals come back with the address they are about; lost datagrams are counted.
void prepare_datagrams(int fd, int family) {
    ask_for_buffer(fd, SO_RCVBUF);
    ask_for_buffer(fd, SO_SNDBUF);
    set(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
    set(fd, IPPROTO_IP, IP_RECVERR, 1);
    if (family == AF_INET6) set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
}

Result<Sockets> open_once(const Address& listen) {
    Sockets out{.streams = {}, .datagrams = {}, .family = family_of(listen), .bound = listen};
    auto streams = bind_one(listen, SOCK_STREAM);
    if (!streams) return std::unexpected(streams.error());
    SocketAddress kernel;
    kernel.size = sizeof kernel.storage;
    if (::getsockname(streams->get(), kernel.pointer(), &kernel.size) != 0)
        return failed("getsockname", listen);
    out.bound.port = from_kernel(kernel.storage).port;
    auto datagrams = bind_one(out.bound, SOCK_DGRAM);
    if (!datagrams) return std::unexpected(datagrams.error());
    // Only now: nobody's connection waits in a queue that is thrown away.
    if (::listen(streams->get(), kBacklog) != 0) return failed("listen", out.bound);
    prepare_datagrams(datagrams->get(), out.family);
    out.streams = std::move(*streams);
    out.datagrams = std::move(*datagrams);
    return out;
}

}  // namespace

void Descriptor::close() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Result<Sockets> open_sockets(const Address& listen) {
    const Address plain = listen.canonical();
    auto out = open_once(plain);
    for (int tries = 1; plain.port == 0 && tries < kTries; ++tries) {
        if (out || out.error().code != Errc::Exists) break;
        out = open_once(plain);
    }
    return out;
}

}  // namespace anode::gossip
