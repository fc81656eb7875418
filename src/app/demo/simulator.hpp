#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace anode::app::demo {

/// Providers of feeds that do not exist: a thread that serves them on one loopback port, and pushes to a node.
class Simulator {
public:
    static Result<std::unique_ptr<Simulator>> start();
    /// Ends the thread.
    ~Simulator();

    [[nodiscard]] std::uint16_t port() const noexcept;
    /// From now on web hooks of these sources are pushed to the node at `url`, with `token` unless it is empty. Any
    /// thread.
    void push_to(const std::string& url, const std::string& token,
                 std::vector<std::string> sources);

private:
    Simulator();
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace anode::app::demo
