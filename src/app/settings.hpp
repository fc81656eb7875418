#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/doors.hpp"
#include "app/config/config.hpp"
#include "app/log_sink.hpp"
#include "base/metrics.hpp"
#include "core/source/egress.hpp"
#include "store/store.hpp"

/// What the configuration means for the parts that a node is built of.
namespace anode::app {

LogOptions log_options(const Config& config);
/// `storage.ack`.
api::AckLevel ack_level_of(const Config& config);
/// What sources may reach: never `listening`, the addresses of this node itself.
std::shared_ptr<const EgressPolicy> egress_of(const Config& config,
                                              const std::vector<std::string>& listening);
/// Opens the store of `node.data_dir`, which is made if it is not there. `memory`: what shares are of.
/// Errors: those of the store, naming the directory.
Result<std::unique_ptr<Store>> open_store(const Config& config, metrics::Registry& metrics,
                                          std::uint64_t memory);

}  // namespace anode::app
