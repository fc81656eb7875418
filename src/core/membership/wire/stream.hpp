#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "core/membership/counters.hpp"
#include "core/membership/wire/packet.hpp"

/// One direction of one stream: label (dialler only, once), seal with its length, compression, message.
/// Source: memberlist protocol, sections 2.2, 2.5, 2.6 and 10.3.
namespace anode::membership::wire {

inline constexpr std::size_t kSealedStreamMax = 20u << 20;
inline constexpr std::size_t kOpenedStreamMax = 40u << 20;

/// Gathers the bytes of one direction until its one message is whole. Memory follows the bytes that came, never a declared size.
class StreamReader {
public:
    enum class End : std::uint8_t { Dialler, Acceptor };
    /// `sender`: whose bytes these are; only a dialler's begin with a label.
    StreamReader(const Envelope& envelope, End sender);

    struct Failure {
        Drop reason;
        std::string what;
        bool answer =
            false;  ///< the framing failed: tell it with an error message, then close (section 2.6)
    };
    /// More bytes. Nothing: go on. Errors end the stream.
    std::expected<std::optional<StreamMessage>, Failure> add(BytesView bytes);
    /// The other end closed.
    std::expected<std::optional<StreamMessage>, Failure> end();
    [[nodiscard]] std::size_t held() const noexcept { return raw_.size() + content_.size(); }
    [[nodiscard]] std::size_t key() const noexcept { return key_; }

private:
    std::expected<std::optional<StreamMessage>, Failure> step(bool complete);

    Envelope envelope_;
    Bytes label_;  ///< the envelope's, kept: it must outlive the view
    End sender_;
    bool labelled_ = false, framed_ = false, whole_ = false;
    std::size_t need_ = 0, key_ = ~0u;
    Bytes raw_, content_, opened_;
};

/// Frames one message for one direction. `content`: type byte first. Errors: TooLarge.
Result<void> frame_stream(const Envelope& envelope, StreamReader::End sender, BytesView content,
                          std::span<const std::uint8_t, KeyRing::kNonceBytes> nonce, Bytes& out);

}  // namespace anode::membership::wire
