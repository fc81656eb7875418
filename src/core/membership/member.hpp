#pragma once

#include <string>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "core/membership/types.hpp"

namespace anode::membership {

/// One member of the view, as a copy for whoever looks at it.
struct Member {
    std::string name;
    Address address;
    Bytes meta;
    Versions versions;
    Incarnation incarnation = 0;
    MemberState state = MemberState::Alive;
    Instant since{};    ///< of the last change of state
    Duration rtt{};     ///< smoothed; 0: never measured
    bool ours = false;  ///< its metadata is a NodeMeta
    bool fast = false;  ///< judged by FastTiming
    std::size_t key =
        ~0u;  ///< index in our ring of the key it last sealed with; ~0u: clear text or unknown
};

}  // namespace anode::membership
