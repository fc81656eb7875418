#pragma once

#include <array>
#include <string_view>

#include "base/rng.hpp"
#include "core/membership/membership.hpp"
#include "core/membership/notices.hpp"
#include "core/membership/wire/packet.hpp"

namespace anode::membership {

/// What the parts of one Membership have in common. `now` and `out` are those of the running handle().
struct Shared {
    Shared(Config config_, KeyRing keys_, Rng rng_, NonceSource nonces_)
        : config(std::move(config_)),
          keys(std::move(keys_)),
          rng(rng_),
          nonces(std::move(nonces_)) {}

    Config config;
    KeyRing keys;
    Rng rng;
    NonceSource nonces;
    Counters counters;
    Notices notices;
    Instant now{};
    Outbox* out = nullptr;

    [[nodiscard]] wire::Envelope envelope() const noexcept;
    /// Fresh bytes if this envelope seals; nothing is drawn if it does not.
    [[nodiscard]] std::array<std::uint8_t, KeyRing::kNonceBytes> nonce(
        const wire::Envelope& envelope) const;

    void push(Output output) { out->push(std::move(output)); }
    /// `what` is constant text.
    void notice(Notice::Level level, std::string_view what, const Address& address,
                std::string detail);
    /// The same, but told only if it is due (see notices.hpp).
    void notice_once(std::string_view what, const Address& address, std::string detail);
    /// Counts, and tells once. `stream`: `from` has a port that means nothing. `raw`: how it begins, for the label in it.
    void drop(Drop reason, const Address& from, BytesView what, bool stream, BytesView raw = {});
    /// `value` ± a quarter of it.
    [[nodiscard]] Duration jittered(Duration value) noexcept;
};

}  // namespace anode::membership
