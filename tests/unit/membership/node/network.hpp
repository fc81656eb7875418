#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/membership/membership.hpp"
#include "core/membership/node_meta.hpp"
#include "unit/membership/node/desk.hpp"

namespace anode::membership::spec {

/// A handful of nodes joined by virtual wires: packets and streams take a millisecond, time passes when told to.
class Network {
public:
    struct Node {
        Config config;
        KeyRing ring;
        std::unique_ptr<Membership> machine;
        Outbox out;
        std::deque<std::pair<Instant, Output>> heard;  ///< what the application would have seen
        std::uint64_t next_accepted = 1;
        std::size_t dials = 0;
        bool up = true;
    };

    /// A node of ours; `change` adjusts its configuration.
    Node& add(const std::string& name, std::vector<std::string> contacts = {}, KeyRing ring = {},
              const std::function<void(Config&)>& change = {});
    Node& node(const std::string& name) { return *nodes_.at(name); }
    void start(Node& node);
    /// Its process dies: nothing goes in or out any more.
    void kill(const std::string& name) { node(name).up = false; }
    /// Neither packets nor streams between these and everybody else.
    void cut_off(std::set<std::string> some) { cut_off_ = std::move(some); }
    void heal() { cut_off_.clear(); }
    /// Its packets are lost both ways; streams come through.
    void mute(const std::string& name) { muted_ = name; }
    void tells(const std::string& name, const Input& input) { handle(node(name), input); }
    void run(Duration time);
    /// Runs until it holds. False: it did not within this time.
    bool run_until(const std::function<bool()>& condition, Duration at_most);

    [[nodiscard]] Instant now() const noexcept { return now_; }
    /// Everybody who is up holds exactly `count` members alive.
    [[nodiscard]] bool everybody_sees(std::size_t count) const;

    template <class T>
    std::vector<T> heard(const std::string& name) {
        std::vector<T> found;
        for (const auto& [at, output] : node(name).heard) {
            if (const auto* one = std::get_if<T>(&output)) found.push_back(*one);
        }
        return found;
    }

    /// What names mean to the nodes' name server.
    std::map<std::string, std::vector<Address>> names;
    std::size_t chunk = 1400;  ///< of a stream's bytes

private:
    struct Event {
        Node* to;
        std::function<void()> act;
    };
    struct End {
        Node* node = nullptr;
        StreamId id{};
    };
    using Key = std::pair<Node*, StreamId>;

    void handle(Node& node, const Input& input);
    void perform(Node& node, const Output& output);
    void dial(Node& node, const Dial& dial);
    void say(Node& node, const SendStream& bytes);
    void hang_up(Node& node, StreamId id);
    void later(Duration after, Node* to, std::function<void()> act);
    [[nodiscard]] Node* at(const Address& address);
    [[nodiscard]] bool parted(const Node& a, const Node& b) const;
    bool step(Instant end);

    static constexpr Duration kLatency = 1ms;
    std::map<std::string, std::unique_ptr<Node>> nodes_;
    std::multimap<Instant, Event> events_;  ///< of one instant: in the order they were made
    std::map<Key, End> streams_;            ///< to the other end
    std::set<std::string> cut_off_;
    std::string muted_;
    Instant now_{1h};
};

}  // namespace anode::membership::spec
