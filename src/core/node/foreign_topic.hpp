#pragma once

#include <string_view>

#include "base/ids.hpp"

namespace anode {

/// Whether a log may not speak of a topic: the data lane of a node never of the system, its system lane of nothing else, and
/// of one node's figures (`$sys.stats.<node>`) only that node. Who breaks it is shown to nobody.
/// Source: interfaces, sections 3 and 15.
[[nodiscard]] inline bool foreign_topic(const LogKey& log, std::string_view topic) {
    constexpr std::string_view kOfOneNode = "$sys.stats.";
    const bool system = topic.starts_with('$');
    if (system != (log.lane == kSystemLane)) return true;
    return topic.starts_with(kOfOneNode) && topic.substr(kOfOneNode.size()) != log.node.text();
}

}  // namespace anode
