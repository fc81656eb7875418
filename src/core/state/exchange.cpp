#include "core/state/exchange.hpp"

#include <algorithm>

namespace anode::state {

void Exchange::send(const NodeId& node, std::uint8_t type, Bytes body) {
    s_.out->push_back(SendPeer{node, type, std::move(body)});
}

void Exchange::look(const NodeId& node, Peer& peer, bool ask) {
    send(node, frames::kRoot, encode(frames::Root{ask, s_.registers.buckets()}));
    peer.next_look = s_.now.mono + kPeriod;
}

void Exchange::peer_up(const NodeId& node) {
    Peer& peer = peers_[node] = Peer{};
    met_ = true;
    look(node, peer, false);
    peer.next_look = s_.now.mono + kRetry;  // the first frames of a link may cross
}

void Exchange::peer_down(const NodeId& node) {
    peers_.erase(node);
    s_.told.erase(node);
}

void Exchange::handle(const FromPeer& frame) {
    const auto at = peers_.find(frame.node);
    Peer* peer = at == peers_.end() ? nullptr : &at->second;
    if (frame.type == frames::kRoot) {
        if (const auto root = frames::decode_root(frame.body))
            return on_root(frame.node, peer, *root);
    } else if (frame.type == frames::kBucket) {
        if (const auto bucket = frames::decode_bucket(frame.body)) {
            if (peer) on_bucket(frame.node, *peer, *bucket);
            return;
        }
    } else if (frame.type == frames::kDelta) {
        if (const auto entries = frames::decode_delta(frame.body))
            return on_delta(frame.node, *entries);
    }
    s_.malformed(frame.node, "frame " + std::to_string(frame.type));
}

void Exchange::on_root(const NodeId& node, Peer* peer, const frames::Root& root) {
    if (!peer) {  // an audit over a link of its own: it may look, and compares by itself
        if (root.ask)
            send(node, frames::kRoot, encode(frames::Root{false, s_.registers.buckets()}));
        return;
    }
    const auto& ours = s_.registers.buckets();
    if (root.hashes == ours) {
        if (root.ask) look(node, *peer, false);
        return agreed(*peer);
    }
    peer->next_look = std::min(peer->next_look, s_.now.mono + peer->retry);
    peer->retry = std::min(2 * peer->retry, kPeriod);
    if (node < s_.self) {  // the comparison is theirs
        if (root.ask)
            send(node, frames::kRoot, encode(frames::Root{false, s_.registers.buckets()}));
        return;
    }
    for (std::size_t b = 0; b < ours.size(); ++b) {
        const auto bucket = static_cast<std::uint8_t>(b);
        if (ours[b] == root.hashes[b]) continue;
        if (root.hashes[b] != 0) {
            peer->compare.insert(bucket);
        } else {  // they have nothing of it
            const auto& names = s_.registers.names(bucket);
            peer->send.insert(names.begin(), names.end());
        }
    }
    portion(node, *peer);
}

void Exchange::on_bucket(const NodeId& node, Peer& peer, const frames::Bucket& bucket) {
    if (bucket.want) {
        for (const auto& entry : bucket.have)
            if (s_.registers.find({entry.kind, entry.key}))
                peer.send.insert(Key{std::string(entry.kind), std::string(entry.key)});
    } else {
        frames::Bucket wanted{true, bucket.bucket, {}, {}, {}};
        weigh(bucket, peer, wanted);
        if (!wanted.have.empty()) send(node, frames::kBucket, encode(wanted));
    }
    portion(node, peer);
}

/// Walks both lists of names at once: what is newer or only here is to be sent, what is newer or only there is wanted.
void Exchange::weigh(const frames::Bucket& theirs, Peer& peer, frames::Bucket& wanted) const {
    const auto& names = s_.registers.names(theirs.bucket);
    auto ours = theirs.after ? names.upper_bound(*theirs.after) : names.begin();
    const auto end = theirs.up_to ? names.upper_bound(*theirs.up_to) : names.end();
    const auto want = [&](const frames::Have& entry) {
        if (!s_.quarantine.has(entry.stamp, {entry.kind, entry.key})) wanted.have.push_back(entry);
    };
    for (const frames::Have& entry : theirs.have) {
        const KeyView name{entry.kind, entry.key};
        for (; ours != end && view(*ours) < name; ++ours) peer.send.insert(*ours);
        if (ours == end || view(*ours) != name) {
            want(entry);
            continue;
        }
        const Item& item = *s_.registers.find(name);
        if (s_.registers.print(name) != entry.print) {
            const bool same = item.stamp == entry.stamp;
            if (same || item.stamp > entry.stamp || (item.revoked && !entry.revoked))
                peer.send.insert(*ours);
            if (same || item.stamp < entry.stamp || (entry.revoked && !item.revoked)) want(entry);
        }
        ++ours;
    }
    for (; ours != end; ++ours) peer.send.insert(*ours);
}

void Exchange::on_delta(const NodeId& node, const std::vector<BytesView>& entries) {
    bool changed = false;
    for (const BytesView entry : entries) changed = s_.take_in(entry, node) || changed;
    if (!changed) return;
    // The others may lack it too: show them soon, once for all that comes until then.
    for (auto& [other, peer] : peers_)
        peer.next_look = std::min(peer.next_look, s_.now.mono + kRetry);
}

void Exchange::portion(const NodeId& node, Peer& peer) {
    if (s_.now.mono - peer.window >= kPause) {
        peer.window = s_.now.mono;
        peer.sent = 0;
    }
    while (peer.sent < kPortion && peer.has_work()) {
        if (!peer.send.empty()) {
            peer.sent += send_delta(node, peer);
        } else {
            peer.sent += send_bucket(node, *peer.compare.begin());
            peer.compare.erase(peer.compare.begin());
        }
    }
    peer.next_portion = peer.has_work() ? peer.window + kPause : Instant::max();
}

std::size_t Exchange::send_delta(const NodeId& node, Peer& peer) {
    std::vector<const Item*> items;
    std::size_t bytes = 0;
    while (!peer.send.empty() && bytes < frames::kPartBytes) {
        const auto first = peer.send.begin();
        if (const Item* item = s_.registers.find(view(*first))) {
            items.push_back(item);
            bytes += weight(*item);
        }
        peer.send.erase(first);
    }
    if (!items.empty()) send(node, frames::kDelta, frames::encode_delta(items));
    return bytes;
}

std::size_t Exchange::send_bucket(const NodeId& node, std::uint8_t bucket) {
    const auto& names = s_.registers.names(bucket);
    std::size_t total = 0;
    std::optional<KeyView> after;
    for (auto at = names.begin();;) {
        frames::Bucket part{false, bucket, after, {}, {}};
        std::size_t bytes = 0;
        for (; at != names.end() && bytes < frames::kPartBytes; ++at) {
            const Item& item = *s_.registers.find(view(*at));
            part.have.push_back(
                {at->kind, at->key, item.stamp, s_.registers.print(view(*at)), item.revoked});
            bytes += 40 + at->kind.size() + at->key.size();
        }
        if (at != names.end()) part.up_to = after = view(*std::prev(at));
        send(node, frames::kBucket, encode(part));
        total += bytes + 16;
        if (at == names.end()) return total;
    }
}

void Exchange::agreed(Peer& peer) {
    peer.agreed = s_.now.mono;
    peer.retry = kRetry;
    if (!trusted_ || (told_in_sync_ && s_.now.mono < *told_in_sync_ + kInSyncEvery)) return;
    const bool all = std::ranges::all_of(peers_, [&](const auto& each) {
        return each.second.agreed && s_.now.mono - *each.second.agreed <= kAgreedFor;
    });
    if (!all) return;
    told_in_sync_ = s_.now.mono;
    s_.out->push_back(InSync{s_.now.wall});
}

void Exchange::tick() {
    for (auto& [node, peer] : peers_) {
        if (peer.next_portion <= s_.now.mono) portion(node, peer);
        if (peer.next_look <= s_.now.mono) look(node, peer, true);
    }
}

Instant Exchange::due() const noexcept {
    Instant first = Instant::max();
    for (const auto& [node, peer] : peers_)
        first = std::min({first, peer.next_portion, peer.next_look});
    return first;
}

}  // namespace anode::state
