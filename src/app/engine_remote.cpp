#include <algorithm>
#include <utility>

#include "app/engine.hpp"
#include "app/engine_batch.hpp"

/// What the engine does with blocks of other nodes.
namespace anode::app {

void Engine::take_remote(std::vector<RemoteBlock> blocks, std::vector<Record> records) {
    // What was sealed before comes before: arrivals follow each other.
    if (!data_.empty()) seal(data_);
    if (!system_.empty()) seal(system_);
    for (RemoteBlock& remote : blocks) {
        static_cast<void>(clock_.observe(remote.block->last_hlc(), loop_.now().wall));
        BlockMarks marks = judge_remote(remote);
        const std::lock_guard lock(sinks_mutex_);
        place_block(remote.block, next_arrival_, std::move(marks));
        next_arrival_ = next_arrival_.plus(remote.block->count());
        sealed_head_ = remote.block->last_arrival();
        for (const auto& [id, sink] : sinks_) sink(remote.block);
        balance_.remote_received += remote.block->count();
        balance_.remote_queued += remote.block->count();
        open_->remote += remote.block->count();
        open_->blocks.push_back(std::move(remote.block));
        open_->wires.push_back(std::move(remote.wire));
    }
    for (Record& record : records) open_->records.push_back(std::move(record));
    schedule_flush();
}

/// Looks at each entry once: what it repeats, what it is for, where its source stands.
BlockMarks Engine::judge_remote(const RemoteBlock& remote) {
    BlockMarks marks;
    if (remote.late) marks.flags |= flag::kLate;
    const Block& block = *remote.block;
    const bool system = block.log().lane == kSystemLane;
    for (std::uint32_t i = 0; i < block.count(); ++i) {
        const Entry entry = block.entry(i);
        bool hide = false;
        if (system && system_entry_) hide = system_entry_(block.log(), entry);
        if (entry.cid)
            hide |= (entry.flags & flag::kState) != 0
                        ? contents_.repeats_state(entry.source, *entry.cid)
                        : contents_.repeats(entry.source, *entry.cid);
        if (!entry.source_position.empty()) {
            RemotePosition& known = remote_positions_[std::string(entry.source)];
            if (entry.hlc >= known.at) known = {entry.hlc, Bytes(entry.source_position)};
        }
        if (hide) marks.hidden.push_back(i);
    }
    balance_.remote_hidden += marks.hidden.size();
    return marks;
}

/// Entries of the small state travel in our system lane; no listener is shown them.
void Engine::hide_state(BlockPtr& block) {
    const auto topics = block->topics();
    if (std::ranges::none_of(topics, [](std::string_view topic) { return topic == kStateTopic; }))
        return;
    BlockMarks marks;
    for (std::uint32_t i = 0; i < block->count(); ++i)
        if (block->entry(i).topic == kStateTopic) marks.hidden.push_back(i);
    place_block(block, block->first_arrival(), std::move(marks));
}

Place Engine::state_message(BytesView payload) {
    Draft draft;
    draft.topic = kStateTopic;
    draft.source = "system";
    draft.payload = payload;
    draft.content_type = "application/octet-stream";
    return add(draft, true);
}

const Bytes* Engine::remote_position(std::string_view source) const {
    const auto found = remote_positions_.find(std::string(source));
    return found == remote_positions_.end() ? nullptr : &found->second.position;
}

}  // namespace anode::app
