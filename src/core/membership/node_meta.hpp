#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "base/ids.hpp"

namespace anode::membership {

/// What a node of ours tells in its member metadata. Foreign members carry something else, or nothing.
/// Shape:   magic `A0 6E`, version 1, node id 16, epoch u64, data port u16, http port u16, capabilities u32, weight u16,
///          flags u8 (all little-endian), then zone, version and url, each with a length byte (≤ 32, ≤ 24, ≤ 128). Bytes
///          after them belong to later versions and are ignored.
/// Source:  dissemination, section 1.1.
struct NodeMeta {
    static constexpr std::uint32_t kFast = 1;  ///< capability: probes and judges by FastTiming
    static constexpr std::uint32_t kData = 2;  ///< capability: takes part in the mesh
    static constexpr std::uint8_t kDraining = 1, kMemoryOnly = 2, kClockSuspect = 4;

    NodeId node;
    Epoch epoch;
    std::uint16_t data_port = 0;
    std::uint16_t http_port = 0;
    std::uint32_t capabilities = 0;
    std::uint16_t weight = 100;
    std::uint8_t flags = 0;
    std::string zone;
    std::string version;
    std::string url;  ///< where its API answers, as it would tell a client; may be empty

    friend bool operator==(const NodeMeta&, const NodeMeta&) = default;
    /// Texts past their limit are cut; a url past it is left out, as half of one leads nowhere.
    [[nodiscard]] Bytes encode() const;
    /// Nothing for a foreign member's metadata, however it looks.
    static std::optional<NodeMeta> decode(BytesView meta);
};

}  // namespace anode::membership
