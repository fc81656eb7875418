#include <algorithm>

#include "base/assert.hpp"
#include "base/varint.hpp"
#include "core/membership/wire/compressed.hpp"
#include "core/membership/wire/crc32.hpp"
#include "core/membership/wire/packet.hpp"

namespace anode::membership::wire {

namespace {

constexpr std::size_t kCrcBytes = 5;
constexpr std::size_t kPartBytesMax = 0xFFFF;
constexpr std::size_t kCompoundBytes = 2;  ///< type and count
constexpr std::size_t kLengthBytes = 2;

void put_type(Bytes& out, Type type) { out.push_back(static_cast<char>(type)); }

}  // namespace

void PacketWriter::begin(const Envelope& envelope, std::size_t limit, bool crc) {
    ANODE_ASSERT(envelope.label.size() <= 0xFF);
    envelope_ = envelope;
    limit_ = limit;
    crc_ = crc;
    parts_ = 0;
    bodies_.clear();
    lengths_.clear();
    around_ = (envelope.label.empty() ? 0 : 2 + envelope.label.size()) +
              (envelope.seals() ? KeyRing::kOverhead : 0) + (crc ? kCrcBytes : 0);
}

std::size_t PacketWriter::size() const noexcept {
    if (parts_ <= 1) return around_ + bodies_.size();
    return around_ + kCompoundBytes + lengths_.size() + bodies_.size();
}

std::size_t PacketWriter::room() const noexcept {
    if (parts_ == 0) return limit_ > around_ ? limit_ - around_ : 0;
    if (parts_ == kPartsMax || bodies_.size() > kPartBytesMax) return 0;
    // The first part needs an entry of its own only once it is not alone.
    const std::size_t used =
        around_ + kCompoundBytes + lengths_.size() + kLengthBytes + bodies_.size();
    return limit_ > used ? std::min(limit_ - used, kPartBytesMax) : 0;
}

bool PacketWriter::add(BytesView part) {
    if (parts_ > 0 && part.size() > room()) return false;
    bodies_.append(part);
    put_be(lengths_, static_cast<std::uint16_t>(part.size()));
    ++parts_;
    return true;
}

/// Compound or bare, then compressed if that is shorter. The answer lies in one of our buffers.
BytesView PacketWriter::content() {
    BytesView content = bodies_;
    if (parts_ > 1) {
        plain_.clear();
        put_type(plain_, Type::Compound);
        plain_.push_back(static_cast<char>(parts_));
        plain_.append(lengths_).append(bodies_);
        content = plain_;
    }
    if (!envelope_.compression || content.size() < kCompressionWorth) return content;
    packed_.clear();
    return append_compressed(content, lengths_, packed_) ? BytesView(packed_) : content;
}

BytesView PacketWriter::finish(std::span<const std::uint8_t, KeyRing::kNonceBytes> nonce) {
    ANODE_ASSERT(parts_ > 0);
    const BytesView inner = content();
    datagram_.clear();
    if (!envelope_.label.empty()) {
        put_type(datagram_, Type::Label);
        datagram_.push_back(static_cast<char>(envelope_.label.size()));
        datagram_.append(envelope_.label);
    }
    const bool seals = envelope_.seals();
    clear_.clear();
    Bytes& open = seals ? clear_ : datagram_;
    if (crc_) {
        put_type(open, Type::Crc);
        put_be(open, crc32(inner));
    }
    open.append(inner);
    if (seals) envelope_.keys->seal(clear_, envelope_.label, nonce, datagram_);
    return datagram_;
}

}  // namespace anode::membership::wire
