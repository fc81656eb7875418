#include "app/cluster/shared_state.hpp"

#include <utility>

#include "base/log.hpp"
#include "base/varint.hpp"

namespace anode::app {
namespace {

constexpr std::string_view kSpace = "state", kInSync = "in-sync";

}  // namespace

SharedState::SharedState(Loop& engine_loop, Engine& engine, Store& store, MeshNode* mesh,
                         const NodeId& self)
    : loop_(engine_loop), engine_(engine), store_(store), mesh_(mesh), self_(self), state_(self) {
    engine_.on_remote_system([this](const LogKey& log, const Entry& entry) {
        if (entry.topic == kSeenTopic) {
            if (seen_listener_) seen_listener_(log, entry);
            return true;
        }
        if (entry.topic != kStateTopic) {
            if (entry_listener_) entry_listener_(log, entry);
            return false;
        }
        handle(state::Arrived{entry.payload});
        return true;
    });
}

void SharedState::restore() {
    state::Restore restore;
    for (auto& [key, record] : store_.records(kSpace)) {
        if (key == kInSync) {
            ByteReader in(record);
            restore.in_sync_at = in.le<WallTime>().value_or(0);
        } else {
            restore.records.push_back(std::move(record));
        }
    }
    handle(restore);
}

void SharedState::write(Wish wish, Reply reply) {
    const std::uint64_t id = next_write_++;
    waiting_.emplace(id, std::move(reply));
    state::Write write{
        id,          std::move(wish.kind),     std::move(wish.key), std::move(wish.value),
        wish.revoke, std::move(wish.if_stamp), wish.adopted};
    handle(write);
}

void SharedState::handle(const state::Input& input) {
    if (busy_) {
        // Views end with the call: what waits keeps its own bytes.
        if (const auto* arrived = std::get_if<state::Arrived>(&input))
            later_.push_back(
                [this, entry = Bytes(arrived->entry)] { handle(state::Arrived{entry}); });
        else if (const auto* frame = std::get_if<state::FromPeer>(&input))
            later_.push_back(
                [this, node = frame->node, type = frame->type, body = Bytes(frame->body)] {
                    handle(state::FromPeer{node, type, body});
                });
        else
            later_.push_back([this, input] { handle(input); });
        return;
    }
    busy_ = true;
    std::vector<state::Output> outputs;
    state_.handle(input, loop_.now(), outputs);
    for (state::Output& output : outputs) perform(output);
    busy_ = false;
    for (auto& next : std::exchange(later_, {})) next();
    arm();
}

void SharedState::perform(state::Output& output) {
    if (const auto* spread = std::get_if<state::Spread>(&output)) {
        const Place place = engine_.state_message(spread->entry);
        last_entry_ = place.seq;
    } else if (auto* send = std::get_if<state::SendPeer>(&output)) {
        if (mesh_ != nullptr) mesh_->send(send->to, send->type, std::move(send->body));
    } else if (auto* keep = std::get_if<state::Persist>(&output)) {
        engine_.ride_along({std::string(kSpace), "i" + keep->key, std::move(keep->record)});
    } else if (const auto* changed = std::get_if<state::Changed>(&output)) {
        const auto found = listeners_.find(changed->item.kind);
        if (found == listeners_.end()) return;
        for (const Listener& listener : found->second) listener(changed->item, changed->local);
    } else if (auto* written = std::get_if<state::Written>(&output)) {
        auto reply = waiting_.extract(written->id);
        if (!reply.empty()) reply.mapped()(std::move(written->item));
    } else if (const auto* sync = std::get_if<state::InSync>(&output)) {
        Bytes at;
        put_le(at, sync->at);
        engine_.ride_along({std::string(kSpace), std::string(kInSync), std::move(at)});
        if (in_sync_listener_) in_sync_listener_();
    } else if (const auto* notice = std::get_if<state::Notice>(&output)) {
        log::warn("state", notice->what,
                  {{"peer", notice->peer == NodeId{} ? "" : notice->peer.text()},
                   {"detail", notice->detail}});
    }
}

void SharedState::arm() {
    const Instant due = state_.due();
    if (due == Instant::max() || (armed_ && armed_at_ <= due)) return;
    armed_ = true;
    armed_at_ = due;
    loop_.after(std::max<Duration>(due - loop_.now().mono, 0ns), [this, due] {
        if (!armed_ || armed_at_ != due) return;
        armed_ = false;
        handle(state::Tick{});
    });
}

}  // namespace anode::app
