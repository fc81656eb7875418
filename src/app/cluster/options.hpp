#pragma once

#include "api/doors.hpp"
#include "app/cluster/key_file.hpp"
#include "app/config/config.hpp"
#include "app/identity.hpp"
#include "runtime/gossip_driver.hpp"

namespace anode::app {

/// Who we are and how we speak, from the configuration. The metadata is not filled in: what it tells is known later.
GossipOptions gossip_options(const Config& config, const Identity& identity,
                             const membership::KeyRing& ring);

/// Where clients reach our API, as far as other members could use it: `http.public_url`, else an address of `listening`
/// that is open to whom `advertised` is; empty if there is none.
std::string url_for_others(const Config& config, const std::vector<std::string>& listening,
                           const membership::Address& advertised);

/// The port of `host:port`; 0 if there is none.
std::uint16_t port_of(std::string_view address);

}  // namespace anode::app
