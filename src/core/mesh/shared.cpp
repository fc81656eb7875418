#include "core/mesh/shared.hpp"

namespace anode::mesh {
namespace {

constexpr Duration kSmallChange = 1s;

bool carries_payload(const frames::Frame& frame) {
    return std::holds_alternative<frames::Data>(frame) ||
           std::holds_alternative<frames::Chunk>(frame);
}

}  // namespace

void Shared::send(Link& link, const frames::Frame& frame, const WirePtr& tail) {
    if (link.state == Link::State::Closing || link.state == Link::State::Dialling) return;
    scratch_.clear();
    frames::encode(frame, scratch_, tail != nullptr);
    const std::size_t bytes = scratch_.size() + (tail ? tail->size() : 0);
    out->push(Send{link.id, out->store(scratch_), tail});
    link.unsent += bytes;
    link.bytes_out += bytes;
    counters.bytes_out += bytes;
    (carries_payload(frame) ? counters.payload_out : counters.control_out) += bytes;
    const bool main_full = link.purpose == Purpose::Main && !carries_payload(frame) &&
                           link.unsent > config.control_max + config.frame_max;
    if (!main_full && link.unsent <= config.control_max + config.bulk_frame_max) return;
    link.choked = true;
    links.touch();
}

frames::Alias Shared::alias(Link& link, LogEntry& entry) {
    Edge& edge = link.edge(entry.number);
    if (!edge.defined) {
        edge.defined = true;
        send(link, frames::LogDef{entry.number, entry.log()});
    }
    return entry.number;
}

void Shared::notice(Notice::Level level, std::string_view what, const NodeId& peer,
                    std::string detail) {
    out->push(Notice{level, what, peer, std::move(detail)});
}

bool Shared::blame(const NodeId& peer, std::string_view name, Fault fault, std::string_view what) {
    return faults.note(peer, is_member(peer), name, fault, what, now.mono);
}

bool Shared::room_for(const LogKey& log) {
    if (logs.size() < config.logs_max / 2) return true;
    if (logs.size() >= config.logs_max) return false;
    const Link* link = links.main_of(log.node);
    return link != nullptr ? link->epoch == log.epoch : is_member(log.node);
}

LoadId Shared::load(const LogKey& log, SeqRange range, std::size_t bytes_max) {
    const LoadId id{++last_load};
    out->push(Load{id, log, range, bytes_max});
    return id;
}

void Shared::set_state(Link& link, Link::State state, Duration at_most) {
    links.touch();
    link.state = state;
    link.since = now.mono;
    link.state_until = at_most == Duration::max() ? kNever : now.mono + at_most;
}

void Shared::give_credit(Link& link, bool all) {
    const auto flush = [&](std::size_t& owed, std::uint8_t kind, std::size_t window) {
        if (owed == 0 || (!all && owed < window / 8)) return;
        send(link, frames::Credit{kind, static_cast<std::uint32_t>(owed)});
        owed = 0;
    };
    if (all) link.owed_at = kNever;
    flush(link.owed, 1, config.live_window);
    flush(link.bulk_owed, 2, config.bulk_window);
    // Small change is given back as well, with the next frame that goes there anyway or within a second: a sender that hears
    // nothing for long takes the link for broken.
    if (link.owed + link.bulk_owed > 0 && link.owed_at == kNever)
        link.owed_at = now.mono + kSmallChange;
}

}  // namespace anode::mesh
