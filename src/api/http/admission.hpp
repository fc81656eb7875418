#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

namespace anode::api {

/// Counts who is there, per address and in all. Thread: any.
class Admission {
public:
    enum class Answer : std::uint8_t { Welcome, TooManyHere, TooManyInAll };

    Admission(std::size_t total_max, std::size_t per_address_max)
        : total_max_(total_max), per_address_max_(per_address_max) {}

    Answer enter(const std::string& address) {
        const std::lock_guard lock(mutex_);
        if (total_ >= total_max_) return Answer::TooManyInAll;
        std::size_t& here = here_[address];
        if (here >= per_address_max_ && address != "unix") return Answer::TooManyHere;
        ++here;
        ++total_;
        return Answer::Welcome;
    }
    void leave(const std::string& address) {
        const std::lock_guard lock(mutex_);
        const auto found = here_.find(address);
        if (found == here_.end()) return;
        if (--found->second == 0) here_.erase(found);
        --total_;
    }
    [[nodiscard]] std::size_t total() const {
        const std::lock_guard lock(mutex_);
        return total_;
    }

private:
    mutable std::mutex mutex_;
    std::size_t total_max_, per_address_max_;
    std::size_t total_ = 0;
    std::unordered_map<std::string, std::size_t> here_;
};

}  // namespace anode::api
