#include "app/cluster/owners.hpp"

#include <algorithm>
#include <utility>

#include "app/cluster/card.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "runtime/random.hpp"

namespace anode::app {
namespace {

using membership::MemberState;
using ownership::Standing;

constexpr std::string_view kLog = "owners";
constexpr Duration kJoinLook = 50ms, kJoinMax = 2s, kQuiet = 500ms, kQuietMax = 5s, kWarmMax = 30s;
constexpr Duration kBeat = 1s;

Standing standing_of(const membership::MemberChanged& changed) {
    if (changed.change == membership::Change::Forgotten) return Standing::Left;
    switch (changed.member.state) {
        case MemberState::Alive:
            return Standing::Alive;
        case MemberState::Suspect:
            return Standing::Suspect;
        case MemberState::Dead:
            return Standing::Dead;
        case MemberState::Left:
            return Standing::Left;
    }
    return Standing::Left;
}

bool lives(Standing standing) {
    return standing == Standing::Alive || standing == Standing::Suspect;
}

std::string id_text(const NodeId& node) { return node == NodeId{} ? std::string() : node.text(); }

}  // namespace

Owners::Owners(World world)
    : world_(std::move(world)),
      machine_(world_.self, world_.epoch, world_.zone, seeded_rng(), world_.timing) {}

void Owners::start(bool alone) {
    started_at_ = world_.loop.now().mono;
    beat();
    if (alone) {
        joined_ = warm_ = true;
        return handle(ownership::WarmedUp{});
    }
    handle(ownership::Joining{true});
    warm_up();
}

/// The machine's view is as old as its last step.
void Owners::beat() {
    handle(ownership::Tick{});
    world_.loop.after(kBeat, [this] { beat(); });
}

/// A node that knows neither sources nor claims would take what others run already; one that knows only some of the others
/// would take what a moment later belongs to the rest.
void Owners::warm_up() {
    const Instant now = world_.loop.now().mono;
    const Duration waited = now - started_at_;
    const bool agreed =
        in_sync_ && std::ranges::any_of(nodes_, [](const auto& n) { return n.second.linked; });
    if (!joined_ && (agreed || waited >= kJoinMax)) {
        joined_ = true;
        handle(ownership::Joining{false});
    }
    const bool quiet = now - newcomer_at_ >= kQuiet || waited >= kQuietMax;
    const bool nobody = waited >= kJoinMax && others_alive().empty();
    if ((agreed && quiet) || nobody || waited >= kWarmMax) {
        warm_ = true;
        log::info(kLog,
                  agreed   ? "may take sources"
                  : nobody ? "taking sources: no contact has answered"
                           : "taking sources although no other node agreed yet",
                  {});
        return handle(ownership::WarmedUp{});
    }
    world_.loop.after(kJoinLook, [this] { warm_up(); });
}

void Owners::know(std::vector<ownership::SourceFacts> sources) {
    handle(ownership::Sources{std::move(sources)});
}

// -- from the cluster ------------------------------------------------------------------------------

void Owners::member(const membership::MemberChanged& changed) {
    const auto card = Card::decode(changed.member.meta);
    if (!card || (card->meta.capabilities & membership::NodeMeta::kData) == 0) return;
    const membership::NodeMeta& meta = card->meta;
    if (meta.node == world_.self) return;
    const auto [at, fresh] = nodes_.try_emplace(meta.node);
    if (fresh) newcomer_at_ = world_.loop.now().mono;
    Known& known = at->second;
    known.name = card->name;
    known.facts.node = meta.node;
    known.facts.epoch = meta.epoch;
    known.facts.zone = meta.zone;
    known.facts.weight = meta.weight;
    known.facts.draining = (meta.flags & membership::NodeMeta::kDraining) != 0;
    known.facts.standing = standing_of(changed);
    handle(ownership::NodeSeen{known.facts});
    judge(known);
    look_around();
    if (changed.change == membership::Change::Forgotten) nodes_.erase(meta.node);
}

void Owners::link_up(const NodeId& node) {
    Known& known = nodes_[node];
    known.facts.node = node;
    known.linked = true;
    known.lost = false;
    judge(known);
    look_around();
}

void Owners::link_down(const NodeId& node, mesh::LinkEnd end) {
    Known& known = nodes_[node];
    known.facts.node = node;
    known.linked = false;
    known.lost = end == mesh::LinkEnd::Closed || end == mesh::LinkEnd::Reset ||
                 end == mesh::LinkEnd::Refused;
    judge(known);
    look_around();
}

/// Two witnesses make a doubt: its link ended as a dead process's does, and membership could not reach it.
void Owners::judge(const Known& known) {
    if (known.lost && known.facts.standing == Standing::Suspect)
        handle(ownership::InDoubt{known.facts.node});
    else
        handle(ownership::DoubtOver{known.facts.node});
}

void Owners::look_around() {
    bool others = false, linked = false;
    for (const auto& [id, known] : nodes_) {
        others |= lives(known.facts.standing) && known.facts.epoch != Epoch{};
        linked |= known.linked;
    }
    const bool isolated = others && !linked;
    if (std::exchange(isolated_, isolated) != isolated) handle(ownership::Isolated{isolated});
}

void Owners::in_sync() { in_sync_ = true; }

void Owners::from_peer(const NodeId& node, std::uint8_t type, BytesView body) {
    handle(ownership::FromPeer{node, type, body});
}

void Owners::hand_over_all(Duration patience, std::move_only_function<void()> done) {
    auto once = std::make_shared<std::move_only_function<void()>>(std::move(done));
    const auto call = [once] {
        if (auto waiting = std::exchange(*once, nullptr)) waiting();
    };
    drained_.emplace_back(call);
    world_.loop.after(patience, call);
    handle(ownership::DrainSelf{false});  // a drain that came before has told already
    handle(ownership::DrainSelf{true});
}

// -- the machine -----------------------------------------------------------------------------------

void Owners::handle(const ownership::Input& input) {
    if (busy_) {
        // Views end with the call: what waits keeps its own bytes.
        if (const auto* frame = std::get_if<ownership::FromPeer>(&input))
            later_.emplace_back(
                [this, node = frame->node, type = frame->type, body = Bytes(frame->body)] {
                    handle(ownership::FromPeer{node, type, body});
                });
        else
            later_.emplace_back([this, input] { handle(input); });
        return;
    }
    busy_ = true;
    std::vector<ownership::Output> outputs;
    machine_.handle(input, world_.loop.now().mono, outputs);
    tell_own_apart(outputs);
    for (ownership::Output& output : outputs) perform(output);
    busy_ = false;
    for (auto& next : std::exchange(later_, {})) next();
    arm();
}

/// What an earlier run of ours held is no take-over for the sources: nobody else brought anything meanwhile.
void Owners::tell_own_apart(std::vector<ownership::Output>& outputs) const {
    for (std::size_t i = 0; i + 1 < outputs.size(); ++i) {
        auto* run = std::get_if<ownership::Run>(&outputs[i]);
        const auto* move = std::get_if<ownership::Moved>(&outputs[i + 1]);
        if (run != nullptr && move != nullptr && move->source == run->source)
            run->takeover &= move->from != world_.self;
    }
}

void Owners::perform(ownership::Output& output) {
    if (const auto* propose = std::get_if<ownership::Propose>(&output)) {
        world_.propose(propose->claim);
    } else if (const auto* prepare = std::get_if<ownership::Prepare>(&output)) {
        work_.prepare(prepare->source);
    } else if (const auto* run = std::get_if<ownership::Run>(&output)) {
        work_.run(*run);
    } else if (const auto* stop = std::get_if<ownership::Stop>(&output)) {
        work_.stop(stop->source, stop->why);
    } else if (auto* send = std::get_if<ownership::SendPeer>(&output)) {
        world_.send(send->to, send->type, std::move(send->body));
    } else if (const auto* change = std::get_if<ownership::Moved>(&output)) {
        moved(*change);
    } else if (std::holds_alternative<ownership::HandedOverAll>(output)) {
        for (auto& done : std::exchange(drained_, {})) world_.loop.defer(std::move(done));
    }
}

void Owners::moved(const ownership::Moved& change) {
    const std::string from = id_text(change.from), to = id_text(change.to);
    log::info(kLog, "a source moved",
              {{"source", change.source},
               {"from", from},
               {"to", to},
               {"why", change.why},
               {"term", change.term}});
    std::string members = "\"source\":" + text::json_string(change.source) + ",\"owner\":\"" + to +
                          "\",\"owner_before\":\"" + from + "\",\"moved\":\"" +
                          std::string(change.why) + "\",\"term\":";
    text::append_u64(members, change.term);
    world_.ledger.event("source", members);
    world_.metrics
        .counter("anode_source_moves_total", "Sources that changed their node.",
                 {{"why", std::string(change.why)}})
        .add();
    if (change.why != "take-over" || from.empty() || change.from == world_.self) return;
    world_.ledger.gap("source", "take-over",
                      "\"source\":" + text::json_string(change.source) +
                          ",\"cause\":\"take-over\",\"from\":\"" + from + "\",\"to\":\"" + to +
                          "\",\"lost\":null");
}

void Owners::arm() {
    const Instant due = machine_.due();
    if (due == Instant::max() || (armed_ && armed_at_ <= due)) return;
    armed_ = true;
    armed_at_ = due;
    world_.loop.after(std::max<Duration>(due - world_.loop.now().mono, 0ns), [this, due] {
        if (!armed_ || armed_at_ != due) return;
        armed_ = false;
        handle(ownership::Tick{});
    });
}

// -- who is who ------------------------------------------------------------------------------------

std::string Owners::name_of(const NodeId& node) const {
    if (node == world_.self) return world_.name;
    const auto found = nodes_.find(node);
    return found == nodes_.end() ? std::string() : found->second.name;
}

std::optional<NodeId> Owners::find(std::string_view id_or_name) const {
    if (id_or_name == world_.self.text() || id_or_name == world_.name) return world_.self;
    for (const auto& [id, known] : nodes_)
        if (lives(known.facts.standing) && (id_or_name == known.name || id_or_name == id.text()))
            return id;
    return std::nullopt;
}

bool Owners::alive(const NodeId& node) const {
    const auto found = nodes_.find(node);
    return node == world_.self || (found != nodes_.end() && lives(found->second.facts.standing));
}

std::vector<NodeId> Owners::others_alive() const {
    std::vector<NodeId> alive;
    for (const auto& [id, known] : nodes_)
        if (lives(known.facts.standing) && known.facts.epoch != Epoch{}) alive.push_back(id);
    return alive;
}

}  // namespace anode::app
