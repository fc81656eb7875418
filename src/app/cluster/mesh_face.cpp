#include "app/cluster/mesh_face.hpp"

#include <utility>

namespace anode::app {

void MeshFace::view(Reply<api::MeshView> reply) {
    mesh_.look(
        [this, reply = std::move(reply)](const mesh::Mesh& machine, const MeshTraffic&) mutable {
            api::MeshView view;
            view.links = machine.links();
            view.logs = machine.logs();
            view.counters = machine.counters();
            view.offenders = machine.offenders();
            view.settled = machine.settled();
            view.at = mesh_.loop().now().mono;
            reply(std::move(view));
        });
}

}  // namespace anode::app
