#include <algorithm>
#include <utility>

#include "app/engine.hpp"
#include "app/engine_batch.hpp"
#include "core/node/foreign_topic.hpp"

/// What the engine does with blocks of other nodes.
namespace anode::app {
namespace {

constexpr Duration kCopiesPatience = 2s, kRaceEvery = 2s;
constexpr unsigned kRaceBlocks = 100;

}  // namespace

void Engine::take_remote(std::vector<RemoteBlock> blocks, std::vector<Record> records) {
    // What was sealed before comes before: arrivals follow each other.
    if (!data_.empty()) seal(data_);
    if (!system_.empty()) seal(system_);
    for (RemoteBlock& remote : blocks) {
        intake_.add(loop_.now().mono, remote.block->count());
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
        open_->wires.push_back(std::make_shared<const BlockWire>(std::move(remote.wire)));
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
        bool hide = foreign_topic(block.log(), entry.topic);
        if (system && !hide) hide = take_system(block.log(), entry);
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

/// True: it was for this node, not for listeners.
bool Engine::take_system(const LogKey& log, const Entry& entry) {
    if (entry.topic == kIdempotencyTopic) {
        auto known = Idempotency::decode(entry.payload);
        if (!known) return true;
        // Two nodes that were asked at once: the lower id is what everybody answers from now on.
        const Idempotency::Known* ours = idempotency_.find(entry.key, loop_.now().wall);
        if (ours == nullptr || (ours->body == known->body && known->ids < ours->ids))
            idempotency_.remember(std::string(entry.key), std::move(*known));
        return true;
    }
    return system_entry_ && system_entry_(log, entry);
}

/// What nodes tell each other travels in our system lane; no listener is shown it.
void Engine::hide_between_nodes(BlockPtr& block) {
    const auto between_nodes = [](std::string_view topic) {
        return topic == kStateTopic || topic == kIdempotencyTopic || topic == kSeenTopic;
    };
    if (std::ranges::none_of(block->topics(), between_nodes)) return;
    BlockMarks marks;
    for (std::uint32_t i = 0; i < block->count(); ++i)
        if (between_nodes(block->entry(i).topic)) marks.hidden.push_back(i);
    place_block(block, block->first_arrival(), std::move(marks));
}

Place Engine::state_message(BytesView payload, std::string_view topic) {
    return tell_nodes(topic, {}, payload);
}

Place Engine::tell_nodes(std::string_view topic, std::string_view key, BytesView payload) {
    Draft draft;
    draft.topic = topic;
    draft.key = key;
    draft.source = "system";
    draft.payload = payload;
    draft.content_type = "application/octet-stream";
    return add(draft, true);
}

/// Now and then a block says that it races: who hears of it first elsewhere than from its parent changes parents. All neighbours
/// are told of such a block, so it is one in a hundred at most (dissemination, section 2.8). And one that a publisher wants on
/// several nodes asks them to say at once when they have it (section 5).
std::uint8_t Engine::block_flags(const LaneWriter& lane) {
    if (outlet_ == nullptr || outlet_->peers() == 0) return 0;
    const bool system = lane.log().lane == kSystemLane;
    std::uint8_t flags = copies_awaited_ && !system ? block_flag::kAckRequested : std::uint8_t{0};
    Race& race = races_.at(system ? 0 : 1);
    const Instant now = loop_.now().mono;
    if (++race.blocks < kRaceBlocks || now - race.last < kRaceEvery) return flags;
    race = {now, 0};
    return flags | block_flag::kRace;
}

/// Synced here; the answer waits until as many nodes have it as the publisher asked for. The store's thread.
void Engine::answer_copies(LogPlace last, api::PublishResult result,
                           api::Reply<Result<api::PublishResult>> reply) {
    const unsigned wanted = result.level.copies;
    const auto too_few = [wanted](unsigned copies) {
        return fail(Errc::Timeout, "synced on " + std::to_string(copies) + " of " +
                                       std::to_string(wanted) +
                                       " nodes in time; it is not withdrawn");
    };
    if (outlet_ == nullptr) return reply(too_few(1));
    outlet_->await_copies(last.log, last.seq, wanted, kCopiesPatience,
                          [result = std::move(result), reply = std::move(reply), too_few](
                              unsigned copies, bool met) mutable {
                              if (!met) return reply(too_few(copies));
                              reply(std::move(result));
                          });
}

const Bytes* Engine::remote_position(std::string_view source) const {
    const auto found = remote_positions_.find(std::string(source));
    return found == remote_positions_.end() ? nullptr : &found->second.position;
}

}  // namespace anode::app
