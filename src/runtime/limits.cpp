#include "runtime/limits.hpp"

#include <arpa/inet.h>
#include <dirent.h>
#include <ifaddrs.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <string>

#include "base/text.hpp"

namespace anode {
namespace {

std::string first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

/// Folder of this process in the unified hierarchy; a container sees itself at the root.
std::string control_group() {
    std::ifstream file("/proc/self/cgroup");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("0::")) return "/sys/fs/cgroup" + line.substr(3);
    return "/sys/fs/cgroup";
}

/// The file in the process's group and in every group above it: each of them limits.
template <class Visit>
void each_level(const char* file, Visit visit) {
    std::string folder = control_group();
    const std::string root = "/sys/fs/cgroup";
    while (folder.size() >= root.size()) {
        visit(first_line(folder + '/' + file));
        if (folder == root) break;
        folder.resize(std::max(folder.rfind('/'), root.size()));
    }
}

std::uint64_t host_memory() {
    return static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
           static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

/// `max 100000` or `150000 100000` (version 2).
double quota_cores(const std::string& line) {
    const auto parts = text::split(line, ' ');
    if (parts.size() != 2) return 0;
    const auto quota = text::parse_u64(parts[0]), period = text::parse_u64(parts[1]);
    return quota && period && *period > 0
               ? static_cast<double>(*quota) / static_cast<double>(*period)
               : 0;
}

}  // namespace

FdLimit raise_fd_limit(std::uint64_t wanted) {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
    if (limit.rlim_cur < wanted) {
        rlimit raised{std::min<rlim_t>(wanted, limit.rlim_max), limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
    }
    return {limit.rlim_cur, limit.rlim_max, limit.rlim_cur >= wanted};
}

std::uint64_t open_fds() {
    DIR* folder = opendir("/proc/self/fd");
    if (folder == nullptr) return 0;
    std::uint64_t count = 0;
    while (readdir(folder) != nullptr) ++count;
    closedir(folder);
    return count > 3 ? count - 3 : 0;  // `.`, `..` and the folder itself
}

MemoryLimit memory_limit() {
    MemoryLimit limit{host_memory(), false};
    const auto narrow = [&](const std::string& line) {
        const auto bytes = text::parse_u64(line);
        if (bytes && *bytes > 0 && *bytes < limit.bytes) limit = {*bytes, true};
    };
    each_level("memory.max", narrow);
    narrow(first_line("/sys/fs/cgroup/memory/memory.limit_in_bytes"));  // version 1
    return limit;
}

void keep_free_memory() {
    ::mallopt(M_TOP_PAD, 256 << 10);
    ::mallopt(M_TRIM_THRESHOLD, 2 << 20);
    ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
}

std::uint64_t resident_bytes() {
    const std::string line = first_line("/proc/self/statm");
    const auto parts = text::split(line, ' ');
    const auto pages = parts.size() > 1 ? text::parse_u64(parts[1]) : std::nullopt;
    return pages ? *pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

void keep_memory_private() {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    ::prctl(PR_SET_DUMPABLE, 0);
}

double cpu_limit() {
    cpu_set_t set;
    CPU_ZERO(&set);
    double cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    const auto narrow = [&](double quota) {
        if (quota > 0) cores = std::min(cores, quota);
    };
    each_level("cpu.max", [&](const std::string& line) { narrow(quota_cores(line)); });
    narrow(quota_cores(first_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") + ' ' +
                       first_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us")));  // version 1
    return cores;
}

std::vector<IpAddress> interface_addresses() {
    std::vector<IpAddress> out;
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) return out;
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr) continue;
        if (entry->ifa_addr->sa_family == AF_INET) {
            sockaddr_in address{};
            std::memcpy(&address, entry->ifa_addr, sizeof address);
            out.push_back(IpAddress::v4(ntohl(address.sin_addr.s_addr)));
        } else if (entry->ifa_addr->sa_family == AF_INET6) {
            sockaddr_in6 address{};
            std::memcpy(&address, entry->ifa_addr, sizeof address);
            IpAddress ip{.v6 = true};
            std::memcpy(ip.bytes.data(), &address.sin6_addr, ip.bytes.size());
            out.push_back(ip);
        }
    }
    freeifaddrs(list);
    return out;
}

}  // namespace anode
