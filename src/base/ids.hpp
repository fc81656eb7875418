#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

/// Identities of the data plane (dissemination, section 1.1). Two kinds of id are two types.
namespace anode {

/// 16 random bytes, made at the first start and kept in the data directory.
struct NodeId {
    std::array<std::uint8_t, 16> bytes{};
    friend auto operator<=>(const NodeId&, const NodeId&) = default;

    /// `n-` and the first six bytes in hex: what people see in messages and in the file `node-id`.
    [[nodiscard]] std::string text() const;
    /// The 32 bits that message ids carry: the first four bytes.
    [[nodiscard]] std::uint32_t number() const noexcept;
};

/// One run of a node: `(unix_ms << 16) | random16`, above every earlier one of this node.
struct Epoch {
    std::uint64_t value = 0;
    friend auto operator<=>(const Epoch&, const Epoch&) = default;
};

/// 0 carries system messages, 1 data; 2..15 are free to separate bulk topics.
using Lane = std::uint8_t;
inline constexpr Lane kSystemLane = 0;
inline constexpr Lane kDataLane = 1;

/// One append-only log: one lane of one run of one node.
struct LogKey {
    NodeId node;
    Epoch epoch;
    Lane lane = kDataLane;
    friend auto operator<=>(const LogKey&, const LogKey&) = default;

    /// 25 bytes: node, epoch little-endian, lane.
    void append_to(Bytes& out) const;
    static std::optional<LogKey> from(BytesView bytes);
    static constexpr std::size_t kBytes = 25;
};

/// 1, 2, 3… without a hole in one log, given by the lane's single writer.
using Seq = std::uint64_t;

/// Place of a message in one node's store: its arrival index, rising over the life of the store. The run of the
/// store (one per open) stands in the upper 24 bits, so that a position handed out but lost in a crash is never
/// given to another message.
struct Arrival {
    std::uint64_t value = 0;
    friend auto operator<=>(const Arrival&, const Arrival&) = default;
    static constexpr unsigned kRunShift = 40;
    [[nodiscard]] std::uint64_t run() const noexcept { return value >> kRunShift; }
    [[nodiscard]] Arrival plus(std::uint64_t n) const noexcept { return {value + n}; }
};

/// Unique in the cluster, sorts by time: 48-bit milliseconds, 16-bit counter, 32-bit node number, 32-bit sequence.
struct MessageId {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    friend auto operator<=>(const MessageId&, const MessageId&) = default;

    [[nodiscard]] std::string text() const;  ///< 26 characters of Crockford base32
    static std::optional<MessageId> parse(std::string_view text);
};

}  // namespace anode
