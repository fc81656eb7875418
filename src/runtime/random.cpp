#include "runtime/random.hpp"

#include <sys/random.h>

#include <cerrno>

#include "base/assert.hpp"

namespace anode {

void os_random(std::span<std::uint8_t> out) {
    while (!out.empty()) {
        const ssize_t got = getrandom(out.data(), out.size(), 0);
        ANODE_ASSERT(got > 0 || errno == EINTR);
        if (got > 0) out = out.subspan(static_cast<std::size_t>(got));
    }
}

std::uint64_t os_random_u64() {
    std::uint8_t bytes[8];
    os_random(bytes);
    std::uint64_t value = 0;
    for (const std::uint8_t byte : bytes) value = value << 8 | byte;
    return value;
}

}  // namespace anode
