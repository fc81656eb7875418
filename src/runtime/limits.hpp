#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/source/ip.hpp"

/// What the machine or its control group lets this process use. Thread: any, but raise_fd_limit()
/// belongs to start-up.
namespace anode {

struct FdLimit {
    std::uint64_t soft = 0;  ///< now in force
    std::uint64_t hard = 0;
    bool raised = false;  ///< the wish was met
};
/// Raises the soft limit of RLIMIT_NOFILE to `wanted` or as far as the hard limit allows.
FdLimit raise_fd_limit(std::uint64_t wanted);
/// Descriptors open now.
std::uint64_t open_fds();

struct MemoryLimit {
    std::uint64_t bytes = 0;
    bool control_group = false;  ///< false: it is the memory of the host
};
MemoryLimit memory_limit();
std::uint64_t resident_bytes();
/// Lets each thread's heap keep some free memory, because asking the kernel for a page at a time costs more than the
/// pages: without it a busy node calls mprotect for every block that it takes in. Call before the first thread starts.
void keep_free_memory();

/// No core dumps, and nobody of the same user may look into this process: secrets are in its memory.
void keep_memory_private();

/// Cores this process may use: affinity and the control group's quota, whichever is less.
double cpu_limit();

/// The addresses of all network interfaces, for EgressOptions::own_addresses.
std::vector<IpAddress> interface_addresses();

}  // namespace anode
