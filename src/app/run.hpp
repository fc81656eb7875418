#pragma once

#include <functional>

#include "app/config/config.hpp"

namespace anode::app {

struct RunOptions {
    Config config;
    Config::From from;  ///< for reloads
    /// Called when the node is ready, with the address of its HTTP interface. For `anode demo`.
    std::function<void(const std::string& url)> ready;
};

/// Runs a node until it is told to end. The answer is the exit code: 0 after a drain, 1 if it could not start or was
/// told twice.
int run_node(RunOptions options);

}  // namespace anode::app
