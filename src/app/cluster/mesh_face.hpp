#pragma once

#include "api/cluster_door.hpp"
#include "app/cluster/mesh_node.hpp"

namespace anode::app {

/// The mesh as the API sees it: each question is answered on the mesh's own thread.
class MeshFace final : public api::MeshDoor {
public:
    explicit MeshFace(MeshNode& mesh) : mesh_(mesh) {}
    void view(Reply<api::MeshView> reply) override;

private:
    MeshNode& mesh_;
};

}  // namespace anode::app
