#pragma once

#include <cstddef>
#include <string>

#include "base/ids.hpp"
#include "base/time.hpp"

namespace anode::mesh {

/// Timers and limits. Source: dissemination, section 10, last table.
struct Config {
    NodeId node;
    Epoch epoch;
    std::string name;
    std::string cluster;  ///< name; another cluster's node is refused at HELLO
    std::string zone;
    std::uint16_t weight = 100;

    std::size_t full_mesh_up_to = 24;
    Duration digest = 100ms, digest_max = 1s;
    Duration lag_min = 150ms;
    Duration join_timeout_min = 100ms;
    Duration ping_idle = 750ms, dead_min = 1500ms;
    Duration dial_timeout = 3s, hello_timeout = 3s, sync_timeout = 5s;
    Duration race = 2s;
    Duration audit = 30s;
    Duration history = 24h * 3650;  ///< how far back a new node repairs; retention ends it sooner
    Duration horizon = 24h;         ///< retention's longest age, for retiring logs
    Duration lost_after = 10min;
    Duration drift_max = 10s, drift_warn = 250ms;
    std::size_t cache_bytes = 256u << 20;
    std::size_t live_window = 4u << 20, bulk_window = 1u << 20;
    std::size_t unit_bytes = 1u << 20;    ///< of one PULL
    std::size_t bulk_floor = 256u << 10;  ///< bytes a second that repair may always use
    std::size_t unsent_max = 128u << 10;  ///< of a socket
    std::size_t control_max = 4u << 20;  ///< queued control of one link; past it the link is closed
    std::size_t asks_burst = 500'000, asks_per_second = 50'000;  ///< of one link, see Budget
    std::size_t frame_max = 2u << 20, bulk_frame_max = 17u << 20;
    std::size_t logs_max = 100'000;
    unsigned gaps_max = 32;  ///< of one log
};

}  // namespace anode::mesh
