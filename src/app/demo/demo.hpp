#pragma once

#include "app/config/config.hpp"

namespace anode::app {

struct DemoOptions {
    Config::From from;
    bool offline = false;  ///< only the simulator, no public feeds
};

/// `anode demo`: a node beside a simulator of feeds that listens on loopback, so that more than a hundred sources of
/// many protocols are at work over real sockets. Says on standard output what to try once the node is ready.
/// The answer is the exit code of the node.
int run_demo(const DemoOptions& options);

}  // namespace anode::app
