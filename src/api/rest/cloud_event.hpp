#pragma once

#include "api/rest/publish_body.hpp"
#include "core/json/json.hpp"

/// CloudEvents 1.0 in their three modes. Source: CloudEvents specification 1.0.2, its JSON format and
/// its HTTP binding; the partitioning and distributed tracing extensions.
namespace anode::api::rest {

/// A structured event becomes a message on the item's topic: `data` is the payload, `time` the source
/// time, `partitionkey` the key.
Read<void> read_cloud_event(const json::Value& event, PublishItem& item);

/// Whether the request carries an event in its headers.
bool is_binary_event(const Request& request);
/// Its attributes; the payload is the body, whatever its type.
Read<void> read_event_headers(const Request& request, PublishItem& item);

}  // namespace anode::api::rest
