#pragma once

#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "core/membership/node_meta.hpp"

namespace anode::app {

/// What a node of ours tells of itself: the metadata that the protocol reads, and behind it a name for people.
/// Shape:  NodeMeta, then the name with a length byte (≤ 64). Members know each other by id, so that two hosts of one name
///         do not quarrel; the name is for display only and need not be unique.
struct Card {
    static constexpr std::size_t kNameBytesMax = 64;

    membership::NodeMeta meta;
    std::string name;

    friend bool operator==(const Card&, const Card&) = default;
    /// A name that is too long is cut between two characters.
    [[nodiscard]] Bytes encode() const;
    /// Nothing for a foreign member's metadata. One that carries no name is called by its id.
    static std::optional<Card> decode(BytesView bytes);
};

}  // namespace anode::app
