#pragma once

#include <unistd.h>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

/// What every load program has: arguments as name=value, the server's processor time, percentiles,
/// and one JSON object as its answer.
namespace bench {

class Args {
public:
    Args(int argc, char** argv) {
        for (int i = 1; i < argc; ++i) {
            const std::string arg = argv[i];
            const auto equals = arg.find('=');
            values_[arg.substr(0, equals)] =
                equals == std::string::npos ? "1" : arg.substr(equals + 1);
        }
    }
    std::string text(const char* name, const char* standard = "") const {
        const auto found = values_.find(name);
        return found == values_.end() ? standard : found->second;
    }
    double number(const char* name, double standard) const {
        const auto found = values_.find(name);
        return found == values_.end() ? standard : std::strtod(found->second.c_str(), nullptr);
    }
    unsigned count(const char* name, unsigned standard) const {
        return static_cast<unsigned>(number(name, standard));
    }

private:
    std::map<std::string, std::string> values_;
};

/// User and system time of a process, all its threads, in seconds; its own program's if `pid` is 0.
inline double cpu_seconds(int pid) {
    std::ifstream file("/proc/" + (pid == 0 ? "self" : std::to_string(pid)) + "/stat");
    std::string all;
    std::getline(file, all);
    std::istringstream fields(all.substr(all.rfind(')') + 2));
    std::string field;
    for (int i = 3; i < 14; ++i) fields >> field;
    double user = 0, system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

/// Latencies in buckets an eighth of a power of two wide.
class Latencies {
public:
    void add(std::int64_t ns, std::uint64_t times = 1) {
        counts_[bucket(static_cast<std::uint64_t>(ns < 1 ? 1 : ns))] += times;
        total_ += times;
    }
    double quantile_ms(double q) const {
        const auto wanted = static_cast<std::uint64_t>(q * static_cast<double>(total_));
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            seen += counts_[i];
            if (seen > wanted) return upper(i) / 1e6;
        }
        return 0;
    }

private:
    static std::size_t bucket(std::uint64_t ns) {
        if (ns < 8) return ns;
        const unsigned power = static_cast<unsigned>(std::bit_width(ns)) - 4;
        return (power + 1) * 8 + ((ns >> power) & 7);
    }
    static double upper(std::size_t bucket) {
        if (bucket < 8) return static_cast<double>(bucket);
        return static_cast<double>((8 + bucket % 8 + 1)) *
               static_cast<double>(std::uint64_t{1} << (bucket / 8 - 1));
    }
    std::array<std::uint64_t, 64 * 8> counts_{};
    std::uint64_t total_ = 0;
};

class Answer {
public:
    /// What was divided by nothing is null: JSON has no infinity.
    Answer& with(const char* name, double value) {
        char text[32];
        std::snprintf(text, sizeof text, "%.6g", value);
        line_ += line_.empty() ? "{\"" : ",\"";
        line_.append(name).append("\":").append(std::isfinite(value) ? text : "null");
        return *this;
    }
    /// Counts keep all their digits.
    Answer& count(const char* name, std::uint64_t value) {
        line_ += line_.empty() ? "{\"" : ",\"";
        line_.append(name).append("\":").append(std::to_string(value));
        return *this;
    }
    void print() const {
        std::printf("%s}\n", line_.c_str());
        std::fflush(stdout);
    }

private:
    std::string line_;
};

}  // namespace bench
