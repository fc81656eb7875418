#pragma once

#include <utility>

#include "base/result.hpp"
#include "core/membership/types.hpp"

namespace anode::gossip {

/// A descriptor that is closed with its owner.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int fd) noexcept : fd_(fd) {}
    ~Descriptor() { close(); }
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        if (this != &other) {
            close();
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }
    void close() noexcept;
    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }

private:
    int fd_ = -1;
};

/// The pair of sockets on one port, non-blocking, the streams' one listening.
struct Sockets {
    Descriptor streams;
    Descriptor datagrams;
    int family = 0;
    membership::Address bound;  ///< IPv4 in 4 bytes
};

/// Binds streams first, then datagrams on the same port; with port 0 the kernel chooses, tried again up to 10 times where the
/// datagrams' port is taken. `[::]` serves both families. Errors: Exists (port in use), Io.
Result<Sockets> open_sockets(const membership::Address& listen);

}  // namespace anode::gossip
