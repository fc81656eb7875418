#include "core/mesh/mesh.hpp"

#include <algorithm>

#include "core/mesh/parts.hpp"

/// The door: inputs go to the parts they concern; timers follow every step; what was gathered goes out at its end.
namespace anode::mesh {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
    using Fs::operator()...;
};

}  // namespace

Mesh::Mesh(Config config, Rng rng) : parts_(std::make_unique<Parts>(std::move(config), rng)) {}
Mesh::~Mesh() = default;

void Mesh::handle(const Input& input, Now now, Outbox& out) {
    parts_->shared.now = now;
    parts_->shared.out = &out;
    parts_->handle(input);
    parts_->finish();
    parts_->shared.out = nullptr;
    parts_->due_known = false;
}

Instant Mesh::due() const noexcept {
    // Nothing moves it but a step.
    if (!parts_->due_known) parts_->due_at = parts_->due();
    parts_->due_known = true;
    return parts_->due_at;
}

Mesh::Parts::Parts(Config config, Rng rng)
    : shared(std::move(config), rng),
      repair(shared, *this),
      links(shared, *this),
      streams(shared),
      digests(shared),
      delivery(shared, repair),
      trees(shared, streams, digests, delivery, links),
      copies(shared),
      spread(shared),
      retirement(shared, trees) {}

void Mesh::Parts::handle(const Input& input) {
    std::visit(Overloaded{
                   [&](const Start& in) { start(in); },
                   [&](const Tick&) { tick(); },
                   [&](const PeersKnown& in) { links.neighbours().known(in); },
                   [&](const PeerSeen& in) { links.neighbours().seen(in.peer); },
                   [&](const PeerGone& in) { links.neighbours().gone(in.node); },
                   [&](const LinkOpened& in) { links.opened(in.id, in.identity); },
                   [&](const LinkBytes& in) { on_bytes(in); },
                   [&](const LinkRoom& in) {
                       Link* link = shared.links.find(in.id);
                       if (link == nullptr || link->state == Link::State::Closing) return;
                       link->unsent = in.unsent;
                       streams.pump(*link);
                       if (link->purpose != Purpose::Main && link->ready()) repair.on_room(*link);
                   },
                   [&](const LinkClosed& in) { links.closed(in); },
                   [&](const Sealed& in) { on_sealed(in); },
                   [&](const Stored& in) { on_stored(in); },
                   [&](const Unreadable& in) { on_unreadable(in); },
                   [&](const Retained& in) {
                       if (LogEntry* entry = shared.logs.find(in.log))
                           entry->state.set_lowest(in.lowest);
                   },
                   [&](const Loaded& in) {
                       if (!streams.on_loaded(in)) (void)repair.on_loaded(in);
                   },
                   [&](const AwaitCopies& in) { copies.await(in); },
                   [&](const SendPeer& in) { send_peer(in); },
                   [&](const Pressure& in) { shared.pressed = in.on; },
                   [&](const Drain& in) {
                       links.drain(in.on);
                       if (in.on) trees.drain();
                   },
                   [&](const Blame& in) {
                       if (shared.blame(in.peer, {}, in.fault, in.what))
                           shared.notice(Notice::Level::Warn, in.what, in.peer, in.detail);
                   },
               },
               input);
}

void Mesh::Parts::start(const Start& start) {
    for (const KnownLog& known : start.logs) trees.know(known);
    trees.open_own({shared.config.node, shared.config.epoch, kSystemLane});
    trees.open_own({shared.config.node, shared.config.epoch, kDataLane});
    for (const auto& [log, entry] : shared.logs.all())
        for (const SeqRange& hole : entry->state.missing()) repair.on_gap(*entry, hole);
}

void Mesh::Parts::tick() {
    links.tick();
    trees.tick();
    digests.tick();
    copies.tick();
    spread.tick();
    repair.tick();
    retirement.tick();
}

void Mesh::Parts::finish() {
    trees.flush();
    digests.flush();
    delivery.flush();
    links.sweep();
}

Instant Mesh::Parts::due() const {
    return std::min({links.due(), trees.due(), digests.due(), copies.due(), spread.due(),
                     repair.due(), retirement.due()});
}

void Mesh::Parts::on_bytes(const LinkBytes& bytes) {
    Link* link = shared.links.find(bytes.id);
    if (link == nullptr || link->state == Link::State::Closing) return;
    link->heard_at = shared.now.mono;
    link->bytes_in += bytes.bytes.size();
    shared.counters.bytes_in += bytes.bytes.size();
    link->reader.add(bytes.bytes);
    while (link->state != Link::State::Closing) {
        const std::size_t held = link->reader.held();
        const auto frame = link->reader.next();
        if (!frame)
            return links.accuse(*link, frame.error().code == Errc::TooLarge ? 4 : 1, frame.error());
        const std::size_t taken = held - link->reader.held();
        if (taken != 0) charge(*link, taken, *frame);
        if (!*frame || link->state == Link::State::Closing) break;
        on_frame(*link, **frame);
    }
    if (link->ready()) shared.give_credit(*link, false);
}

void Mesh::Parts::on_sealed(const Sealed& sealed) {
    trees.on_sealed(sealed);
    if (const LogEntry* entry = shared.logs.find(sealed.log)) spread.sealed(*entry, sealed.block);
}

void Mesh::Parts::on_stored(const Stored& stored) {
    LogEntry* entry = shared.logs.find(stored.log);
    if (entry == nullptr || stored.upto <= entry->state.durable()) return;
    const Seq durable = entry->state.durable();
    entry->state.set_durable(stored.upto);
    if (entry->own())
        copies.check(*entry);
    else  // at once if a publisher waits for it there
        digests.acknowledge(*entry, stored.log.lane == kSystemLane || entry->ack_asked > durable);
}

/// Had on the word of a checksum, and not had after all. Somebody else may hold it as it was meant.
void Mesh::Parts::on_unreadable(const Unreadable& bad) {
    LogEntry* entry = shared.logs.find(bad.log);
    if (entry == nullptr || entry->own()) return;
    shared.counters.unreadable += delivery.lose(*entry, bad.range);
    repair.on_unreadable(*entry, bad.range, bad.from);
}

void Mesh::Parts::send_peer(const SendPeer& message) {
    const auto first = static_cast<std::uint8_t>(frames::Type::PassFirst);
    const auto last = static_cast<std::uint8_t>(frames::Type::PassLast);
    Link* link = shared.links.main_of(message.to);
    // Whoever sends hears PeerDown when the link goes, and begins anew at PeerUp.
    if (link == nullptr || message.type < first || message.type > last) {
        ++shared.counters.refused;
        return;
    }
    shared.send(*link, frames::Pass{message.type, message.body});
}

void Mesh::Parts::link_sync(Link& link) {
    if (link.purpose != Purpose::Main) return repair.on_link_ready(link);
    repair.on_link_sync(link);
    trees.link_sync(link);
}

void Mesh::Parts::link_up(Link& link) { trees.link_up(link); }

void Mesh::Parts::link_down(Link& link) {
    if (link.purpose == Purpose::Main) trees.link_down(link);
    repair.on_link_lost(link);
}

void Mesh::Parts::heard(Link& link, const LogKey& log, Seq head) {
    Heard what;
    what.head = head;
    trees.heard(link, log, what);
}

std::optional<LinkId> Mesh::Parts::dial(const NodeId& peer, Purpose purpose) {
    return links.dial(peer, purpose);
}

void Mesh::Parts::hang_up(Link& link) { links.hang_up(link, 3, "done"); }

void Mesh::Parts::accuse(Link& link, std::uint16_t code, const Error& error) {
    links.accuse(link, code, error);
}

bool Mesh::Parts::fill(LogEntry& entry, WireBlock block, const NodeId& from) {
    const Seq head = entry.state.head();
    const bool fresh = delivery.take(entry, std::move(block), from, 0, true);
    // Repair may bring more than the live path has so far: it counts as head like any other.
    if (entry.state.head() > head) {
        trees.begins(entry);
        digests.mark(entry);
        streams.grew(entry, kNoLink);
    }
    return fresh;
}

void Mesh::Parts::give_up(LogEntry& entry, SeqRange range, Skip why) {
    delivery.give_up(entry, range, why);
}

bool Mesh::Parts::live_lags() const { return streams.worst_wait() > 20ms; }

std::string Mesh::Parts::unrest() const {
    std::string text;
    if (!links.neighbours().complete()) text += " neighbours are missing,";
    for (const auto& [log, entry] : shared.logs.all())
        if (const auto why = trees.unrest(*entry); !why.empty())
            text += " " + log.node.text() + "@" + std::to_string(log.epoch.value) + "/" +
                    std::to_string(log.lane) + " at " + std::to_string(entry->state.head()) + ": " +
                    std::string(why) + ",";
    return text + repair.unrest();
}

bool Mesh::Parts::settled() const {
    if (!links.neighbours().complete()) return false;
    for (const auto& [log, entry] : shared.logs.all())
        if (!trees.settled(*entry)) return false;
    return repair.settled();
}

}  // namespace anode::mesh
