#include <string>

#include "base/assert.hpp"
#include "core/membership/wire/compressed.hpp"
#include "core/membership/wire/crc32.hpp"
#include "core/membership/wire/packet.hpp"

namespace anode::membership::wire {

namespace {

constexpr std::size_t kCrcBytes = 5;
constexpr unsigned kLevelsMax = 3;

std::uint8_t byte_at(BytesView bytes, std::size_t i) noexcept {
    return static_cast<std::uint8_t>(bytes[i]);
}

std::size_t length_at(BytesView lengths, std::size_t part) noexcept {
    return std::size_t{byte_at(lengths, 2 * part)} << 8 | byte_at(lengths, 2 * part + 1);
}

bool is(BytesView bytes, Type type) noexcept {
    return !bytes.empty() && byte_at(bytes, 0) == static_cast<std::uint8_t>(type);
}

Drop drop_of(Errc code) noexcept {
    switch (code) {
        case Errc::Truncated:
            return Drop::Truncated;
        case Errc::TooLarge:
            return Drop::TooLarge;
        case Errc::TooDeep:
            return Drop::Depth;
        case Errc::Unsupported:
            return Drop::Type;
        default:
            return Drop::Malformed;
    }
}

/// A request that asks nobody for nothing: most likely sealed bytes that happened to begin like one (section 2.1).
bool is_void(const Message& message) noexcept {
    if (const auto* ping = std::get_if<Ping>(&message)) {
        return ping->node.empty() && ping->seq == 0 && !ping->source.set();
    }
    if (const auto* ping = std::get_if<IndirectPing>(&message)) {
        return ping->node.empty() && !ping->target.set();
    }
    return false;
}

}  // namespace

/// One datagram on its way down the layers.
class PacketReader::Descent {
public:
    Descent(PacketReader& reader, const Envelope& envelope, const Visit& message,
            const OnDrop& drop)
        : reader_(reader), envelope_(envelope), message_(message), drop_(drop) {}

    Opened run(BytesView datagram) {
        if (datagram.empty()) {
            drop_(Drop::Empty, "an empty datagram");
        } else if (unlabel(datagram) && unseal(datagram) && check(datagram)) {
            part(datagram, 0, false);
        }
        return opened_;
    }

private:
    /// Takes the label off. False: dropped.
    bool unlabel(BytesView& rest) {
        BytesView label;
        if (is(rest, Type::Label)) {
            const std::size_t size = rest.size() < 2 ? 0 : byte_at(rest, 1);
            if (size == 0 || rest.size() < 2 + size) return drop(Drop::Label, "a broken label");
            label = rest.substr(2, size);
            rest.remove_prefix(2 + size);
        }
        if (label != envelope_.label) return drop(Drop::Label, "another label");
        return !rest.empty() || drop(Drop::Empty, "nothing after the label");
    }

    /// Opens what is sealed. Clear text passes if there is no key, or if it need not be sealed.
    bool unseal(BytesView& rest) {
        if (envelope_.keys == nullptr || envelope_.keys->empty()) return true;
        const auto key = envelope_.keys->open(rest, envelope_.label, reader_.opened_);
        if (key) {
            opened_.key = *key;
            reader_.key_ = *key;
            rest = reader_.opened_;
            return true;
        }
        if (!KeyRing::looks_sealed(rest)) {
            return !envelope_.verify_incoming || drop(Drop::Clear, "clear text, but we have keys");
        }
        if (key.error().code != Errc::Refused) return drop(Drop::Sealed, key.error().what);
        return !envelope_.verify_incoming || drop(Drop::Key, "no key of ours opens it");
    }

    bool check(BytesView& rest) {
        if (!is(rest, Type::Crc)) return true;
        if (rest.size() < kCrcBytes) return drop(Drop::Crc, "a checksum that is cut short");
        std::uint32_t told = 0;
        for (std::size_t i = 1; i < kCrcBytes; ++i) told = told << 8 | byte_at(rest, i);
        rest.remove_prefix(kCrcBytes);
        if (crc32(rest) != told) return drop(Drop::Crc, "a checksum that does not fit");
        return !rest.empty() || drop(Drop::Empty, "nothing after the checksum");
    }

    /// One message with its type byte, on any level.
    void part(BytesView bytes, unsigned level, bool inflated) {
        if (bytes.empty()) {
            drop(Drop::Empty, "a part without a type byte");
        } else if (is(bytes, Type::Compound)) {
            if (level == kLevelsMax) {
                drop(Drop::Depth, "a compound nested too deeply");
            } else {
                compound(bytes.substr(1), level + 1, inflated);
            }
        } else if (is(bytes, Type::Compressed)) {
            if (level == kLevelsMax || inflated) {
                drop(Drop::Depth, "compressed inside compressed, or nested too deeply");
            } else {
                compressed(bytes.substr(1), level + 1);
            }
        } else {
            leaf(bytes);
        }
    }

    void compound(BytesView rest, unsigned level, bool inflated) {
        const std::size_t count = rest.empty() ? 0 : byte_at(rest, 0);
        if (rest.empty() || rest.size() - 1 < 2 * count) {
            drop(Drop::Compound, "a compound without its lengths");
            return;
        }
        const BytesView lengths = rest.substr(1, 2 * count);
        rest.remove_prefix(1 + 2 * count);
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t size = length_at(lengths, i);
            if (size > rest.size()) {
                drop(Drop::Compound, "a part that runs past the end");
                return;
            }
            part(rest.substr(0, size), level, inflated);
            rest.remove_prefix(size);
        }
    }

    /// All compressed parts of a datagram share one allowance. The buffer is free again afterwards: nothing compressed is
    /// opened inside of it.
    void compressed(BytesView body, unsigned level) {
        Bytes& inflated = reader_.inflated_;
        inflated.clear();
        if (const auto done = inflate(body, allowance_, inflated); !done) {
            const bool large = done.error().code == Errc::TooLarge;
            drop(large ? Drop::TooLarge : Drop::Compression, done.error().what);
            return;
        }
        allowance_ -= inflated.size();
        part(inflated, level, true);
    }

    void leaf(BytesView bytes) {
        const Result<Message> message = decode(bytes);
        if (!message) {
            drop(drop_of(message.error().code), message.error().what);
        } else if (is_void(*message)) {
            drop(Drop::Target, "a request without a target");
        } else {
            ++opened_.messages;
            message_(*message);
        }
    }

    bool drop(Drop reason, std::string_view what) {
        drop_(reason, what);
        return false;
    }

    PacketReader& reader_;
    const Envelope& envelope_;
    const Visit& message_;
    const OnDrop& drop_;
    Opened opened_;
    std::size_t allowance_ = kOpenedPacketMax;
};

Opened PacketReader::read(const Envelope& envelope, BytesView datagram, const Visit& message,
                          const OnDrop& drop) {
    key_ = Opened{}.key;
    const Opened opened = Descent(*this, envelope, message, drop).run(datagram);
    // A rare large packet must not hold its memory for good.
    if (inflated_.capacity() > kHeldMax) Bytes().swap(inflated_);
    return opened;
}

}  // namespace anode::membership::wire
