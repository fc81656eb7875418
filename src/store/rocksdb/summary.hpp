#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/message/block.hpp"

namespace anode::rocks {

/// Where the newest message of a (topic, key) lies. The later stamp wins, on every node alike.
struct LastPlace {
    std::uint64_t hlc = 0;
    Arrival arrival;

    [[nodiscard]] Bytes encoded() const;
    static LastPlace decoded(BytesView value);
};

/// What the index wants to know of a block: computed once, outside of every lock.
/// Ownership: views point into the block, which it keeps.
struct Summary {
    struct TopicPart {
        std::string_view topic;
        std::uint64_t messages = 0;
        std::uint64_t bytes = 0;  ///< of payload
        WallTime first_ts = 0, last_ts = 0;
        Arrival last_arrival;
    };
    struct LastPart {
        std::uint32_t topic_index = 0;  ///< into `topics`
        std::string_view key;
        LastPlace place;
    };

    BlockPtr block;
    std::uint64_t stored_bytes = 0;  ///< as written
    std::uint64_t payload_bytes = 0;
    std::vector<TopicPart> topics;  ///< parallel to Block::topics()
    std::vector<LastPart> lasts;    ///< one for each (topic, key) of the block
};
Summary summarize(const BlockPtr& block, std::uint64_t stored_bytes);

}  // namespace anode::rocks
