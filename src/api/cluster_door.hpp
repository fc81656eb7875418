#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "core/membership/counters.hpp"
#include "core/membership/input.hpp"
#include "core/membership/outbox.hpp"
#include "core/membership/types.hpp"
#include "core/mesh/mesh.hpp"

/// What the API asks of the cluster this node belongs to. Implemented in app/cluster, faked in tests.
/// Thread: every method from any thread. Callbacks run on the thread of the membership protocol and must not block. One
///         that is dropped without a call means that the node is ending.
namespace anode::api {

/// A member of the view, ready to be shown.
struct MemberInfo {
    std::string id;    ///< `n-…`; of a foreign member the name it goes by
    std::string name;  ///< for people
    membership::MemberState state = membership::MemberState::Alive;
    bool self = false;
    bool foreign = false;  ///< speaks the protocol, is no node of ours
    bool draining = false;
    std::string address;  ///< of its membership protocol
    std::string zone, version, url;
    std::uint64_t epoch = 0;
    membership::Incarnation incarnation = 0;
    WallTime since = 0;  ///< of the last change of state
    Duration rtt{};      ///< smoothed; 0: never measured
    std::string key;  ///< fingerprint of the key it last sealed with; empty: clear text or unknown
};

/// Where this node stands in its cluster.
enum class Belonging : std::uint8_t {
    Alone,    ///< nobody to join was named, and nobody came
    Joining,  ///< contacts are named, none has answered yet
    Joined,
    Leaving,
    Left,
};
[[nodiscard]] constexpr std::string_view name_of(Belonging belonging) noexcept {
    switch (belonging) {
        case Belonging::Alone:
            return "alone";
        case Belonging::Joining:
            return "joining";
        case Belonging::Joined:
            return "joined";
        case Belonging::Leaving:
            return "leaving";
        case Belonging::Left:
            return "left";
    }
    return "unknown";
}

struct ClusterView {
    std::vector<MemberInfo> members;  ///< ordered by id, this node included
    Belonging belonging = Belonging::Alone;
    std::string listen;  ///< bound
    bool encrypted = false;
    std::vector<std::string> keys;  ///< fingerprints, primary first
    std::uint64_t view_hash = 0;
    membership::Counters counters;
};

class ClusterDoor {
public:
    template <class T>
    using Reply = std::move_only_function<void(T)>;

    virtual ~ClusterDoor() = default;
    virtual void view(Reply<ClusterView> reply) = 0;
    /// Adds contacts: `host`, `host:port`, `name/host:port`. They are tried from now on; the answer does not wait for them.
    /// Errors: Conflict (left or leaving).
    virtual void join(std::vector<std::string> contacts, Reply<Result<void>> reply) = 0;
    /// Says goodbye; answers when that has been gossiped. The node goes on by itself. Errors: Conflict (left or leaving already).
    virtual void leave(Reply<Result<void>> reply) = 0;
    /// Removes a dead or left member at once. Errors: NotFound, Conflict (it is alive).
    virtual void forget(std::string id, Reply<Result<void>> reply) = 0;
    /// Work on the key ring of every node. The request's id is of no meaning here.
    virtual void keys(membership::KeyRequest request, Reply<membership::KeyReport> reply) = 0;
    /// Where listeners may move to: the addresses of other nodes that are alive and do not drain. Cheap, waits for nobody.
    [[nodiscard]] virtual std::vector<std::string> urls() const { return {}; }
};

/// The links and logs of this node's mesh at one moment.
struct MeshView {
    std::vector<mesh::LinkView> links;
    std::vector<mesh::LogView> logs;
    mesh::Counters counters;
    std::vector<mesh::Offender> offenders;
    bool settled = false;
    Instant at{};  ///< what `since` of a link is measured from
};

class MeshDoor {
public:
    template <class T>
    using Reply = std::move_only_function<void(T)>;

    virtual ~MeshDoor() = default;
    virtual void view(Reply<MeshView> reply) = 0;
};

}  // namespace anode::api
