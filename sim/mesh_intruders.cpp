#include "sim/mesh_cluster.hpp"

/// Who comes to MeshCluster and does not belong: an intruder that knows the cluster's name, and a copy of a node.
namespace anode::sim {
namespace {

constexpr WallTime kBegins = 1'800'000'000'000'000;

}  // namespace

std::vector<MeshStranger::Target> MeshCluster::victims() {
    std::vector<MeshStranger::Target> all;
    for (const Node& node : nodes_) {
        const MeshNode* machine = mesh(node);
        if (machine == nullptr || node.spare) continue;
        MeshStranger::Target& target = all.emplace_back();
        target.id = node.id;
        target.address = world_.address(node.host);
        for (const Lane lane : {kSystemLane, kDataLane})
            if (const Seq head = machine->sealed(lane); head > 0)
                target.logs.emplace_back(machine->log(lane), head);
    }
    return all;
}

/// Half of the nodes take it for a member; to the others it is somebody who dials them.
void MeshCluster::let_in(const Fault& fault) {
    if (intruders_++ > 0) return;
    std::vector<MeshStranger::Malice> ways;
    for (unsigned way = 0; way < MeshStranger::kMalices; ++way)
        if ((fault.amount >> way & 1) != 0) ways.push_back(static_cast<MeshStranger::Malice>(way));
    world_.boot(*intruder_host_,
                std::make_unique<MeshStranger>(
                    intruder_, rng_.next(), std::move(ways),
                    kBegins + world_.now().time_since_epoch() / 1us, [this] { return victims(); },
                    [this](const LogKey& log, const mesh::WireBlock& block) {
                        ledger_.sealed(log, block);
                    }),
                Instant{});
    for (Node& node : nodes_)
        if ((fault.who >> index_of(node.host) & 1) != 0)
            use(node, [&](MeshNode& machine, Instant now, Kernel& kernel) {
                machine.tell(
                    mesh::PeerSeen{{intruder_, Epoch{1}, "stranger", "",
                                    world_.address(*intruder_host_).text(), 100, false, false}},
                    now, kernel);
            });
}

void MeshCluster::throw_out(const Fault& /*fault*/) {
    if (--intruders_ > 0) return;
    world_.kill(*intruder_host_);
    // Who was paused meanwhile is told when it looks again: it cannot be told now, and finds nobody there.
    for (Node& node : nodes_)
        use(node, [&](MeshNode& machine, Instant now, Kernel& kernel) {
            machine.tell(mesh::PeerGone{intruder_, false}, now, kernel);
        });
    rng_.fill(intruder_.bytes);
}

void MeshCluster::start_twin(const Fault& fault) {
    Node& spare = nodes_.back();
    for (Node& node : nodes_) {
        if ((fault.who >> index_of(node.host) & 1) == 0 || node.spare) continue;
        if (twins_++ > 0) return;
        spare.id = node.id;
        *spare.disk = *node.disk;
        spare.down = 0;
        bring_up(spare);
        return;
    }
}

void MeshCluster::end_twin() {
    if (twins_ == 0 || --twins_ > 0) return;
    Node& spare = nodes_.back();
    spare.down = 1;
    take_down(spare, false);
    lost_disks_.push_back(std::exchange(spare.disk, std::make_unique<Disk>()));
}

}  // namespace anode::sim
