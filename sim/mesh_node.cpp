#include "sim/mesh_node.hpp"

#include "base/assert.hpp"
#include "core/message/block.hpp"

namespace anode::sim {
namespace {

constexpr unsigned kTicksAtOnceMax = 1000;
constexpr unsigned kStepsAtOnceMax = 100'000;
constexpr std::size_t kOutputsMax = 2'000'000;

StreamNumber number_of(mesh::LinkId id) { return static_cast<StreamNumber>(id); }

}  // namespace

MeshNode::MeshNode(Options options, Disk& disk, Witness witness)
    : options_(std::move(options)),
      store_(disk),
      witness_(std::move(witness)),
      machine_(options_.config, Rng(options_.seed)) {}

Instant MeshNode::due() const noexcept {
    Instant due = std::min(machine_.due(), store_.due());
    if (!reading_.empty()) due = std::min(due, reading_.front().at);
    if (!leaving_.empty()) due = std::min(due, leaving_.front().at);
    return due;
}

void MeshNode::handle(const Happening& happening, Instant now, Kernel& kernel) {
    if (std::holds_alternative<Started>(happening)) {
        booted_ = last_ = free_at_ = now;
        return tell(mesh::Start{store_.disk().known()}, now, kernel);
    }
    if (std::holds_alternative<Woken>(happening)) {
        calls_at_once_ = now == last_ ? calls_at_once_ + 1 : 0;
        last_ = now;
        if (calls_at_once_ > kTicksAtOnceMax) {
            calls_at_once_ = 0;
            kernel.misuse("mesh: asks for a tick again and again while no time passes");
        }
        own_timers(now, kernel);
        return tell(mesh::Tick{}, now, kernel);
    }
    if (const auto* opened = std::get_if<GotStream>(&happening)) {
        open_.insert(opened->stream);
        tell(mesh::LinkOpened{mesh::LinkId{opened->stream}, {}}, now, kernel);
    } else if (const auto* bytes = std::get_if<GotBytes>(&happening)) {
        if (unsent_.contains(bytes->stream))
            tell(mesh::LinkBytes{mesh::LinkId{bytes->stream}, bytes->bytes}, now, kernel);
    } else if (const auto* lost = std::get_if<LostStream>(&happening)) {
        const bool was_open = open_.erase(lost->stream) > 0;
        std::erase_if(leaving_, [&](const Leaving& one) { return one.stream == lost->stream; });
        // Nobody is told of the end of a stream that it closed itself.
        if (!unsent_.contains(lost->stream) && was_open) return;
        unsent_.erase(lost->stream);
        tell(mesh::LinkClosed{mesh::LinkId{lost->stream},
                              lost->refused ? mesh::LinkEnd::Refused
                              : was_open    ? mesh::LinkEnd::Reset
                                            : mesh::LinkEnd::TimedOut,
                              {}},
             now, kernel);
    }
}

void MeshNode::tell(const mesh::Input& input, Instant now, Kernel& kernel) {
    if (const auto* opened = std::get_if<mesh::LinkOpened>(&input))
        unsent_.emplace(number_of(opened->id), 0);
    step(input, now, kernel);
    for (unsigned steps = 0; !pending_.empty() || !room_.empty(); ++steps) {
        if (steps > kStepsAtOnceMax) return kernel.misuse("mesh: sends without end");
        if (!pending_.empty()) {
            const mesh::Input next = std::move(pending_.front());
            pending_.pop_front();
            step(next, now, kernel);
            continue;
        }
        const StreamNumber stream = *room_.begin();
        room_.erase(room_.begin());
        if (const auto found = unsent_.find(stream); found != unsent_.end())
            step(mesh::LinkRoom{mesh::LinkId{stream}, found->second}, now, kernel);
    }
    store_.flush(now, options_.sync);
    check(kernel);
}

void MeshNode::step(const mesh::Input& input, Instant now, Kernel& kernel) {
    outbox_.clear();
    machine_.handle(input, {now, wall(now)}, outbox_);
    if (outbox_.outputs().size() > kOutputsMax) kernel.misuse("mesh: answers without end");
    for (const mesh::Output& output : outbox_.outputs()) perform(output, now, kernel);
}

void MeshNode::perform(const mesh::Output& output, Instant now, Kernel& kernel) {
    if (const auto* send_out = std::get_if<mesh::Send>(&output)) {
        Bytes bytes(outbox_.bytes(send_out->bytes));
        if (send_out->tail) bytes += *send_out->tail;
        send(number_of(send_out->id), std::move(bytes), now, kernel);
    } else if (const auto* dial = std::get_if<mesh::Dial>(&output)) {
        const auto address = Address::parse(dial->address);
        if (!address)
            pending_.push_back(mesh::LinkClosed{dial->id, mesh::LinkEnd::Refused, "no address"});
        else
            kernel.dial(number_of(dial->id), *address, dial->timeout);
    } else if (const auto* close = std::get_if<mesh::Close>(&output)) {
        send(number_of(close->id), std::nullopt, now, kernel);
    } else if (const auto* load = std::get_if<mesh::Load>(&output)) {
        reading_.push_back({now + options_.read, *load});
    } else if (const auto* remember = std::get_if<mesh::Remember>(&output)) {
        store_.append(ModelStore::Memory{remember->log, remember->state});
    } else {
        witness_(output, outbox_);
        if (const auto* block = std::get_if<mesh::Deliver>(&output))
            store_.append(ModelStore::Written{block->log, block->block});
    }
}

/// Out at once, or behind what waits for the way out.
void MeshNode::send(StreamNumber stream, std::optional<Bytes> bytes, Instant now, Kernel& kernel) {
    if (!bytes && !open_.contains(stream)) return kernel.close(stream);
    if (!unsent_.contains(stream)) return;
    if (options_.bytes_per_second == 0) {
        if (bytes) {
            kernel.write(stream, *bytes);
            room_.insert(stream);
        } else {
            unsent_.erase(stream);
            open_.erase(stream);
            kernel.close(stream);
        }
        return;
    }
    const std::size_t size = bytes ? bytes->size() : 0;
    free_at_ =
        std::max(free_at_, now) +
        Duration{static_cast<Duration::rep>(size * 1'000'000'000 / options_.bytes_per_second)};
    unsent_[stream] += size;
    if (!bytes) unsent_.erase(stream);
    leaving_.push_back({free_at_, stream, std::move(bytes)});
}

void MeshNode::own_timers(Instant now, Kernel& kernel) {
    while (!leaving_.empty() && leaving_.front().at <= now) {
        const Leaving one = std::move(leaving_.front());
        leaving_.pop_front();
        if (!one.bytes) {
            open_.erase(one.stream);
            kernel.close(one.stream);
            continue;
        }
        kernel.write(one.stream, *one.bytes);
        if (const auto found = unsent_.find(one.stream); found != unsent_.end()) {
            found->second -= one.bytes->size();
            room_.insert(one.stream);
        }
    }
    if (store_.due() <= now)
        for (const auto& [log, upto] : store_.synced()) pending_.push_back(mesh::Stored{log, upto});
    while (!reading_.empty() && reading_.front().at <= now) {
        const mesh::Load load = reading_.front().load;
        reading_.pop_front();
        pending_.push_back(
            mesh::Loaded{load.id, store_.read(load.log, load.range, load.bytes_max)});
    }
}

mesh::WireBlock MeshNode::publish(Lane lane, const std::vector<std::string>& payloads,
                                  std::string_view topic, Instant now, Kernel& kernel) {
    std::vector<Draft> drafts;
    for (const std::string& payload : payloads) {
        drafts.emplace_back();
        drafts.back().topic = topic;
        drafts.back().payload = payload;
    }
    return publish(lane, drafts, now, kernel);
}

mesh::WireBlock MeshNode::publish(Lane lane, std::span<const Draft> drafts, Instant now,
                                  Kernel& kernel, std::uint8_t flags) {
    ANODE_ASSERT(!drafts.empty());
    Seq& last = sealed_[lane];
    BlockBuilder builder;
    mesh::WireBlock wire;
    wire.first = last + 1;
    for (const Draft& draft : drafts) {
        last_hlc_ = Hlc{std::max(Hlc::at(wall(now)).value, last_hlc_.value + 1)};
        if (wire.count++ == 0) wire.first_hlc = last_hlc_;
        builder.add(last_hlc_, draft);
    }
    wire.last_hlc = last_hlc_;
    last += wire.count;
    if (wire.first == 1) flags |= block_flag::kOpensLog;
    const BlockPtr block = builder.seal(log(lane), wire.first, Arrival{wire.first}, flags);
    wire.wire = std::make_shared<const Bytes>(encode_block(*block, BlockCodec::None));
    store_.append(ModelStore::Written{log(lane), wire});
    tell(mesh::Sealed{log(lane), wire}, now, kernel);
    return wire;
}

void MeshNode::check(Kernel& kernel) {
    const mesh::Config& config = options_.config;
    for (const auto& [stream, unsent] : unsent_)
        if (unsent > config.control_max + config.bulk_frame_max + config.frame_max)
            kernel.misuse("mesh: " + std::to_string(unsent) + " bytes wait on one link");
}

}  // namespace anode::sim
