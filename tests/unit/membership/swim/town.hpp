#pragma once

#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "core/membership/node_meta.hpp"
#include "core/membership/swim/name_pool.hpp"
#include "core/membership/swim/swim.hpp"

namespace anode::membership::town {

enum class Health { Well, Killed, Silent };

struct Event {
    Instant at;
    std::string observer;
    Change change;
    std::string member;
};

/// Some Swims, a network that loses and delays packets, and virtual time. Datagrams go through the real packet layers.
class Town {
public:
    struct Options {
        std::size_t size = 3;
        std::uint64_t seed = 1;
        double loss = 0;
        bool fast = true;
        std::size_t foreign = 0;  ///< the last ones are no nodes of ours
        Duration latency_min = 200us, latency_max = 1ms;
    };
    explicit Town(const Options& options);
    ~Town();

    void run(Duration time);
    /// Everybody knows everybody.
    void meet();
    void set(std::size_t node, Health health);
    void set_loss(double loss) { options_.loss = loss; }
    /// Holds a node up: it neither hears nor thinks until then; its packets wait.
    void pause(std::size_t node, Duration time);

    struct Node;
    [[nodiscard]] Swim& swim(std::size_t node);
    [[nodiscard]] const Counters& counters(std::size_t node);
    [[nodiscard]] static std::string name(std::size_t node);
    [[nodiscard]] Instant now() const { return now_; }
    [[nodiscard]] std::size_t deaths_seen(std::size_t member) const;
    /// When the last of the living had seen it die, after `from`; 0: not all have.
    [[nodiscard]] Duration all_know(std::size_t member, Instant from) const;
    std::vector<Event> events;
    std::uint64_t packets = 0, bytes = 0;

private:
    friend struct Node;
    struct Item {
        Instant at;
        std::uint64_t order;
        std::function<void()> run;
        bool operator<(const Item& other) const {
            return at != other.at ? at > other.at : order > other.order;
        }
    };
    Node& nodes_at(std::size_t node) { return *nodes_[node]; }
    void later(Duration delay, std::function<void()> run);
    Duration latency();

    Options options_;
    Rng rng_;
    Instant now_{1h};
    std::uint64_t order_ = 0;
    std::priority_queue<Item> items_;
    std::vector<std::unique_ptr<Node>> nodes_;
};

struct Town::Node : SwimPort {
    Node(Town& town, std::size_t index);
    wire::PacketWriter& begin(bool crc) override;
    void send(const Address& to) override;
    void stream_ping(const Address& to, std::string_view node, std::uint32_t seq,
                     Instant until) override;
    void push(Output output) override;
    void drop(Drop, const Address&, BytesView) override { ++drops; }
    void deliver(const Bytes& datagram, const Address& from);

    Town& town;
    std::size_t index;
    Config config;
    Rng rng;
    Counters counters;
    wire::PacketWriter writer;
    wire::PacketReader reader;
    std::unique_ptr<Swim> swim;
    Health health = Health::Well;
    Instant paused_until{};
    std::vector<std::pair<Bytes, Address>> waiting;
    std::size_t drops = 0;
};

}  // namespace anode::membership::town
