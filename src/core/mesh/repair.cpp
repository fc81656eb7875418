#include "core/mesh/repair.hpp"

namespace anode::mesh {

struct Repair::Parts {
    Shared& shared;
    RepairPort& port;
};

Repair::Repair(Shared& shared, RepairPort& port)
    : parts_(std::make_unique<Parts>(Parts{shared, port})) {}
Repair::~Repair() = default;

void Repair::on_link_sync(Link& link) {
    frames::Vector vector;
    vector.bucket = 0xFFFF;
    for (const auto& [log, entry] : parts_->shared.logs.all()) {
        const LogState& state = entry->state;
        vector.rows.push_back({log, state.lowest(), state.watermark(), state.head(),
                               state.last_hlc(), state.missing()});
    }
    parts_->shared.send(link, vector);
}

void Repair::on_vector(Link& link, const frames::Vector& frame) {
    for (const auto& row : frame.rows) parts_->port.heard(link, row.log, row.head);
    if (frame.last) parts_->port.sync_done(link);
}

void Repair::on_pull(Link& link, const frames::Pull& frame) {
    parts_->shared.send(link, frames::PullEnd{frame.request, 1, 1000});
}

void Repair::on_link_ready(Link&) {}
void Repair::on_link_lost(Link&) {}
void Repair::on_vector_root(Link&, const frames::VectorRoot&) {}
void Repair::on_chunk(Link&, const frames::Chunk&) {}
void Repair::on_pull_end(Link&, const frames::PullEnd&) {}
void Repair::on_skip(Link&, const LogKey&, const frames::SkipFrame&) {}
void Repair::on_room(Link&) {}
void Repair::on_gap(LogEntry&, SeqRange) {}
bool Repair::on_loaded(const Loaded&) { return false; }
void Repair::tick() {}
Instant Repair::due() const noexcept { return kNever; }
bool Repair::settled() const noexcept { return true; }

}  // namespace anode::mesh
