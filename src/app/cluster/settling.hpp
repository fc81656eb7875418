#pragma once

#include <functional>
#include <map>
#include <set>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "runtime/loop.hpp"

namespace anode::app {

/// Knows when every node that is alive has on its disk what this one wrote to its system lane. Linked nodes tell by the mesh's
/// acknowledgements. The others are asked in the lane itself, behind what they are asked about, and answer in theirs.
/// Thread:  the engine's loop.
/// Cost:    nothing while all are linked; otherwise one entry for the question and one for each answer.
/// Limits:  answers are given to questions of the last minute only, and owed to at most 1,000 logs.
class Settling {
public:
    template <class T>
    using Reply = std::move_only_function<void(T)>;

    /// The replies of `having` and `has` come on the engine's loop.
    struct World {
        Loop& loop;
        LogKey log;  ///< our own system lane of this run
        /// The other nodes that live.
        std::function<std::vector<NodeId>()> alive;
        /// The linked nodes that have our lane synced up to here.
        std::function<void(Seq seq, Reply<std::vector<NodeId>> reply)> having;
        /// Whether we have another node's lane up to here, without a hole and synced.
        std::function<void(const LogKey& log, Seq seq, Reply<bool> reply)> has;
        /// Writes to our system lane for the other nodes.
        std::function<void(const Bytes& entry)> say;
    };
    explicit Settling(World world) : world_(std::move(world)) {}

    /// Answers with nobody once all have our lane up to `seq`; with those that had not when `timeout` passed. Who dies meanwhile
    /// is not waited for.
    void wait(Seq seq, Duration timeout, Reply<std::vector<NodeId>> reply);

    /// Another node says something in its lane.
    void heard(const LogKey& log, WallTime at, BytesView entry);
    void peer_up(const NodeId& node) { linked_.insert(node); }
    void peer_down(const NodeId& node) { linked_.erase(node); }

private:
    struct Waiting {
        Instant until{};
        Reply<std::vector<NodeId>> reply;
    };
    void look_soon();
    void look();
    void weigh(Seq seq, const std::vector<NodeId>& having);
    void pay();
    void pay_one(const LogKey& log, Seq seq);

    World world_;
    std::set<NodeId> linked_;
    std::multimap<Seq, Waiting> waiting_;
    std::map<NodeId, Seq> told_;  ///< what nodes answered, highest
    Seq asked_ = 0;
    struct Owed {
        Seq seq = 0;
        Instant until{};
    };
    std::map<LogKey, Owed> owed_;  ///< questions of others that we cannot answer yet
    bool looking_ = false;
};

}  // namespace anode::app
