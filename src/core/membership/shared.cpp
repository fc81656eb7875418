#include "core/membership/shared.hpp"

#include "base/text.hpp"

namespace anode::membership {
namespace {

constexpr std::size_t kDetailMax = 120;

/// What was thrown away, for people: text as it is, other bytes as the first few of them.
std::string shown(BytesView what) {
    if (text::is_utf8(what)) return text::printable(what.substr(0, kDetailMax));
    return text::hex(what.substr(0, 16));
}

std::string named(BytesView label) { return label.empty() ? "none" : "\"" + shown(label) + "\""; }

/// The other cluster's name, as far as it came.
std::string label_in(BytesView raw) {
    const bool labelled = raw.size() >= 2 && raw.front() == '\xF4';
    return named(labelled ? raw.substr(2, static_cast<std::uint8_t>(raw[1])) : BytesView{});
}

/// Late answers and news about the forgotten belong to every healthy cluster: they are counted, nobody needs to read them.
bool worth_telling(Drop reason) noexcept {
    return reason != Drop::Stale && reason != Drop::Unknown;
}

}  // namespace

wire::Envelope Shared::envelope() const noexcept {
    return {.label = config.label,
            .keys = &keys,
            .verify_incoming = config.verify_incoming,
            .verify_outgoing = config.verify_outgoing,
            .compression = config.compression};
}

std::array<std::uint8_t, KeyRing::kNonceBytes> Shared::nonce(const wire::Envelope& envelope) const {
    std::array<std::uint8_t, KeyRing::kNonceBytes> fresh{};
    if (envelope.seals()) nonces(fresh);
    return fresh;
}

void Shared::notice(Notice::Level level, std::string_view what, const Address& address,
                    std::string detail) {
    push(Notice{.level = level, .what = what, .address = address, .detail = std::move(detail)});
}

void Shared::notice_once(std::string_view what, const Address& address, std::string detail) {
    if (notices.due(what, address, false, now)) {
        notice(Notice::Level::Warn, what, address, std::move(detail));
    }
}

void Shared::drop(Drop reason, const Address& from, BytesView what, bool stream, BytesView raw) {
    counters.dropped[static_cast<std::size_t>(reason)]++;
    if (reason == Drop::Key) counters.decrypt_errors++;
    if (!worth_telling(reason) || !notices.due(sentence(reason), from, stream, now)) return;
    std::string detail = shown(what);
    if (reason == Drop::Label) detail += ": " + label_in(raw) + "; ours: " + named(config.label);
    notice(Notice::Level::Warn, sentence(reason), from, std::move(detail));
}

Duration Shared::jittered(Duration value) noexcept {
    return Duration(rng.between(value.count() * 3 / 4, value.count() * 5 / 4));
}

}  // namespace anode::membership
