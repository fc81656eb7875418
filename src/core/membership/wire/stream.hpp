#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "core/membership/counters.hpp"
#include "core/membership/wire/packet.hpp"
#include "core/membership/wire/stream_length.hpp"

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
    using Step = std::expected<std::optional<StreamMessage>, Failure>;
    /// More bytes. Nothing: go on. A message or an error ends the stream; what comes after is ignored. The message's views are
    /// valid as long as this reader lives and is not moved.
    Step add(BytesView bytes);
    /// The other end closed.
    Step end();
    [[nodiscard]] std::size_t held() const noexcept {
        return raw_.size() + content_.size() + opened_.size();
    }
    /// Index of the key that opened it; ~0u: clear text, or not yet known.
    [[nodiscard]] std::size_t key() const noexcept { return key_; }

private:
    enum class Phase : std::uint8_t { Reading, Over };
    Step step(bool closed);
    Step ended(Step step);
    std::expected<void, Failure> unlabel();
    Step sealed(BytesView rest, bool closed);
    Step unseal(BytesView head, BytesView inside);
    Step clear(BytesView rest, bool closed);
    Step finish(BytesView content);

    Envelope envelope_;
    Bytes label_;  ///< the envelope's, kept: it must outlive the view
    Phase phase_ = Phase::Reading;
    bool labelled_ = false;
    std::size_t at_ = 0;  ///< in raw_: behind the label
    std::size_t key_ = ~0u;
    StreamLength length_;
    Bytes raw_, content_, opened_;
};

/// Appends one message, framed for one direction. `content`: type byte first. Errors: TooLarge.
Result<void> frame_stream(const Envelope& envelope, StreamReader::End sender, BytesView content,
                          std::span<const std::uint8_t, KeyRing::kNonceBytes> nonce, Bytes& out);

}  // namespace anode::membership::wire
