#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "base/rng.hpp"
#include "core/state/item.hpp"
#include "core/state/state.hpp"

namespace anode::state::test {

inline NodeId node_of(std::uint8_t number) {
    NodeId id;
    id.bytes.fill(number);
    return id;
}

template <class Want>
std::vector<Want> only(const std::vector<Output>& out) {
    std::vector<Want> found;
    for (const Output& each : out)
        if (const auto* wanted = std::get_if<Want>(&each)) found.push_back(*wanted);
    return found;
}

/// One State with a disk and a clock.
struct Node {
    explicit Node(std::uint8_t number, Limits l = {})
        : id(node_of(number)), limits(l), state(std::make_unique<State>(id, l)) {}

    std::vector<Output> give(const Input& input) {
        std::vector<Output> out;
        state->handle(input, Now{Instant{mono}, wall}, out);
        for (const Output& each : out) {
            if (const auto* kept = std::get_if<Persist>(&each)) {
                if (kept->record)
                    disk[kept->key] = *kept->record;
                else
                    disk.erase(kept->key);
            } else if (const auto* sync = std::get_if<InSync>(&each)) {
                in_sync_at = sync->at;
            }
        }
        return out;
    }
    Result<Item> write(std::string kind, std::string key, std::optional<Bytes> value,
                       std::optional<std::string> if_stamp = {}, bool revoke = false) {
        last = give(Write{7, std::move(kind), std::move(key), std::move(value), revoke,
                          std::move(if_stamp)});
        return only<Written>(last).at(0).item;
    }
    Bytes entry() const { return only<Spread>(last).at(0).entry; }
    void passes(Duration time) {
        mono += time;
        wall += time / 1us;
    }
    std::vector<Output> restart() {
        state = std::make_unique<State>(id, limits);
        Restore from{{}, in_sync_at};
        for (const auto& [key, record] : disk) from.records.push_back(record);
        return give(from);
    }

    NodeId id;
    Limits limits;
    std::unique_ptr<State> state;
    std::map<std::string, Bytes> disk;
    WallTime in_sync_at = 0;
    Duration mono = 1h;
    WallTime wall = 1'700'000'000'000'000;
    std::vector<Output> last;
};

/// Links between nodes; frames arrive at once or when asked.
class Cluster {
public:
    explicit Cluster(std::size_t count, Limits limits = {}) {
        for (std::size_t i = 0; i < count; ++i)
            nodes.push_back(std::make_unique<Node>(static_cast<std::uint8_t>(i + 1), limits));
    }
    void link(std::size_t a, std::size_t b) {
        if (!links.insert(std::minmax(a, b)).second) return;
        take(a, nodes[a]->give(PeerUp{nodes[b]->id}));
        take(b, nodes[b]->give(PeerUp{nodes[a]->id}));
    }
    void cut(std::size_t a, std::size_t b) {
        if (links.erase(std::minmax(a, b)) == 0) return;
        std::erase_if(
            wire, [&](const Frame& f) { return std::minmax(f.from, f.to) == std::minmax(a, b); });
        take(a, nodes[a]->give(PeerDown{nodes[b]->id}));
        take(b, nodes[b]->give(PeerDown{nodes[a]->id}));
    }
    void restart(std::size_t i) {
        for (std::size_t other = 0; other < nodes.size(); ++other)
            if (other != i) cut(i, other);
        take(i, nodes[i]->restart());
    }
    /// What a node asks for: frames go on the wire, entries to `spread`.
    void take(std::size_t from, const std::vector<Output>& out) {
        for (const Output& each : out) {
            if (const auto* frame = std::get_if<SendPeer>(&each)) {
                frame_bytes_max = std::max(frame_bytes_max, frame->body.size());
                ++frames;
                for (std::size_t to = 0; to < nodes.size(); ++to)
                    if (nodes[to]->id == frame->to && links.contains(std::minmax(from, to)))
                        wire.push_back({from, to, frame->type, frame->body});
            } else if (const auto* entry = std::get_if<Spread>(&each)) {
                for (std::size_t to = 0; to < nodes.size(); ++to)
                    if (to != from) spread.push_back({to, entry->entry});
            }
        }
    }
    void deliver() {
        while (!wire.empty()) {
            const Frame frame = wire.front();
            wire.erase(wire.begin());
            take(frame.to,
                 nodes[frame.to]->give(FromPeer{nodes[frame.from]->id, frame.type, frame.body}));
        }
    }
    void passes(Duration time, Duration step = 50ms) {
        for (Duration gone{}; gone < time; gone += step) {
            for (std::size_t i = 0; i < nodes.size(); ++i) {
                nodes[i]->passes(step);
                if (nodes[i]->state->due() <= Instant{nodes[i]->mono})
                    take(i, nodes[i]->give(Tick{}));
            }
            deliver();
        }
    }
    bool agree() const {
        return std::ranges::all_of(nodes, [&](const auto& node) {
            return node->state->hash() == nodes[0]->state->hash();
        });
    }

    struct Frame {
        std::size_t from, to;
        std::uint8_t type;
        Bytes body;
    };
    struct Entry {
        std::size_t to;
        Bytes bytes;
    };
    std::vector<std::unique_ptr<Node>> nodes;
    std::set<std::pair<std::size_t, std::size_t>> links;
    std::vector<Frame> wire;
    std::vector<Entry> spread;
    std::size_t frame_bytes_max = 0, frames = 0;
};

}  // namespace anode::state::test
