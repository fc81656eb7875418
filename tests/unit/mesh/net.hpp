#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/mesh/frames.hpp"
#include "core/mesh/mesh.hpp"
#include "core/message/block.hpp"
#include "core/message/message.hpp"

/// A handful of meshes in memory: virtual time, connections that keep order, a store that syncs at once.
namespace anode::mesh::test {

inline constexpr Duration kHop = 300us;

inline NodeId node_id(std::uint8_t number) {
    NodeId id;
    id.bytes[0] = number;
    return id;
}

struct Node {
    NodeId id;
    std::unique_ptr<Mesh> mesh;
    Config config;
    bool alive = true, silent = false;
    std::uint64_t next_accepted = 1;
    std::map<LinkId, std::size_t> conns;  ///< our number of a connection
    std::map<LogKey, std::vector<WireBlock>> store;
    std::map<LogKey, Seq> sealed;
    std::map<LogKey, Bytes> remembered;
    bool store_answers = true, store_syncs = true;

    // What it told.
    std::map<LogKey, std::vector<SeqRange>> delivered;
    std::vector<Deliver> deliveries;
    std::vector<GapOpened> opened;
    std::vector<GapClosed> closed;
    std::vector<CopiesReached> copies;
    std::vector<PeerUp> ups;
    std::vector<PeerDown> downs;
    std::vector<Dial> dials;
    std::vector<std::pair<NodeId, std::string>> passed;
    std::vector<ClockOffset> offsets;
    std::vector<double> throttles;
    std::vector<std::string> notices;
    std::vector<LogKey> retired;

    [[nodiscard]] LogKey log(Lane lane = kDataLane) const { return {id, config.epoch, lane}; }
    [[nodiscard]] LogView view(const LogKey& log) const {
        for (const LogView& view : mesh->logs())
            if (view.log == log) return view;
        return {};
    }
    [[nodiscard]] std::string_view link_state(const NodeId& peer) const {
        for (const LinkView& view : mesh->links())
            if (view.peer == peer && view.purpose == Purpose::Main) return view.state;
        return "none";
    }
    [[nodiscard]] std::size_t up_links() const {
        std::size_t up = 0;
        for (const LinkView& view : mesh->links()) up += view.state == "up" ? 1 : 0;
        return up;
    }
};

class Net {
public:
    using Tweak = std::function<void(Config&)>;

    Node& add(std::uint8_t number, const Tweak& tweak = {}) {
        auto node = std::make_unique<Node>();
        node->id = node_id(number);
        node->config.node = node->id;
        node->config.epoch = Epoch{100};
        node->config.name = std::string(1, static_cast<char>('a' + number));
        node->config.cluster = "orchard";
        if (tweak) tweak(node->config);
        node->mesh = std::make_unique<Mesh>(node->config, Rng(number));
        Node& added = *node;
        nodes_[added.id] = std::move(node);
        give(added, Start{});
        return added;
    }
    /// A new run of the same node, with what it stored.
    void restart(Node& node) {
        kill(node);
        node.config.epoch.value += 100;
        node.alive = true;
        node.silent = false;
        node.mesh = std::make_unique<Mesh>(node.config, Rng(node.config.epoch.value));
        Start start;
        for (const auto& [log, blocks] : node.store) {
            KnownLog known;
            known.log = log;
            for (const WireBlock& block : blocks) {
                if (!known.have.empty() && known.have.back().last + 1 == block.first)
                    known.have.back().last = block.last();
                else
                    known.have.push_back({block.first, block.last()});
            }
            known.first_hlc = blocks.front().first_hlc;
            known.last_hlc = blocks.back().last_hlc;
            if (node.remembered.contains(log)) known.remembered = node.remembered[log];
            start.logs.push_back(known);
        }
        give(node, start);
        for (auto& [id, other] : nodes_)
            if (other->alive && id != node.id) introduce(*other, node), introduce(node, *other);
    }
    void introduce(Node& to, const Node& whom, bool draining = false) {
        give(to, PeerSeen{{whom.id, whom.config.epoch, whom.config.name, whom.config.zone,
                           whom.config.name + ":7402", 100, draining, false}});
    }
    void introduce_all() {
        for (auto& [a, one] : nodes_)
            for (auto& [b, other] : nodes_)
                if (a != b) introduce(*one, *other);
    }

    /// Seals a block of `count` messages in the node's log and hands it to its mesh.
    WireBlock publish(Node& node, std::uint32_t count = 1, std::size_t bytes = 20,
                      std::uint8_t flags = 0, Lane lane = kDataLane) {
        const LogKey log = node.log(lane);
        BlockBuilder builder;
        const std::string payload = "\"" + std::string(bytes, 'p') + "\"";
        Hlc first, last;
        for (std::uint32_t i = 0; i < count; ++i) {
            Draft draft;
            draft.topic = "t";
            draft.payload = payload;
            last = Hlc{std::max(Hlc::at(wall()).value, clocks_[node.id] + 1)};
            clocks_[node.id] = last.value;
            if (i == 0) first = last;
            builder.add(last, draft);
        }
        const Seq at = node.sealed[log] + 1;
        const BlockPtr block = builder.seal(log, at, Arrival{at}, flags);
        node.sealed[log] += count;
        const WireBlock wire{at, count, first, last,
                             std::make_shared<const Bytes>(encode_block(*block, BlockCodec::None))};
        store(node, log, wire);
        give(node, Sealed{log, wire});
        if (node.store_syncs) give(node, Stored{log, wire.last()});
        return wire;
    }

    void give(Node& node, const Input& input) {
        if (!node.alive) return;
        Outbox out;
        node.mesh->handle(input, now(), out);
        perform(node, out);
    }

    void run(Duration time) {
        const Instant end = now_ + time;
        for (;;) {
            Instant next = end;
            Node* ticking = nullptr;
            for (auto& [id, node] : nodes_)
                if (node->alive && node->mesh->due() < next) {
                    next = std::max(now_, node->mesh->due());
                    ticking = node.get();
                }
            if (!events_.empty() && events_.begin()->first.first <= next) {
                now_ = std::max(now_, events_.begin()->first.first);
                auto event = std::move(events_.begin()->second);
                events_.erase(events_.begin());
                event();
                steps_without_time_ = 0;
            } else if (ticking != nullptr && next < end) {
                // A machine that is due at once, again and again, would hang its runtime.
                steps_without_time_ = next == now_ ? steps_without_time_ + 1 : 0;
                ASSERT_LT(steps_without_time_, 1000u) << "the machine is due for ever";
                now_ = next;
                give(*ticking, Tick{});
            } else {
                now_ = end;
                return;
            }
        }
    }

    /// The process is gone; its peers are reset.
    void kill(Node& node) {
        node.alive = false;
        for (const auto& [id, conn] : node.conns) end(conn, node, LinkEnd::Reset);
        node.conns.clear();
    }
    /// The machine is gone: nobody hears anything.
    void unplug(Node& node) {
        node.silent = true;
        node.alive = false;
    }
    /// Nothing passes between the two any more, and nobody is told.
    void cut(const Node& a, const Node& b) { cuts_.insert(pair_of(a.id, b.id)); }
    void heal(const Node& a, const Node& b) { cuts_.erase(pair_of(a.id, b.id)); }
    /// The connection between the two ends in a reset.
    void reset(Node& a, Node& b) {
        for (std::size_t i = 0; i < conns_.size(); ++i)
            if (conns_[i].open && joins(conns_[i], a.id, b.id)) {
                end(i, a, LinkEnd::Reset);
                a.conns.erase(conns_[i].number[conns_[i].end[0] == a.id ? 0 : 1]);
                give(a, LinkClosed{conns_[i].number[conns_[i].end[0] == a.id ? 0 : 1],
                                   LinkEnd::Reset, ""});
            }
    }
    /// How long what `from` sends to `to` takes.
    void delay(const Node& from, const Node& to, Duration hop) { hops_[{from.id, to.id}] = hop; }
    /// What `from` writes to `to` stays in its socket until release().
    void clog(const Node& from, const Node& to) { clogged_.insert({from.id, to.id}); }

    [[nodiscard]] Now now() const { return {now_, wall()}; }
    [[nodiscard]] WallTime wall() const {
        return 1'800'000'000'000'000 + (now_.time_since_epoch() / 1us);
    }
    [[nodiscard]] Node& at(const NodeId& id) { return *nodes_.at(id); }
    [[nodiscard]] std::uint64_t sends() const { return sends_; }
    struct Sent {
        std::uint64_t frames = 0, bytes = 0;
    };
    /// What all nodes together wrote, by kind of frame.
    std::map<frames::Type, Sent> tally;
    /// Feeds bytes to a node as if its peer had sent them.
    void inject(Node& from, Node& to, const frames::Frame& frame);
    void inject_bytes(Node& from, Node& to, const Bytes& bytes);

private:
    struct Conn {
        NodeId end[2];
        LinkId number[2];
        Instant last[2]{};  ///< arrival of the last bytes towards this end
        std::size_t unsent[2]{};
        bool open = false;
    };
    static std::pair<NodeId, NodeId> pair_of(const NodeId& a, const NodeId& b) {
        return {std::min(a, b), std::max(a, b)};
    }
    static bool joins(const Conn& conn, const NodeId& a, const NodeId& b) {
        return pair_of(conn.end[0], conn.end[1]) == pair_of(a, b);
    }
    void at_time(Instant time, std::function<void()> event) {
        events_.emplace(std::pair(time, ++event_number_), std::move(event));
    }
    [[nodiscard]] Duration hop(const NodeId& from, const NodeId& to) const {
        const auto found = hops_.find({from, to});
        return found == hops_.end() ? kHop : found->second;
    }
    void store(Node& node, const LogKey& log, const WireBlock& block);
    void perform(Node& node, const Outbox& out);
    void dial(Node& node, const Dial& dial);
    void send(Node& node, LinkId id, Bytes bytes);
    void end(std::size_t conn, Node& by, LinkEnd how);

    Instant now_{};
    std::uint64_t event_number_ = 0, sends_ = 0;
    unsigned steps_without_time_ = 0;
    std::map<std::pair<Instant, std::uint64_t>, std::function<void()>> events_;
    std::map<NodeId, std::unique_ptr<Node>> nodes_;
    std::map<NodeId, std::uint64_t> clocks_;
    std::vector<Conn> conns_;
    std::set<std::pair<NodeId, NodeId>> cuts_, clogged_;
    std::map<std::pair<NodeId, NodeId>, Duration> hops_;
};

}  // namespace anode::mesh::test
