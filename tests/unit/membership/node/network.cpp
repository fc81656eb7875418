#include "unit/membership/node/network.hpp"

#include <algorithm>
#include <utility>

namespace anode::membership::spec {

Network::Node& Network::add(const std::string& name, std::vector<std::string> contacts,
                            KeyRing ring, const std::function<void(Config&)>& change) {
    auto node = std::make_unique<Node>();
    const auto host = static_cast<std::uint8_t>(nodes_.size() + 1);
    node->config = config_named(name, Address::v4(10, 0, 0, host, 7946));
    node->config.contacts = std::move(contacts);
    NodeMeta meta;
    meta.capabilities = NodeMeta::kFast | NodeMeta::kData;
    node->config.meta = meta.encode();
    if (change) change(node->config);
    node->ring = std::move(ring);
    Node& added = *(nodes_[name] = std::move(node));
    start(added);
    return added;
}

void Network::start(Node& node) {
    const auto seed = static_cast<std::uint64_t>(node.config.advertise.ip[3]);
    node.up = true;
    node.machine =
        std::make_unique<Membership>(node.config, node.ring, Rng(seed), seeded_nonces(seed + 1000));
    handle(node, Start{});
}

void Network::handle(Node& node, const Input& input) {
    if (!node.up) return;
    node.machine->handle(input, now_, node.out);
    for (const Output& output : node.out.outputs()) perform(node, output);
    node.out.clear();
}

void Network::perform(Node& node, const Output& output) {
    if (const auto* packet = std::get_if<SendDatagram>(&output)) {
        Node* to = at(packet->to);
        if (to == nullptr || parted(node, *to)) return;
        if (node.config.name == muted_ || to->config.name == muted_) return;
        later(
            kLatency, to,
            [this, to, from = node.config.advertise, bytes = Bytes(node.out.bytes(packet->bytes))] {
                handle(*to, Datagram{from, bytes});
            });
    } else if (const auto* call = std::get_if<Dial>(&output)) {
        dial(node, *call);
    } else if (const auto* bytes = std::get_if<SendStream>(&output)) {
        say(node, *bytes);
    } else if (const auto* close = std::get_if<CloseStream>(&output)) {
        hang_up(node, close->id);
    } else if (const auto* resolve = std::get_if<Resolve>(&output)) {
        const std::string host = resolve->contact.substr(0, resolve->contact.rfind(':'));
        later(kLatency, &node, [this, &node, contact = resolve->contact, found = names[host]] {
            handle(node, Resolved{contact, found});
        });
    } else {
        node.heard.emplace_back(now_, output);
    }
}

void Network::dial(Node& node, const Dial& call) {
    node.dials++;
    Node* to = at(call.to);
    if (to != nullptr && parted(node, *to)) {
        return later(call.timeout, &node,
                     [this, &node, id = call.id] { handle(node, StreamClosed{id, false}); });
    }
    if (to == nullptr || !to->up) {
        return later(kLatency, &node,
                     [this, &node, id = call.id] { handle(node, StreamClosed{id, true}); });
    }
    const StreamId accepted{to->next_accepted};
    to->next_accepted += 2;
    streams_[{&node, call.id}] = {to, accepted};
    streams_[{to, accepted}] = {&node, call.id};
    const Address from{node.config.advertise.ip, node.config.advertise.size, 40'000};
    later(kLatency, to, [this, to, accepted, from] { handle(*to, StreamOpened{accepted, from}); });
    later(kLatency, &node,
          [this, &node, id = call.id, at = call.to] { handle(node, StreamOpened{id, at}); });
}

void Network::say(Node& node, const SendStream& said) {
    const auto end = streams_.find({&node, said.id});
    if (end == streams_.end() || parted(node, *end->second.node)) return;
    const auto [to, id] = end->second;
    for (BytesView rest = node.out.bytes(said.bytes); !rest.empty();) {
        later(kLatency, to, [this, to, id, piece = Bytes(rest.substr(0, chunk))] {
            handle(*to, StreamBytes{id, piece});
        });
        rest.remove_prefix(std::min(chunk, rest.size()));
    }
}

void Network::hang_up(Node& node, StreamId id) {
    const auto end = streams_.find({&node, id});
    if (end == streams_.end()) return;
    const auto [to, other] = end->second;
    streams_.erase(end);
    later(kLatency, to, [this, to, other] {
        if (streams_.erase({to, other}) != 0) handle(*to, StreamClosed{other, false});
    });
}

void Network::later(Duration after, Node* to, std::function<void()> act) {
    events_.emplace(now_ + after, Event{to, std::move(act)});
}

Network::Node* Network::at(const Address& address) {
    for (const auto& [name, node] : nodes_) {
        if (node->config.advertise.same_socket(address)) return node.get();
    }
    return nullptr;
}

bool Network::parted(const Node& a, const Node& b) const {
    return cut_off_.contains(a.config.name) != cut_off_.contains(b.config.name);
}

/// Does what is due next; false: nothing is until `end`.
bool Network::step(Instant end) {
    Node* first = nullptr;
    Instant due = end;
    for (const auto& [name, node] : nodes_) {
        if (!node->up || node->machine->due() > due) continue;
        first = node.get();
        due = node->machine->due();
    }
    if (!events_.empty() && events_.begin()->first <= due) {
        const auto next = events_.extract(events_.begin());
        now_ = std::max(now_, next.key());
        next.mapped().act();
        return true;
    }
    if (first == nullptr) return false;
    now_ = std::max(now_, due);
    handle(*first, Tick{});
    return true;
}

void Network::run(Duration time) {
    const Instant end = now_ + time;
    while (step(end)) {
    }
    now_ = end;
}

bool Network::run_until(const std::function<bool()>& condition, Duration at_most) {
    const Instant end = now_ + at_most;
    while (!condition()) {
        if (!step(end)) {
            now_ = end;
            return condition();
        }
    }
    return true;
}

bool Network::everybody_sees(std::size_t count) const {
    return std::ranges::all_of(nodes_, [count](const auto& entry) {
        const Node& node = *entry.second;
        return !node.up || node.machine->count(MemberState::Alive) == count;
    });
}

}  // namespace anode::membership::spec
