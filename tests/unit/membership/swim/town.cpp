#include "unit/membership/swim/town.hpp"

#include <algorithm>
#include <array>

namespace anode::membership::town {
namespace {

Address address_of(std::size_t node) {
    return Address::v4(10, 0, static_cast<std::uint8_t>(node >> 8), static_cast<std::uint8_t>(node),
                       7946);
}

std::size_t node_at(const Address& address) {
    const Address four = address.canonical();
    return std::size_t{four.ip[2]} * 256 + four.ip[3];
}

}  // namespace

Town::Node::Node(Town& town_in, std::size_t index_in)
    : town(town_in), index(index_in), rng(town_in.options_.seed * 1000 + index_in) {
    config.name = Town::name(index);
    config.advertise = address_of(index);
    config.fast.on = town.options_.fast;
    if (index + town.options_.foreign >= town.options_.size) config.fast.on = false;
    if (config.fast.on) {
        NodeMeta meta;
        meta.capabilities = NodeMeta::kFast;
        config.meta = meta.encode();
    }
    swim = std::make_unique<Swim>(config, rng, std::make_shared<NamePool>(), *this, counters);
}

wire::PacketWriter& Town::Node::begin(bool crc) {
    writer.begin({}, config.packet_bytes_max, crc);
    return writer;
}

void Town::Node::send(const Address& to) {
    const std::array<std::uint8_t, KeyRing::kNonceBytes> nonce{};
    const Bytes datagram(writer.finish(nonce));
    ++town.packets;
    town.bytes += datagram.size();
    if (health != Health::Well || town.rng_.chance(town.options_.loss)) return;
    const std::size_t there = node_at(to);
    if (there >= town.nodes_.size()) return;
    town.later(town.latency(), [this, there, datagram] {
        Node& target = town.nodes_at(there);
        if (target.health != Health::Well) return;
        if (town.now_ < target.paused_until) {
            target.waiting.emplace_back(datagram, config.advertise);
        } else {
            target.deliver(datagram, config.advertise);
        }
    });
}

void Town::Node::deliver(const Bytes& datagram, const Address& from) {
    reader.read(
        {}, datagram,
        [&](const wire::Message& message) { swim->receive(message, from, 0, town.now_); },
        [&](Drop, std::string_view) { ++drops; });
}

void Town::Node::stream_ping(const Address& to, std::string_view, std::uint32_t seq,
                             Instant until) {
    const Health there = town.nodes_at(node_at(to)).health;
    const bool lost =
        town.rng_.chance(town.options_.loss) || town.now_ < town.nodes_at(node_at(to)).paused_until;
    auto answer = Swim::StreamAnswer::Silent;
    if (!lost && there == Health::Well) answer = Swim::StreamAnswer::Acked;
    if (!lost && there == Health::Killed) answer = Swim::StreamAnswer::Refused;
    const Duration after =
        answer == Swim::StreamAnswer::Silent ? until - town.now_ : 2 * town.latency();
    town.later(after, [this, seq, answer] {
        if (health == Health::Well) swim->stream_answer(seq, answer, town.now_);
    });
}

void Town::Node::push(Output output) {
    if (const auto* change = std::get_if<MemberChanged>(&output))
        town.events.push_back({town.now_, config.name, change->change, change->member.name});
}

Town::Town(const Options& options) : options_(options), rng_(options.seed) {
    for (std::size_t i = 0; i < options.size; ++i)
        nodes_.push_back(std::make_unique<Node>(*this, i));
    for (auto& node : nodes_) node->swim->start(now_);
}
Town::~Town() = default;

void Town::set(std::size_t node, Health health) { nodes_[node]->health = health; }
Swim& Town::swim(std::size_t node) { return *nodes_[node]->swim; }
const Counters& Town::counters(std::size_t node) { return nodes_[node]->counters; }
std::string Town::name(std::size_t node) { return "node-" + std::to_string(node); }

void Town::later(Duration delay, std::function<void()> run) {
    items_.push({now_ + delay, order_++, std::move(run)});
}

Duration Town::latency() {
    return Duration{rng_.between(options_.latency_min.count(), options_.latency_max.count())};
}

void Town::meet() {
    std::vector<wire::NodeState> all, one;
    for (auto& node : nodes_) {
        node->swim->snapshot(one);
        all.insert(all.end(), one.begin(), one.begin() + 1);
        all.back().name = node->config.name;
        all.back().meta = node->config.meta;
    }
    for (auto& node : nodes_) {
        const Result<void> merged = node->swim->merge(all, now_);
        if (!merged) std::abort();
    }
    run(5s);
    events.clear();
}

void Town::pause(std::size_t node, Duration time) {
    nodes_[node]->paused_until = now_ + time;
    later(time, [this, node] {
        Node& held = nodes_at(node);
        const auto waiting = std::exchange(held.waiting, {});
        for (const auto& [datagram, from] : waiting) held.deliver(datagram, from);
        held.swim->tick(now_);
    });
}

void Town::run(Duration time) {
    const Instant end = now_ + time;
    for (;;) {
        Instant next = items_.empty() ? Instant::max() : items_.top().at;
        Node* ticks = nullptr;
        for (auto& node : nodes_) {
            if (node->health != Health::Well || now_ < node->paused_until) continue;
            if (node->swim->due() < next) {
                next = node->swim->due();
                ticks = node.get();
            }
        }
        if (next > end) break;
        now_ = std::max(now_, next);
        if (ticks != nullptr) {
            ticks->swim->tick(now_);
        } else {
            const auto act = items_.top().run;
            items_.pop();
            act();
        }
    }
    now_ = end;
}

std::size_t Town::deaths_seen(std::size_t member) const {
    return static_cast<std::size_t>(
        std::count_if(events.begin(), events.end(), [&](const Event& event) {
            return event.change == Change::Died && event.member == name(member);
        }));
}

Duration Town::all_know(std::size_t member, Instant from) const {
    std::map<std::string, Instant> first;
    for (const Event& event : events) {
        if (event.change == Change::Died && event.member == name(member) && event.at >= from)
            first.emplace(event.observer, event.at);
    }
    std::size_t living = 0;
    for (const auto& node : nodes_) living += node->health == Health::Well ? 1 : 0;
    Instant last = from;
    for (const auto& [observer, at] : first) last = std::max(last, at);
    return first.size() < living ? Duration{0} : last - from;
}

}  // namespace anode::membership::town
