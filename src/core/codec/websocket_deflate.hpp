#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"

/// permessage-deflate: its negotiation for both sides and its compressor. The decoder inflates by
/// itself. Source: RFC 7692, section 7.
namespace anode::ws {

/// What both sides agreed on.
struct DeflateAgreed {
    bool server_keeps_context = false;
    bool client_keeps_context = false;
    std::uint8_t server_window_bits = 15;
    std::uint8_t client_window_bits = 15;
    friend bool operator==(const DeflateAgreed&, const DeflateAgreed&) = default;
};

/// Server: reads the client's Sec-WebSocket-Extensions and accepts the first offer we can serve,
/// always without context takeover on either side, so that one compressed frame serves all
/// listeners and an idle one holds no window. `window_bits_min`: the smallest
/// server_max_window_bits served; 15 means that all listeners share one form. Offers with unknown,
/// repeated or badly valued parameters are passed over, as the RFC demands.
[[nodiscard]] std::optional<DeflateAgreed> accept_deflate(std::string_view offers,
                                                          std::uint8_t window_bits_min = 15);

/// Server: the value of Sec-WebSocket-Extensions in the answer.
[[nodiscard]] std::string deflate_answer(const DeflateAgreed& agreed);

/// Client: the value of Sec-WebSocket-Extensions in the request.
inline constexpr std::string_view kDeflateOffer = "permessage-deflate; client_max_window_bits";

/// Client: reads the server's answer to kDeflateOffer. Nothing if the answer is empty; Malformed if
/// it names another extension or an answer that does not fit the offer: the connection must then be
/// ended.
[[nodiscard]] Result<std::optional<DeflateAgreed>> read_deflate_answer(std::string_view answer);

/// Compresses messages one by one, each without reference to others: legal whatever was agreed.
/// Memory: about 256 KiB with 15 window bits, so keep one per thread, not per listener.
class MessageDeflater {
public:
    /// `window_bits` 9–15 (zlib cannot do 8: send such a peer plain frames).
    explicit MessageDeflater(std::uint8_t window_bits = 15, int level = 1);
    ~MessageDeflater();
    MessageDeflater(MessageDeflater&&) noexcept;
    MessageDeflater& operator=(MessageDeflater&&) noexcept;

    /// Appends the payload of a frame with RSV1 set.
    void deflate(BytesView payload, Bytes& out);

private:
    struct Stream;
    std::unique_ptr<Stream> stream_;
};

/// One message, once, for many listeners. For more than a few, keep a MessageDeflater.
void deflate_message(BytesView payload, Bytes& out);

}  // namespace anode::ws
