#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// The sources of the demo, written as anybody would write them.
namespace anode::app::demo {

struct DemoSources {
    std::string toml;
    std::size_t count = 0;
    std::vector<std::string> webhooks;  ///< names of those that are pushed to
};

/// Definitions of everything that the simulator serves on 127.0.0.1:`port`.
DemoSources simulated_sources(std::uint16_t port);

}  // namespace anode::app::demo
