#include "app/cluster/mesh_node.hpp"

#include <future>
#include <utility>

#include "app/cluster/card.hpp"
#include "app/cluster/key_file.hpp"
#include "base/log.hpp"
#include "core/json/json.hpp"
#include "core/node/foreign_topic.hpp"
#include "runtime/system_secrets.hpp"

namespace anode::app {
namespace {

constexpr std::uint64_t kPressedBytes = 32u << 20, kRelievedBytes = 16u << 20;
constexpr Duration kRetentionWatch = 30s;
constexpr Duration kFutureMax =
    5s;  ///< interfaces, section 16: times of a peer beyond it are not believed
constexpr Duration kEver = 24h * 365 * 100;
constexpr std::size_t kHandInBlocks = 256;
constexpr std::string_view kSpace = "mesh";  ///< of the records that are kept beside logs

Bytes key_of(const LogKey& log) {
    Bytes key;
    log.append_to(key);
    return key;
}

std::string members_of(const LogKey& log, mesh::SeqRange range) {
    Bytes json;
    json::Writer out(json);
    out.begin_object();
    out.member("origin", log.node.text()).member("epoch", std::to_string(log.epoch.value));
    out.member("lane", static_cast<std::uint64_t>(log.lane));
    out.member("from", range.first)
        .member("to", range.last)
        .member("lost", range.last - range.first + 1);
    out.end_object();
    return json.substr(1, json.size() - 2);
}

MeshSecurity security_of(const Config& config, std::vector<Bytes> ring_keys) {
    MeshSecurity security;
    security.cluster = config.text("gossip.cluster");
    if (config.text("mesh.auth") == "certificates") {
        security.mode = MeshSecurity::Mode::Certificates;
        security.ca = config.text("mesh.tls.ca");
        security.cert = config.text("mesh.tls.cert");
    } else {
        security.mode = ring_keys.empty() ? MeshSecurity::Mode::Plain : MeshSecurity::Mode::KeyRing;
        security.keys = std::move(ring_keys);
    }
    return security;
}

}  // namespace

MeshNode::MeshNode(const Identity& identity, World world)
    : self_(identity.node),
      world_(world),
      own_loop_(world.own_thread ? std::make_unique<Loop>(LoopOptions{.name = "mesh"}) : nullptr),
      loop_(own_loop_ ? *own_loop_ : world.engine_loop),
      metrics_(world.metrics) {}

MeshNode::~MeshNode() { end(); }

Result<std::unique_ptr<MeshNode>> MeshNode::open(const Config& config, const Identity& identity,
                                                 std::string name, std::vector<Bytes> ring_keys,
                                                 World world) {
    std::unique_ptr<MeshNode> node(new MeshNode(identity, world));
    MeshOptions options;
    options.config.node = identity.node;
    options.config.epoch = identity.epoch;
    options.config.name = std::move(name);
    options.config.cluster = config.text("gossip.cluster");
    options.config.zone = config.text("node.zone");
    // Rules may keep messages for ever, so no log is too old to be asked for; what retention took is told log by log.
    options.config.horizon = kEver;
    options.listen = config.text("mesh.listen");
    options.security = security_of(config, std::move(ring_keys));
    if (options.security.mode == MeshSecurity::Mode::Certificates) {
        if (!config.given("mesh.tls.key"))
            return fail(Errc::Malformed, "mesh.tls.key: certificates need it");
        auto key = ConfigSecret::read(config, "mesh.tls.key", SystemSecrets());
        if (!key) return std::unexpected(key.error());
        options.security.key = std::move(key->text);
    }
    const auto open_driver = [&] {
        return MeshDriver::open(
            node->loop_, options,
            [self = node.get()](const mesh::Output& output, const mesh::Outbox& outbox) {
                self->on_output(output, outbox);
            });
    };
    auto driver = open_driver();
    if (!driver && driver.error().code == Errc::Exists &&
        config.settings().at("mesh.listen").origin == "default") {
        options.listen =
            "127.0.0.1:0";  // nobody chose the port, and others learn the real one by membership
        driver = open_driver();
    }
    if (!driver)
        return fail(driver.error().code,
                    "mesh.listen = \"" + options.listen + "\": " + driver.error().what);
    node->driver_ = std::move(*driver);
    return node;
}

void MeshNode::start() {
    std::map<LogKey, mesh::KnownLog> known;
    for (LogHolding& holding : world_.store.logs()) {
        mesh::KnownLog& log = known[holding.log];
        log.log = holding.log;
        for (const auto& [first, last] : holding.had) log.have.push_back({first, last});
        log.first_hlc = holding.first_hlc;
        log.last_hlc = holding.last_hlc;
    }
    for (auto& [key, state] : world_.store.records(kSpace))
        if (const auto log = LogKey::from(key)) {
            known[*log].log = *log;
            known[*log].remembered = std::move(state);
        }
    std::vector<mesh::KnownLog> logs;
    for (auto& [key, log] : known) logs.push_back(std::move(log));
    worker_ = std::thread([this] {
        pthread_setname_np(pthread_self(), "mesh-disk");
        work();
    });
    loop_.post([this, logs = std::move(logs)]() mutable {
        driver_->start(std::move(logs));
        look_at_retention();
        count();
    });
    if (own_loop_) own_loop_->start();
}

void MeshNode::end() {
    if (!driver_) return;
    if (!worker_.joinable()) return driver_->close();  // never started, or ended before
    auto closed = std::make_shared<std::promise<void>>();
    const bool runs = loop_.post([this, closed] {
        ended_ = true;
        driver_->close();
        closed->set_value();
    });
    if (runs) closed->get_future().wait();
    if (own_loop_) {
        own_loop_->stop();
        own_loop_->join();
    }
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
        tasks_.clear();
    }
    wakes_.notify_all();
    if (worker_.joinable()) worker_.join();
    driver_->close();
}

// -- from the node ---------------------------------------------------------------------------------

void MeshNode::member(const membership::MemberChanged& changed) {
    using membership::Change;
    using membership::NodeMeta;
    const auto card = Card::decode(changed.member.meta);
    if (!card || (card->meta.capabilities & NodeMeta::kData) == 0 || card->meta.node == self_)
        return;
    if (changed.change == Change::Died || changed.change == Change::Left ||
        changed.change == Change::Forgotten)
        return driver_->post(
            mesh::PeerGone{card->meta.node, changed.member.state == membership::MemberState::Left});
    mesh::Peer peer;
    peer.node = card->meta.node;
    peer.epoch = card->meta.epoch;
    peer.name = card->name;
    peer.zone = card->meta.zone;
    membership::Address address = changed.member.address.canonical();
    address.port = card->meta.data_port;
    peer.address = address.text();
    peer.weight = card->meta.weight;
    peer.draining = (card->meta.flags & NodeMeta::kDraining) != 0;
    peer.suspect = changed.member.state == membership::MemberState::Suspect;
    driver_->post(mesh::PeerSeen{std::move(peer)});
}

void MeshNode::set_keys(std::vector<Bytes> ring_keys) {
    loop_.post([this, keys = std::move(ring_keys)] { driver_->set_keys(keys); });
}

void MeshNode::send(const NodeId& to, std::uint8_t type, Bytes body) {
    loop_.post([this, to, type, body = std::move(body)] {
        driver_->handle(mesh::SendPeer{to, type, body});
    });
}

void MeshNode::await_copies(LogKey log, Seq seq, unsigned copies, Duration timeout, Copies reply) {
    loop_.post([this, log, seq, copies, timeout, reply = std::move(reply)]() mutable {
        const std::uint64_t id = next_copies_++;
        copies_.emplace(id, std::move(reply));
        driver_->handle(mesh::AwaitCopies{id, log, seq, copies, timeout});
    });
}

void MeshNode::look(std::move_only_function<void(const mesh::Mesh&, const MeshTraffic&)> look) {
    loop_.post(
        [this, look = std::move(look)]() mutable { look(driver_->machine(), driver_->traffic()); });
}

/// Not at once: the engine holds its lock, and has listeners to serve before anything is compressed.
void MeshNode::sealed(const BlockPtr& block, const BlockWirePtr& wire) {
    loop_.post([this, block, wire] {
        driver_->handle(mesh::Sealed{block->log(),
                                     {block->first_seq(), block->count(), block->first_hlc(),
                                      block->last_hlc(), wire->bytes()}});
    });
}

void MeshNode::stored(const std::vector<BlockPtr>& blocks) {
    std::map<LogKey, Seq> upto;
    std::uint64_t remote = 0;
    for (const BlockPtr& block : blocks) {
        Seq& last = upto[block->log()];
        last = std::max(last, block->first_seq() + block->count() - 1);
        if (block->log().node != self_) remote += block->raw_bytes();
    }
    unstored_.fetch_sub(std::min(remote, unstored_.load()));
    loop_.post([this, upto = std::move(upto)] {
        for (const auto& [log, seq] : upto) driver_->handle(mesh::Stored{log, seq});
        if (pressed_ && unstored_ < kRelievedBytes) {
            pressed_ = false;
            driver_->handle(mesh::Pressure{false});
        }
    });
}

// -- from the mesh ---------------------------------------------------------------------------------

void MeshNode::on_output(const mesh::Output& output, const mesh::Outbox& outbox) {
    if (const auto* deliver = std::get_if<mesh::Deliver>(&output)) return on(*deliver);
    if (const auto* remember = std::get_if<mesh::Remember>(&output)) return on(*remember);
    if (const auto* load = std::get_if<mesh::Load>(&output)) return on(*load);
    if (const auto* opened = std::get_if<mesh::GapOpened>(&output)) return on(*opened);
    if (const auto* gone = std::get_if<mesh::GapClosed>(&output)) return on(*gone);
    if (const auto* offset = std::get_if<mesh::ClockOffset>(&output)) return on(*offset);
    if (const auto* notice = std::get_if<mesh::Notice>(&output)) return on(*notice);
    if (const auto* retired = std::get_if<mesh::LogRetired>(&output)) {
        aside([this, log = retired->log] {
            (void)world_.store.forget_log(log);
            (void)world_.store.put({{std::string(kSpace), key_of(log), std::nullopt}});
        });
    } else if (const auto* reached = std::get_if<mesh::CopiesReached>(&output)) {
        if (auto waiting = copies_.extract(reached->id))
            waiting.mapped()(reached->copies, reached->met);
    } else if (const auto* up = std::get_if<mesh::PeerUp>(&output)) {
        peers_up_.fetch_add(1);
        if (hooks_.peer_up) hooks_.peer_up(up->node);
    } else if (const auto* down = std::get_if<mesh::PeerDown>(&output)) {
        peers_up_.fetch_sub(1);
        if (offsets_.erase(down->node) > 0) weigh_offsets();
        if (hooks_.peer_down) hooks_.peer_down(down->node, down->end);
    } else if (const auto* from = std::get_if<mesh::FromPeer>(&output)) {
        if (hooks_.from_peer) hooks_.from_peer(from->from, from->type, outbox.bytes(from->body));
    }
}

void MeshNode::on(const mesh::Deliver& deliver) {
    auto block = decode_block(deliver.log, *deliver.block.wire, Arrival{});
    if (block)
        if (auto good = check_payloads(**block); !good) block = std::unexpected(good.error());
    if (!block) {
        // Its checksum was right. Kept away from listeners, and asked for elsewhere; the hole is told of like any other.
        log::error("mesh", "a block that cannot be read was refused",
                   {{"origin", deliver.log.node.text()},
                    {"from", deliver.from.text()},
                    {"seq", deliver.block.first},
                    {"err", block.error().what}});
        blame(deliver.log, mesh::Fault::Unreadable, "a node made blocks that cannot be read",
              block.error().what);
        driver_->handle(mesh::Unreadable{
            deliver.log, {deliver.block.first, deliver.block.last()}, deliver.from});
        return;
    }
    judge(**block);
    if (!deliver.late)
        metrics_.arrived(
            std::chrono::microseconds(loop_.now().wall - (*block)->first_hlc().micros()));
    unstored_.fetch_add((*block)->raw_bytes());
    if (!pressed_ && unstored_ > kPressedBytes) {
        pressed_ = true;
        driver_->handle(mesh::Pressure{true});
    }
    inbound_.push_back({std::move(*block), deliver.block.wire, deliver.late});
    hand_in();
}

/// What a node may not say is counted against it here; the engine keeps it from listeners.
void MeshNode::judge(const Block& block) {
    for (const std::string_view topic : block.topics())
        if (foreign_topic(block.log(), topic))
            blame(block.log(), mesh::Fault::Foreign, "a node speaks of what is not its own",
                  std::string(topic));
    const WallTime ahead = block.last_hlc().micros() - loop_.now().wall;
    if (ahead > kFutureMax / 1us)
        blame(block.log(), mesh::Fault::Future, "a node stamps its messages in the future",
              std::to_string(ahead / 1'000'000) + " s");
}

void MeshNode::blame(const LogKey& log, mesh::Fault fault, std::string_view what,
                     std::string detail) {
    driver_->handle(mesh::Blame{log.node, fault, what, std::move(detail)});
}

void MeshNode::on(const mesh::Remember& remember) {
    records_.push_back({std::string(kSpace), key_of(remember.log),
                        remember.state.empty() ? std::nullopt : std::optional(remember.state)});
    hand_in();
}

/// What one round brought goes to the engine together.
void MeshNode::hand_in() {
    const auto go = [this] {
        hand_in_due_ = false;
        if (inbound_.empty() && records_.empty()) return;
        if (!own_loop_)
            return world_.engine.take_remote(std::exchange(inbound_, {}),
                                             std::exchange(records_, {}));
        world_.engine_loop.post([&engine = world_.engine, blocks = std::exchange(inbound_, {}),
                                 records = std::exchange(records_, {})]() mutable {
            engine.take_remote(std::move(blocks), std::move(records));
        });
    };
    if (inbound_.size() >= kHandInBlocks) return go();
    if (std::exchange(hand_in_due_, true)) return;
    loop_.defer(go);
}

void MeshNode::on(const mesh::Load& load) {
    aside([this, load] {
        mesh::Loaded loaded{load.id, {}};
        auto blocks =
            world_.store.log_blocks(load.log, load.range.first, load.range.last, load.bytes_max);
        if (!blocks)
            log::error("mesh", "blocks for a neighbour cannot be read",
                       {{"err", blocks.error().what}});
        for (LogBlock& block : blocks ? *blocks : std::vector<LogBlock>{}) {
            const auto head = peek_block(load.log, block.wire);
            if (!head) continue;
            loaded.blocks.push_back({block.first, block.count, head->first_hlc, head->first_hlc,
                                     std::make_shared<const Bytes>(std::move(block.wire))});
        }
        driver_->post(std::move(loaded));
    });
}

void MeshNode::on(const mesh::GapOpened& gap) {
    if (gap.log.lane == kSystemLane) return;
    log::warn("mesh", "messages of another node are missing",
              {{"origin", gap.log.node.text()}, {"from", gap.range.first}, {"to", gap.range.last}});
    world_.ledger.gap("mesh", "origin", members_of(gap.log, gap.range));
}

void MeshNode::on(const mesh::GapClosed& gap) {
    if (gap.log.lane == kSystemLane) return;
    std::string members = "\"scope\":\"mesh\",\"state\":\"" +
                          std::string(gap.repaired ? "repaired" : mesh::name_of(gap.why)) + "\",";
    world_.ledger.event("gap", members + members_of(gap.log, gap.range));
}

void MeshNode::on(const mesh::ClockOffset& offset) {
    world_.metrics
        .gauge("anode_clock_offset_seconds", "Our clock less a neighbour's.",
               {{"peer", offset.peer.text()}})
        .set(std::chrono::duration<double>(offset.of_peer).count());
    offsets_[offset.peer] = offset.of_peer;
    weigh_offsets();
}

void MeshNode::weigh_offsets() {
    Duration farthest{};
    for (const auto& [node, offset] : offsets_)
        if (std::chrono::abs(offset) > std::chrono::abs(farthest)) farthest = offset;
    clock_offset_us_.store(farthest / 1us, std::memory_order_relaxed);
}

void MeshNode::on(const mesh::Notice& notice) {
    const std::string peer = notice.peer == NodeId{} ? std::string() : notice.peer.text();
    if (notice.level == mesh::Notice::Level::Warn)
        log::warn("mesh", notice.what, {{"peer", peer}, {"detail", notice.detail}});
    else
        log::info("mesh", notice.what, {{"peer", peer}, {"detail", notice.detail}});
}

// -- beside it -------------------------------------------------------------------------------------

void MeshNode::aside(std::move_only_function<void()> task) {
    {
        const std::lock_guard lock(mutex_);
        if (ending_) return;
        tasks_.push_back(std::move(task));
    }
    wakes_.notify_one();
}

void MeshNode::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        wakes_.wait(lock, [this] { return ending_ || !tasks_.empty(); });
        if (ending_) return;
        auto task = std::move(tasks_.front());
        tasks_.pop_front();
        lock.unlock();
        task();
        lock.lock();
    }
}

/// Retention moves the beginning of logs; neighbours are told where ours begin.
void MeshNode::look_at_retention() {
    if (ended_) return;
    aside([this] {
        auto holdings = world_.store.logs();
        loop_.post([this, holdings = std::move(holdings)] {
            if (ended_) return;
            for (const LogHolding& holding : holdings) {
                Seq& lowest = lowest_[holding.log];
                if (holding.lowest > std::exchange(lowest, holding.lowest) && holding.lowest > 1)
                    driver_->handle(mesh::Retained{holding.log, holding.lowest});
            }
            loop_.after(kRetentionWatch, [this] { look_at_retention(); });
        });
    });
}

void MeshNode::count() {
    if (ended_) return;
    metrics_.refresh(driver_->machine(), unstored_.load(), loop_.now().mono);
    loop_.after(1s, [this] { count(); });
}

}  // namespace anode::app
