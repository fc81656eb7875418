#include "sim/whole_node.hpp"

#include <algorithm>
#include <charconv>

#include "base/hash.hpp"
#include "base/varint.hpp"
#include "core/message/block.hpp"

namespace anode::sim {
namespace {

using membership::NodeMeta;

constexpr Duration kBeat = 1s, kPump = 500ms, kPatience = 5s;
constexpr std::uint64_t kItemsAtOnce = 50, kRewind = 5;
constexpr std::string_view kStateTopic = "$state", kRecord = "state/", kInSync = "in-sync";
constexpr std::uint8_t kStateFirst = 40, kStateLast = 42, kOwnersFirst = 50, kOwnersLast = 52;

std::optional<std::uint64_t> number_of(BytesView text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

Hash128 content_id(const std::string& source, std::uint64_t item) {
    return hash128(source + "/" + std::to_string(item));
}

Bytes card_of(const WholeNode::Options& options, bool draining) {
    NodeMeta meta;
    meta.node = options.mesh.config.node;
    meta.epoch = options.mesh.config.epoch;
    meta.data_port = options.data.port;
    meta.capabilities = NodeMeta::kData | (options.gossip.fast.on ? NodeMeta::kFast : 0);
    meta.zone = options.mesh.config.zone;
    if (draining) meta.flags |= NodeMeta::kDraining;
    return meta.encode();
}

membership::Config with_card(const WholeNode::Options& options) {
    membership::Config config = options.gossip;
    config.name = options.mesh.config.node.text();
    config.meta = card_of(options, false);
    return config;
}

}  // namespace

/// The system calls of a machine that shares its process: each has streams of its own, told apart by their numbers.
class WholeNode::Door final : public Kernel {
public:
    Door(Kernel& kernel, bool mesh) : kernel_(kernel), mesh_(mesh) {}
    static bool is_mesh(StreamNumber stream) noexcept { return (stream & 3) == 2; }
    static StreamNumber inner(StreamNumber stream) noexcept {
        if ((stream & 1) != 0) return stream;
        return is_mesh(stream) ? (stream - 2) / 2 : stream / 2;
    }
    [[nodiscard]] StreamNumber outer(StreamNumber stream) const noexcept {
        if ((stream & 1) != 0) return stream;
        return mesh_ ? stream * 2 + 2 : stream * 2;
    }
    void send(const Address& to, BytesView datagram) override { kernel_.send(to, datagram); }
    void dial(StreamNumber stream, const Address& to, Duration timeout) override {
        kernel_.dial(outer(stream), to, timeout);
    }
    void write(StreamNumber stream, BytesView bytes) override {
        kernel_.write(outer(stream), bytes);
    }
    void close(StreamNumber stream) override { kernel_.close(outer(stream)); }
    void resolve(const std::string& contact) override { kernel_.resolve(contact); }
    void misuse(std::string what) override { kernel_.misuse(std::move(what)); }

private:
    Kernel& kernel_;
    bool mesh_;
};

WholeNode::WholeNode(Options options, Disk& disk, NodeWatcher& watcher)
    : options_(std::move(options)),
      disk_(disk),
      watcher_(watcher),
      member_(with_card(options_), options_.keys, hash64("members", options_.mesh.seed),
              options_.names, [this](const membership::Output& output) { on_member(output); }),
      mesh_(options_.mesh, disk,
            [this](const mesh::Output& output, const mesh::Outbox& outbox) {
                on_mesh(output, outbox);
            }),
      state_(options_.mesh.config.node),
      owners_(options_.mesh.config.node, options_.mesh.config.epoch, options_.mesh.config.zone,
              Rng(hash64("owners", options_.mesh.seed)), {.warm_up = 3s}),
      watch_(options_.mesh.config.node) {}

Instant WholeNode::due() const noexcept {
    Instant due = std::min({member_.due(), mesh_.due(), state_.due(), owners_.due(), beat_});
    if (!running_.empty()) due = std::min(due, pump_);
    if (leaves_) due = std::min(due, *leaves_);
    return due;
}

void WholeNode::handle(const Happening& happening, Instant now, Kernel& kernel) {
    now_ = now;
    kernel_ = &kernel;
    if (std::holds_alternative<Started>(happening)) {
        started_ = beat_ = pump_ = now;
        to_mesh(happening, now, kernel);
        restore();
        if (options_.alone) {
            warm_ = true;
            to_owners(ownership::WarmedUp{});
        }
        to_member(happening, now, kernel);
        defer([this] { declare(); });
    } else if (std::holds_alternative<Woken>(happening)) {
        if (member_.due() <= now) to_member(happening, now, kernel);
        if (mesh_.due() <= now) to_mesh(happening, now, kernel);
        own_timers();
    } else if (const auto* opened = std::get_if<GotStream>(&happening)) {
        const bool accepted = (opened->stream & 1) != 0;
        if (accepted && opened->to.port == options_.data.port) of_mesh_.insert(opened->stream);
        const bool mesh =
            accepted ? of_mesh_.contains(opened->stream) : Door::is_mesh(opened->stream);
        const GotStream inner{Door::inner(opened->stream), opened->from, opened->to};
        mesh ? to_mesh(inner, now, kernel) : to_member(inner, now, kernel);
    } else if (const auto* bytes = std::get_if<GotBytes>(&happening)) {
        const GotBytes inner{Door::inner(bytes->stream), bytes->bytes};
        of_mesh_.contains(bytes->stream) || Door::is_mesh(bytes->stream)
            ? to_mesh(inner, now, kernel)
            : to_member(inner, now, kernel);
    } else if (const auto* lost = std::get_if<LostStream>(&happening)) {
        const LostStream inner{Door::inner(lost->stream), lost->refused};
        of_mesh_.erase(lost->stream) > 0 || Door::is_mesh(lost->stream)
            ? to_mesh(inner, now, kernel)
            : to_member(inner, now, kernel);
    } else {
        to_member(happening, now, kernel);
    }
    drain(now, kernel);
}

void WholeNode::to_member(const Happening& happening, Instant now, Kernel& kernel) {
    Door door(kernel, false);
    member_.handle(happening, now, door);
}

void WholeNode::to_mesh(const Happening& happening, Instant now, Kernel& kernel) {
    Door door(kernel, true);
    mesh_.handle(happening, now, door);
}

void WholeNode::use_mesh(const std::function<void(MeshNode&, Instant, Kernel&)>& use, Instant now,
                         Kernel& kernel) {
    now_ = now;
    kernel_ = &kernel;
    Door door(kernel, true);
    use(mesh_, now, door);
    drain(now, kernel);
}

void WholeNode::write(state::Write wish, Instant now, Kernel& kernel) {
    now_ = now;
    kernel_ = &kernel;
    wish.id = next_write_++;
    to_state(wish);
    drain(now, kernel);
}

void WholeNode::leave(Instant now, Kernel& kernel) {
    now_ = now;
    kernel_ = &kernel;
    leaves_ = now + kPatience;
    Door door(kernel, false);
    member_.wish(membership::SetMeta{card_of(options_, true)}, now, door);
    to_owners(ownership::DrainSelf{true});
    drain(now, kernel);
}

void WholeNode::drain(Instant now, Kernel& kernel) {
    for (unsigned count = 0; !tasks_.empty(); ++count) {
        if (count > 100'000) return kernel.misuse("node: work without end");
        const auto task = std::move(tasks_.front());
        tasks_.pop_front();
        task();
    }
    static_cast<void>(now);
    kernel_ = nullptr;
}

// -- membership and mesh ---------------------------------------------------------------------------

void WholeNode::on_member(const membership::Output& output) {
    const auto* changed = std::get_if<membership::MemberChanged>(&output);
    if (changed == nullptr) return;
    const auto meta = NodeMeta::decode(changed->member.meta);
    if (!meta || (meta->capabilities & NodeMeta::kData) == 0 ||
        meta->node == options_.mesh.config.node)
        return;
    defer([this, meta = *meta, changed = *changed] {
        tell_mesh(mesh_input(meta, meta.node.text(), changed));
        OwnerWatch::Inputs inputs;
        watch_.member(meta, meta.node.text(), changed.change, changed.member.state, inputs);
        to_owners(inputs);
    });
}

void WholeNode::tell_mesh(const mesh::Input& input) {
    Door door(*kernel_, true);
    mesh_.tell(input, now_, door);
}

void WholeNode::on_mesh(const mesh::Output& output, const mesh::Outbox& outbox) {
    watcher_.told(output);
    if (const auto* deliver = std::get_if<mesh::Deliver>(&output)) {
        defer([this, deliver = *deliver] { remember(deliver.log, deliver.block, true); });
    } else if (const auto* up = std::get_if<mesh::PeerUp>(&output)) {
        defer([this, node = up->node] {
            to_state(state::PeerUp{node});
            OwnerWatch::Inputs inputs;
            watch_.link_up(node, inputs);
            to_owners(inputs);
        });
    } else if (const auto* down = std::get_if<mesh::PeerDown>(&output)) {
        defer([this, node = down->node, end = down->end] {
            if (end != mesh::LinkEnd::Untrusted) {
                Door door(*kernel_, false);
                member_.wish(membership::LinkLost{node.text()}, now_, door);
            }
            to_state(state::PeerDown{node});
            OwnerWatch::Inputs inputs;
            watch_.link_down(node, end, inputs);
            to_owners(inputs);
        });
    } else if (const auto* frame = std::get_if<mesh::FromPeer>(&output)) {
        defer([this, from = frame->from, type = frame->type,
               body = Bytes(outbox.bytes(frame->body))] {
            if (type >= kStateFirst && type <= kStateLast)
                to_state(state::FromPeer{from, type, body});
            else if (type >= kOwnersFirst && type <= kOwnersLast)
                to_owners(ownership::FromPeer{from, type, body});
        });
    }
}

/// Looks at each entry once, as the engine does: what it is for, what it repeats, where its source stands.
void WholeNode::remember(const LogKey& log, const mesh::WireBlock& wire, bool show) {
    const auto block = decode_block(log, *wire.wire, Arrival{});
    if (!block)
        return kernel_->misuse("node: a block that cannot be read: " +
                               std::string(block.error().what));
    for (std::uint32_t i = 0; i < (*block)->count(); ++i) {
        const Entry entry = (*block)->entry(i);
        if (log.lane == kSystemLane && entry.topic == kStateTopic) {
            if (show) to_state(state::Arrived{entry.payload});
            continue;
        }
        const auto item = number_of(entry.source_position);
        if (!item || !entry.cid) continue;
        const std::string source(entry.source);
        Position& known = positions_[source];
        if (entry.hlc >= known.at) known = {entry.hlc, *item};
        if (show && !contents_.repeats(source, *entry.cid)) watcher_.shown(source, *item);
    }
}

void WholeNode::publish(Lane lane, std::span<const Draft> drafts) {
    Door door(*kernel_, true);
    watcher_.sealed(mesh_.log(lane), mesh_.publish(lane, drafts, now_, door));
}

// -- the small state -------------------------------------------------------------------------------

void WholeNode::restore() {
    for (const auto& [log, blocks] : disk_.logs)
        for (const auto& [first, block] : blocks)
            if (log.lane != kSystemLane) remember(log, block, false);
    state::Restore restore;
    for (const auto& [key, record] : disk_.records) {
        if (!key.starts_with(kRecord)) continue;
        if (key.substr(kRecord.size()) == kInSync) {
            ByteReader in(record);
            restore.in_sync_at = in.le<WallTime>().value_or(0);
        } else {
            restore.records.push_back(record);
        }
    }
    to_state(restore);
}

void WholeNode::to_state(const state::Input& input) {
    std::vector<state::Output> outputs;
    state_.handle(input, {now_, mesh_.wall(now_)}, outputs);
    for (state::Output& output : outputs) perform(output);
}

void WholeNode::perform(state::Output& output) {
    if (auto* spread = std::get_if<state::Spread>(&output)) {
        defer([this, entry = std::move(spread->entry)] {
            Draft draft;
            draft.topic = kStateTopic;
            draft.source = "system";
            draft.payload = entry;
            draft.content_type = "application/octet-stream";
            publish(kSystemLane, {&draft, 1});
        });
    } else if (auto* send = std::get_if<state::SendPeer>(&output)) {
        defer([this, frame = std::move(*send)] {
            tell_mesh(mesh::SendPeer{frame.to, frame.type, frame.body});
        });
    } else if (auto* keep = std::get_if<state::Persist>(&output)) {
        mesh_.keep(std::string(kRecord) + "i" + keep->key, std::move(keep->record));
    } else if (const auto* sync = std::get_if<state::InSync>(&output)) {
        Bytes at;
        put_le(at, sync->at);
        mesh_.keep(std::string(kRecord) + std::string(kInSync), std::move(at));
        watch_.in_sync();
    } else if (auto* changed = std::get_if<state::Changed>(&output)) {
        watcher_.changed(changed->item);
        defer([this, item = std::move(changed->item)] { on_changed(item); });
    }
}

void WholeNode::on_changed(const state::Item& item) {
    if (item.kind == "source") return tell_sources();
    if (item.kind != "owner" || !item.value) return;
    if (const auto claim = ownership::Claim::decode(item.key, *item.value))
        to_owners(ownership::Claimed{*claim});
}

void WholeNode::tell_sources() {
    ownership::Sources sources;
    for (const state::Item* item : state_.all("source"))
        sources.all.push_back({.name = item->key, .enabled = *item->value != "off"});
    to_owners(sources);
}

/// Every node's configuration declares the same sources.
void WholeNode::declare() {
    for (const std::string& source : options_.sources)
        if (state_.find("source", source) == nullptr)
            to_state(state::Write{next_write_++, "source", source, Bytes("on"), false, Bytes()});
}

// -- ownership -------------------------------------------------------------------------------------

void WholeNode::to_owners(const OwnerWatch::Inputs& inputs) {
    for (const ownership::Input& input : inputs) to_owners(input);
}

void WholeNode::to_owners(const ownership::Input& input) {
    std::vector<ownership::Output> outputs;
    owners_.handle(input, now_, outputs);
    tell_own_apart(options_.mesh.config.node, outputs);
    for (const ownership::Output& output : outputs) perform(output);
}

void WholeNode::perform(const ownership::Output& output) {
    if (const auto* propose = std::get_if<ownership::Propose>(&output)) {
        defer([this, claim = propose->claim] {
            if (claim.released && state_.find("source", claim.source) == nullptr) return;
            to_state(state::Write{next_write_++, "owner", claim.source, claim.encode(), false, {}});
        });
    } else if (const auto* prepare = std::get_if<ownership::Prepare>(&output)) {
        defer([this, source = prepare->source] { to_owners(ownership::Prepared{source}); });
    } else if (const auto* how = std::get_if<ownership::Run>(&output)) {
        run(*how);
    } else if (const auto* stop = std::get_if<ownership::Stop>(&output)) {
        const auto ran = running_.extract(stop->source);
        watcher_.moved("stops " + stop->source + " " + std::string(name_of(stop->why)));
        defer([this, source = stop->source,
               position = ran.empty() ? Bytes() : Bytes(std::to_string(ran.mapped()))] {
            to_owners(ownership::Stopped{source, position});
        });
    } else if (const auto* send = std::get_if<ownership::SendPeer>(&output)) {
        defer(
            [this, frame = *send] { tell_mesh(mesh::SendPeer{frame.to, frame.type, frame.body}); });
    } else if (std::holds_alternative<ownership::HandedOverAll>(output)) {
        if (leaves_) leaves_ = now_;
    }
}

/// The place of a hand-over is exact; otherwise the newest that we know of, less some that may have been lost.
void WholeNode::run(const ownership::Run& how) {
    const std::uint64_t known = positions_[how.source].item;
    std::uint64_t from = known - std::min(known, kRewind);
    if (how.position && !how.position->empty())
        if (const auto exact = number_of(*how.position)) from = *exact;
    running_.try_emplace(how.source, from);
    pump_ = std::min(pump_, now_ + kPump);
    watcher_.moved("runs " + how.source + " from " + std::to_string(from) + " in term " +
                   std::to_string(how.term) + (how.takeover ? ", taken over" : ""));
}

void WholeNode::own_timers() {
    if (state_.due() <= now_) to_state(state::Tick{});
    if (owners_.due() <= now_) to_owners(ownership::Tick{});
    if (beat_ <= now_) {
        beat_ = now_ + kBeat;
        to_owners(ownership::Tick{});
        if (!warm_ && watch_.warmth(now_ - started_) != OwnerWatch::Warmth::Cold) {
            warm_ = true;
            to_owners(ownership::WarmedUp{});
        }
    }
    if (leaves_ && *leaves_ <= now_) {
        leaves_.reset();
        tell_mesh(mesh::Drain{true});
        Door door(*kernel_, false);
        member_.wish(membership::Leave{}, now_, door);
    }
    if (pump_ <= now_ && !running_.empty()) pump();
}

/// What the feeds have that we did not bring yet goes into one block; our own listeners see it too.
void WholeNode::pump() {
    pump_ = now_ + kPump;
    struct Fresh {
        std::string source, position, payload;
        std::uint64_t item;
    };
    std::vector<Fresh> fresh;
    for (auto& [source, last] : running_) {
        const std::uint64_t newest = std::min(watcher_.newest(source), last + kItemsAtOnce);
        for (std::uint64_t item = last + 1; item <= newest; ++item) {
            const std::string number = std::to_string(item);
            fresh.push_back({source, number, "{\"item\":" + number + "}", item});
        }
        last = std::max(last, newest);
    }
    std::vector<Draft> drafts;
    std::vector<const Fresh*> taken;
    for (const Fresh& one : fresh) {
        const Hash128 cid = content_id(one.source, one.item);
        // What another node brought already is not published again.
        if (contents_.repeats(one.source, cid)) continue;
        Draft& draft = drafts.emplace_back();
        draft.topic = draft.source = one.source;
        draft.payload = one.payload;
        draft.source_position = one.position;
        draft.cid = cid;
        taken.push_back(&one);
    }
    if (drafts.empty()) return;
    const Seq first = mesh_.sealed(kDataLane) + 1;
    for (std::size_t i = 0; i < taken.size(); ++i)
        watcher_.published(taken[i]->source, taken[i]->item, first + i);
    publish(kDataLane, drafts);
    for (const Fresh* one : taken) {
        Position& known = positions_[one->source];
        known = {std::max(known.at, Hlc::at(mesh_.wall(now_))), one->item};
        watcher_.shown(one->source, one->item);
    }
}

}  // namespace anode::sim
