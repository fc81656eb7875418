#include "unit/mesh/net.hpp"

namespace anode::mesh::test {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
    using Fs::operator()...;
};

}  // namespace

void Net::store(Node& node, const LogKey& log, const WireBlock& block) {
    auto& blocks = node.store[log];
    auto at = blocks.begin();
    while (at != blocks.end() && at->first < block.first) ++at;
    blocks.insert(at, block);
}

void Net::perform(Node& node, const Outbox& out) {
    std::vector<std::function<void()>> later;
    for (const Output& output : out.outputs()) {
        std::visit(Overloaded{
                       [&](const Dial& one) {
                           node.dials.push_back(one);
                           dial(node, one);
                       },
                       [&](const Send& one) {
                           Bytes bytes(out.bytes(one.bytes));
                           if (one.tail) bytes += *one.tail;
                           send(node, one.id, std::move(bytes));
                       },
                       [&](const Close& one) {
                           const auto found = node.conns.find(one.id);
                           if (found == node.conns.end()) return;
                           const std::size_t conn = found->second;
                           node.conns.erase(found);
                           end(conn, node, LinkEnd::Closed);
                       },
                       [&](const Deliver& one) {
                           node.deliveries.push_back(one);
                           node.delivered[one.log].push_back({one.block.first, one.block.last()});
                           store(node, one.log, one.block);
                           if (!node.store_syncs) return;
                           later.push_back([this, &node, log = one.log, upto = one.block.last()] {
                               at_time(now_,
                                       [this, &node, log, upto] { give(node, Stored{log, upto}); });
                           });
                       },
                       [&](const Load& one) {
                           Loaded answer{one.id, {}};
                           std::size_t bytes = 0;
                           if (node.store_answers)
                               for (const WireBlock& block : node.store[one.log])
                                   if (block.last() >= one.range.first &&
                                       block.first <= one.range.last && bytes < one.bytes_max) {
                                       answer.blocks.push_back(block);
                                       bytes += block.wire->size();
                                   }
                           at_time(now_ + 1ms, [this, &node, answer] { give(node, answer); });
                       },
                       [&](const Remember& one) { node.remembered[one.log] = one.state; },
                       [&](const LogRetired& one) { node.retired.push_back(one.log); },
                       [&](const GapOpened& one) { node.opened.push_back(one); },
                       [&](const GapClosed& one) { node.closed.push_back(one); },
                       [&](const CopiesReached& one) { node.copies.push_back(one); },
                       [&](const PeerUp& one) { node.ups.push_back(one); },
                       [&](const PeerDown& one) { node.downs.push_back(one); },
                       [&](const FromPeer& one) {
                           node.passed.emplace_back(one.from, std::string(out.bytes(one.body)));
                       },
                       [&](const ClockOffset& one) { node.offsets.push_back(one); },
                       [&](const Throttle& one) { node.throttles.push_back(one.share); },
                       [&](const Notice& one) {
                           node.notices.push_back(std::string(one.what) + ": " + one.detail);
                       },
                   },
                   output);
    }
    for (const auto& act : later) act();
}

void Net::dial(Node& node, const Dial& dial) {
    Node& peer = at(dial.peer);
    const bool cut = cuts_.contains(pair_of(node.id, peer.id)) || peer.silent;
    if (cut) {
        at_time(now_ + dial.timeout,
                [this, &node, id = dial.id] { give(node, LinkClosed{id, LinkEnd::TimedOut, ""}); });
        return;
    }
    const std::size_t index = conns_.size();
    Conn conn;
    conn.end[0] = node.id;
    conn.end[1] = peer.id;
    conn.number[0] = dial.id;
    conns_.push_back(conn);
    at_time(now_ + kHop, [this, &node, &peer, index] {
        const LinkId ours = conns_[index].number[0];
        if (!peer.alive) {
            give(node, LinkClosed{ours, LinkEnd::Refused, ""});
            return;
        }
        const LinkId theirs{peer.next_accepted};
        peer.next_accepted += 2;
        conns_[index].number[1] = theirs;
        conns_[index].open = true;
        peer.conns[theirs] = index;
        node.conns[ours] = index;
        give(peer, LinkOpened{theirs});
        give(node, LinkOpened{ours});
    });
}

void Net::send(Node& node, LinkId id, Bytes bytes) {
    const auto found = node.conns.find(id);
    if (found == node.conns.end()) return;
    ++sends_;
    Sent& sent = tally[static_cast<frames::Type>(static_cast<std::uint8_t>(bytes.at(4)))];
    ++sent.frames;
    sent.bytes += bytes.size();
    const std::size_t index = found->second;
    Conn& conn = conns_[index];
    const int me = conn.number[0] == id && conn.end[0] == node.id ? 0 : 1;
    const int other = 1 - me;
    Node& peer = at(conn.end[other]);
    conn.unsent[me] += bytes.size();
    const Instant arrives = std::max(conn.last[other], now_ + hop(node.id, peer.id));
    conn.last[other] = arrives;
    if (clogged_.contains({node.id, peer.id})) return;
    const std::size_t size = bytes.size();
    at_time(arrives, [this, index, me, other, size, bytes = std::move(bytes)] {
        Conn& one = conns_[index];
        Node& from = at(one.end[me]);
        Node& to = at(one.end[other]);
        if (cuts_.contains(pair_of(from.id, to.id)) || to.silent || from.silent) return;
        one.unsent[me] -= size;
        if (to.conns.contains(one.number[other]) && to.conns[one.number[other]] == index)
            give(to, LinkBytes{one.number[other], bytes});
        if (from.conns.contains(one.number[me]) && from.conns[one.number[me]] == index)
            give(from, LinkRoom{one.number[me], one.unsent[me]});
    });
}

void Net::end(std::size_t index, Node& by, LinkEnd how) {
    Conn& conn = conns_[index];
    if (!conn.open) return;
    conn.open = false;
    const int other = conn.end[0] == by.id ? 1 : 0;
    const Instant arrives = std::max(conn.last[other], now_ + hop(by.id, conn.end[other]));
    at_time(arrives, [this, index, other, how] {
        Conn& one = conns_[index];
        Node& peer = at(one.end[other]);
        if (cuts_.contains(pair_of(one.end[0], one.end[1]))) return;
        const auto found = peer.conns.find(one.number[other]);
        if (found == peer.conns.end() || found->second != index) return;
        peer.conns.erase(found);
        give(peer, LinkClosed{one.number[other], how, ""});
    });
}

void Net::inject_bytes(Node& from, Node& to, const Bytes& bytes) {
    for (const auto& [id, index] : to.conns)
        if (joins(conns_[index], from.id, to.id)) {
            give(to, LinkBytes{id, bytes});
            return;
        }
    FAIL() << "no connection between the two";
}

void Net::inject(Node& from, Node& to, const frames::Frame& frame) {
    Bytes bytes;
    frames::encode(frame, bytes);
    inject_bytes(from, to, bytes);
}

}  // namespace anode::mesh::test
