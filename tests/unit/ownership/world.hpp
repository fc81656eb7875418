#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>

#include "unit/ownership/desk.hpp"

namespace anode::ownership::test {

/// N nodes over a toy of everything else: a map of claims that the last writer wins and that spreads with delays, a membership
/// that notices after a while who is out of reach, links, and runners that take their time. Virtual time.
class World {
public:
    static constexpr Duration kDetection = 5s, kDoubt = 700ms, kStep = 20ms;

    World(std::uint64_t seed, std::uint8_t count, int sources)
        : rng_(seed), count_(count), nodes_(count), group_(count, 0) {
        for (int i = 0; i < sources; ++i) sources_.all.push_back(source("s" + std::to_string(i)));
        for (std::uint8_t i = 0; i < count; ++i) boot(i);
    }

    void boot(std::uint8_t i) {
        Node& node = nodes_[i];
        node.machine = std::make_unique<Ownership>(id(i), Epoch{++epochs_}, "", Rng(rng_.next()));
        node.epoch = Epoch{epochs_};
        node.views.assign(count_, {});
        ++node.life;
        touched();
        for (const auto& [name, stamped] : node.records) give(i, Claimed{stamped.claim});
        give(i, sources_);
        later(30s, i, [this, i] { give(i, WarmedUp{}); });
        for (std::uint8_t j = 0; j < count_; ++j) exchange_soon(i, j);
    }
    void crash(std::uint8_t i) {
        nodes_[i].machine.reset();
        nodes_[i].running.clear();
        ++nodes_[i].life;
        touched();
    }
    void put_in(std::uint8_t i, int group) {
        group_[i] = group;
        touched();
        for (std::uint8_t j = 0; j < count_; ++j) exchange_soon(i, j);
    }
    void drain(std::uint8_t i, bool on) {
        if (!up(i)) return;
        nodes_[i].draining = on;
        give(i, DrainSelf{on});
    }
    void set_sources(const std::function<void(std::vector<SourceFacts>&)>& change) {
        change(sources_.all);
        for (std::uint8_t i = 0; i < count_; ++i)
            if (up(i)) give(i, sources_);
    }
    void passes(Duration time) {
        for (const Instant end = now + time; now < end; now += kStep) {
            while (!events_.empty() && events_.begin()->first.first <= now) {
                auto event = events_.extract(events_.begin());
                event.mapped()();
            }
            if ((now - Instant{}) % 100ms == 0ms) notice();
            for (std::uint8_t i = 0; i < count_; ++i)
                if (up(i) && nodes_[i].machine->due() <= now) give(i, Tick{});
            watch();
        }
    }
    bool up(std::uint8_t i) const { return nodes_[i].machine != nullptr; }
    std::uint8_t count() const { return count_; }
    std::vector<std::uint8_t> runners(const std::string& name) const {
        std::vector<std::uint8_t> found;
        for (std::uint8_t i = 0; i < count_; ++i)
            if (up(i) && nodes_[i].running.contains(name)) found.push_back(i);
        return found;
    }
    const std::vector<SourceFacts>& sources() const { return sources_.all; }
    const Ownership& machine(std::uint8_t i) const { return *nodes_[i].machine; }

    Instant now{1h};
    Duration
        double_max{};  ///< the longest time two nodes of one group ran one source, since the groups last changed
    bool links_lost = true;  ///< whether a crash is seen by the links

private:
    struct Stamped {
        Claim claim;
        std::pair<Instant, std::uint8_t> at;
    };
    struct Opinion {
        bool known = false, reachable = false, dead = false, doubted = false;
        bool draining = false;
        Epoch epoch;
        Instant since{};
    };
    struct Node {
        std::unique_ptr<Ownership> machine;
        Epoch epoch;
        bool draining = false;
        unsigned life = 0;
        std::map<std::string, Stamped> records;  // they outlive a crash
        std::set<std::string> running;
        std::vector<Opinion> views;
    };

    static NodeId id(std::uint8_t i) { return node_of(static_cast<std::uint8_t>(i + 1)); }
    static std::uint8_t index(const NodeId& node) {
        return static_cast<std::uint8_t>(node.bytes[0] - 1);
    }
    bool together(std::uint8_t a, std::uint8_t b) const {
        return up(a) && up(b) && group_[a] == group_[b];
    }
    void touched() { doubled_.clear(); }

    void later(Duration after, std::uint8_t i, std::function<void()> what) {
        events_.emplace(std::pair{now + after, ++order_}, [this, i, life = nodes_[i].life, what] {
            if (up(i) && nodes_[i].life == life) what();
        });
    }
    Duration lag() { return Duration(rng_.between(1'000'000, 40'000'000)); }

    void give(std::uint8_t i, const Input& input) {
        std::vector<Output> out;
        nodes_[i].machine->handle(input, now, out);
        for (const Output& each : out) take(i, each);
    }
    void take(std::uint8_t i, const Output& output) {
        Node& node = nodes_[i];
        if (const auto* proposed = std::get_if<Propose>(&output)) {
            const Stamped stamped{proposed->claim, {now, i}};
            later(1ms, i, [this, i, stamped] { write(i, stamped); });
        } else if (const auto* run = std::get_if<Run>(&output)) {
            node.running.insert(run->source);
        } else if (const auto* stop = std::get_if<Stop>(&output)) {
            later(50ms, i, [this, i, name = stop->source] {
                nodes_[i].running.erase(name);
                give(i, Stopped{name, "p"});
            });
        } else if (const auto* warm = std::get_if<Prepare>(&output)) {
            later(100ms, i, [this, i, name = warm->source] { give(i, Prepared{name}); });
        } else if (const auto* frame = std::get_if<SendPeer>(&output)) {
            const std::uint8_t to = index(frame->to);
            if (!together(i, to)) return;
            later(lag(), to, [this, i, to, sent = *frame] {
                if (group_[i] == group_[to]) give(to, FromPeer{id(i), sent.type, sent.body});
            });
        }
    }
    /// Last writer wins; what is new goes on to everybody in reach, and is lost now and then.
    void write(std::uint8_t i, const Stamped& stamped) {
        auto& records = nodes_[i].records;
        const auto held = records.find(stamped.claim.source);
        if (held != records.end() && held->second.at >= stamped.at) return;
        records.insert_or_assign(stamped.claim.source, stamped);
        for (std::uint8_t j = 0; j < count_; ++j)
            if (j != i && together(i, j) && !rng_.chance(0.1))
                later(lag(), j, [this, i, j, stamped] {
                    if (group_[i] == group_[j]) write(j, stamped);
                });
        give(i, Claimed{stamped.claim});
    }
    /// Anti-entropy, at once after a change and every few seconds.
    void exchange_soon(std::uint8_t i, std::uint8_t j) {
        later(500ms, i, [this, i, j] { exchange(i, j); });
    }
    void exchange(std::uint8_t i, std::uint8_t j) {
        if (i == j || !together(i, j)) return;
        const auto ours = nodes_[i].records, theirs = nodes_[j].records;
        for (const auto& [name, stamped] : ours) write(j, stamped);
        for (const auto& [name, stamped] : theirs) write(i, stamped);
    }
    /// What membership and links see.
    void notice() {
        for (std::uint8_t i = 0; i < count_; ++i) {
            if (!up(i)) continue;
            bool anyone = false, others = false;
            for (std::uint8_t j = 0; j < count_; ++j) {
                if (j == i) continue;
                judge(i, j);
                anyone = anyone || together(i, j);
                const Opinion& view = nodes_[i].views[j];
                others = others || (view.known && !view.dead);
            }
            give(i, Isolated{others && !anyone});
            if ((now - Instant{}) % 3s == 0ms)
                exchange(i, static_cast<std::uint8_t>(rng_.below(count_)));
        }
    }
    void judge(std::uint8_t i, std::uint8_t j) {
        Opinion& view = nodes_[i].views[j];
        const bool reachable = together(i, j);
        if (reachable != view.reachable) {
            view.reachable = reachable;
            view.since = now;
        }
        const bool for_long = now - view.since >= (reachable ? 300ms : kDetection);
        if (reachable && for_long) {
            if (view.doubted) give(i, DoubtOver{id(j)});
            view.doubted = false;
            const Node& other = nodes_[j];
            if (view.known && !view.dead && view.epoch == other.epoch &&
                view.draining == other.draining)
                return;
            view.known = true;
            view.dead = false;
            view.epoch = other.epoch;
            view.draining = other.draining;
            tell(i, j, Standing::Alive);
        } else if (!reachable && view.known && !view.dead) {
            if (links_lost && !view.doubted && now - view.since >= kDoubt) {
                view.doubted = true;
                give(i, InDoubt{id(j)});
            }
            if (!for_long) return;
            view.dead = true;
            view.doubted = false;
            tell(i, j, Standing::Dead);
        }
    }
    void tell(std::uint8_t i, std::uint8_t j, Standing standing) {
        const Opinion& view = nodes_[i].views[j];
        give(i, NodeSeen{{id(j), view.epoch, "", 100, view.draining, standing}});
    }
    void watch() {
        for (const SourceFacts& facts : sources_.all) {
            std::map<int, int> by_group;
            bool doubled = false;
            for (const std::uint8_t i : runners(facts.name))
                doubled = ++by_group[group_[i]] > 1 || doubled;
            if (!doubled) {
                doubled_.erase(facts.name);
                continue;
            }
            const Instant since = doubled_.try_emplace(facts.name, now).first->second;
            double_max = std::max<Duration>(double_max, now - since);
        }
    }

    Rng rng_;
    std::uint8_t count_;
    std::vector<Node> nodes_;
    std::vector<int> group_;
    Sources sources_;
    std::map<std::pair<Instant, std::uint64_t>, std::function<void()>> events_;
    std::uint64_t order_ = 0, epochs_ = 100;
    std::map<std::string, Instant> doubled_;
};

}  // namespace anode::ownership::test
