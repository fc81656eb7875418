#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/membership/node_meta.hpp"
#include "core/membership/outbox.hpp"
#include "core/mesh/input.hpp"
#include "core/ownership/ownership.hpp"

namespace anode::sim {

/// What membership, links and the small state tell, in the words of the ownership machine: what the program puts between them.
class OwnerWatch {
public:
    using Inputs = std::vector<ownership::Input>;
    struct Known {
        ownership::NodeFacts facts;
        std::string name;
        bool linked = false;
        bool lost = false;  ///< its link ended as that of a dead process does
    };
    explicit OwnerWatch(const NodeId& self) : self_(self) {}

    /// Appends what is to be told; nothing for ourselves and for members that take no part in the data plane.
    void member(const membership::NodeMeta& meta, std::string name, membership::Change change,
                membership::MemberState state, Inputs& out);
    void link_up(const NodeId& node, Inputs& out);
    void link_down(const NodeId& node, mesh::LinkEnd end, Inputs& out);
    /// All linked nodes have agreed with us on the small state.
    void in_sync() { in_sync_ = true; }

    enum class Warmth : std::uint8_t { Cold, Agrees, Waited };
    /// A node that knows neither sources nor claims would take what others run already: it waits until it agrees with somebody,
    /// at most 30 s.
    [[nodiscard]] Warmth warmth(Duration since_start) const;

    [[nodiscard]] const std::map<NodeId, Known>& nodes() const noexcept { return nodes_; }

private:
    void judge(const Known& known, Inputs& out) const;
    void look_around(Inputs& out);

    NodeId self_;
    std::map<NodeId, Known> nodes_;
    bool in_sync_ = false, isolated_ = false;
};

[[nodiscard]] constexpr bool lives(ownership::Standing standing) noexcept {
    return standing == ownership::Standing::Alive || standing == ownership::Standing::Suspect;
}

/// What an earlier run of ours held is no take-over for the sources: nobody else brought anything meanwhile.
void tell_own_apart(const NodeId& self, std::vector<ownership::Output>& outputs);

/// What the mesh is told of a change of a member that takes part in it.
[[nodiscard]] mesh::Input mesh_input(const membership::NodeMeta& meta, std::string name,
                                     const membership::MemberChanged& changed);

}  // namespace anode::sim
