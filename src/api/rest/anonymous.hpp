#pragma once

#include <mutex>

#include "api/doors.hpp"
#include "api/http/request.hpp"

namespace anode::api::rest {

/// What callers without a credential may do: `auth.anonymous` of the configuration, such as
/// `["S:public.>"]`.
Caller read_anonymous(BytesView config_json);

/// Keeps that for ten seconds, so that a reload takes hold without a restart. Thread: any.
class Anonymous {
public:
    explicit Anonymous(const NodeControl& node) : node_(node) {}
    Caller caller(WallTime now);

private:
    const NodeControl& node_;
    std::mutex mutex_;  ///< guards what follows
    WallTime read_at_ = 0;
    Caller caller_;
};

}  // namespace anode::api::rest
