#include "core/membership/notices.hpp"

#include <algorithm>
#include <utility>

namespace anode::membership {
namespace {

Bytes source_key(const Address& from, bool stream) {
    Bytes key(from.ip_bytes());
    if (!stream) {
        key.push_back(static_cast<char>(from.port >> 8));
        key.push_back(static_cast<char>(from.port & 0xFF));
    }
    return key;
}

}  // namespace

bool Notices::due(std::string_view what, const Address& from, bool stream, Instant now) {
    Key key{what, source_key(from.canonical(), stream)};
    const auto known = told_.find(key);
    if (known != told_.end() && now - known->second.at < kRepeat) return false;
    if (!take_token(now)) return false;
    if (known != told_.end()) {
        known->second.at = now;
        order_.splice(order_.end(), order_, known->second.place);
        return true;
    }
    if (told_.size() >= kRememberedMax) {
        told_.erase(order_.front());
        order_.pop_front();
    }
    order_.push_back(key);
    told_.emplace(std::move(key), Told{now, std::prev(order_.end())});
    return true;
}

bool Notices::take_token(Instant now) noexcept {
    const double seconds = std::chrono::duration<double>(now - refilled_).count();
    tokens_ = std::min(kBurst, tokens_ + std::max(0.0, seconds));
    refilled_ = now;
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
}

std::string_view sentence(Drop reason) noexcept {
    switch (reason) {
        case Drop::Empty:
            return "dropped: nothing in it";
        case Drop::Label:
            return "dropped: it belongs to another cluster (label)";
        case Drop::Clear:
            return "dropped: clear text, but this cluster is encrypted";
        case Drop::Sealed:
            return "dropped: encrypted, but this node has no key";
        case Drop::Key:
            return "dropped: no key of this node's ring opens it";
        case Drop::Crc:
            return "dropped: its checksum does not match";
        case Drop::Compression:
            return "dropped: it cannot be unpacked";
        case Drop::Compound:
            return "dropped: its parts do not add up";
        case Drop::Depth:
            return "dropped: nested too deeply";
        case Drop::Type:
            return "dropped: a message type that has no place here";
        case Drop::Truncated:
            return "dropped: it ends too early";
        case Drop::Malformed:
            return "dropped: malformed";
        case Drop::TooLarge:
            return "dropped: too large";
        case Drop::Name:
            return "dropped: the name in it is not ours, or no name";
        case Drop::Address:
            return "dropped: the address in it is none";
        case Drop::Meta:
            return "dropped: its metadata is too large";
        case Drop::Versions:
            return "dropped: its protocol versions do not fit this cluster";
        case Drop::Incarnation:
            return "dropped: an incarnation that nobody can refute";
        case Drop::Target:
            return "dropped: it asks for a packet to an address that gets none";
        case Drop::Filter:
            return "dropped: its address is not allowed";
        case Drop::Full:
            return "dropped: a limit is reached";
        case Drop::Rate:
            return "dropped: too many of its kind";
        case Drop::Stale:
            return "dropped: it came too late";
        case Drop::Unknown:
            return "dropped: about somebody unknown";
    }
    std::unreachable();
}

}  // namespace anode::membership
