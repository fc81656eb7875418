#include <cstdint>
#include <map>
#include <set>

#include "core/mesh/mesh.hpp"
#include "mesh_seeds.hpp"

/// A whole mesh with an honest neighbour (node 3) and a hostile one (node 2), whose bytes the input is. Whatever the hostile one
/// says: the honest one's link stays, what the node sends is always good protocol, what it delivers came once, in order and with
/// a right checksum, and every table keeps its limit.
/// The input: one byte for the setting, then what the hostile one says. A generator, seeded with the setting, cuts it into
/// pieces and does other things in between: lets time pass, seals a message, answers for the store, connects anew.
namespace {

using namespace anode;
using namespace anode::mesh;

constexpr LinkId kHonest{1};
constexpr std::size_t kLogsMax = 64, kCacheBytes = 64u << 10, kFrameMax = 64u << 10;
constexpr std::size_t kOutputsMax = 4096, kStepsMax = 400;

Config config_of(bool rings) {
    Config config;
    config.node = fuzz::node_of(5);
    config.epoch = Epoch{100};
    config.cluster = "orchard";
    config.cache_bytes = kCacheBytes;
    config.frame_max = kFrameMax;
    config.bulk_frame_max = 2 * kFrameMax;
    config.control_max = 256u << 10;
    config.logs_max = kLogsMax;
    if (rings) config.full_mesh_up_to = 1;
    return config;
}

class World {
public:
    explicit World(std::uint8_t setting)
        : purpose_(static_cast<Purpose>(setting % 3)),
          mesh_(config_of((setting & 4) != 0), Rng(1)) {
        give(Start{});
        for (const std::uint8_t number : {2, 3})
            give(PeerSeen{{fuzz::node_of(number), Epoch{100}, "p", "", "a:1", 100, false, false}});
        connect(kHonest, 3, Purpose::Main);
        say(kHonest, frames::Vector{0xFFFF, true, {}});
        say(kHonest, frames::LogDef{1, fuzz::log_of(3)});
        say(kHonest, frames::Announce{1, 0, 0, fuzz::kWall});
        meet_hostile();
    }

    void feed(BytesView bytes) { give(LinkBytes{hostile_, bytes}); }

    void step(std::uint8_t what) {
        switch (what % 8) {
            case 0:
                return pass(1ms);
            case 1:
                return pass(160ms);
            case 2:
                return pass(2s);
            case 3:
                return seal();
            case 4:
                return answer_store(what >= 128);
            case 5:
                return give(LinkRoom{hostile_, 0});
            case 6:
                return give(Pressure{what >= 128});
            default:
                give(LinkClosed{hostile_, LinkEnd::Closed, ""});
                pass(61s);
                return meet_hostile();
        }
    }

private:
    static constexpr std::uint64_t kOwnMax = 200;

    void meet_hostile() {
        hostile_ = LinkId{next_accepted_};
        next_accepted_ += 2;
        connect(hostile_, 2, purpose_);
    }

    void connect(LinkId id, std::uint8_t number, Purpose purpose) {
        give(LinkOpened{id});
        frames::Hello hello;
        hello.cluster = "orchard";
        hello.node = fuzz::node_of(number);
        hello.epoch = Epoch{100};
        hello.live_window = 4u << 20;
        hello.bulk_window = 1u << 20;
        hello.wall = wall();
        hello.purpose = purpose;
        say(id, hello);
    }

    void say(LinkId id, const frames::Frame& frame) {
        Bytes bytes;
        frames::encode(frame, bytes);
        give(LinkBytes{id, bytes});
    }

    void pass(Duration time) {
        for (const Instant end = now_ + time; now_ < end;) {
            now_ = std::min(end, now_ + 400ms);
            say(kHonest, frames::Credit{1, 1u << 20});
            give(Tick{});
        }
    }

    void seal() {
        if (own_ == kOwnMax) return;
        const LogKey log{fuzz::node_of(5), Epoch{100}, kDataLane};
        ++own_;
        const auto wire = std::make_shared<const Bytes>(fuzz::block_of(log, own_));
        give(Sealed{log, {own_, 1, Hlc::at(fuzz::kWall), Hlc::at(fuzz::kWall), wire}});
        give(Stored{log, own_});
    }

    /// With the blocks that are there, or with nothing.
    void answer_store(bool found) {
        const auto loads = std::move(loads_);
        loads_.clear();
        for (const Load& load : loads) {
            Loaded loaded{load.id, {}};
            const auto& blocks = stored_[load.log];
            for (auto at = blocks.lower_bound(load.range.first); found && at != blocks.end(); ++at)
                if (at->first <= load.range.last) loaded.blocks.push_back(at->second);
            give(loaded);
        }
    }

    void give(const Input& input) {
        Outbox out;
        mesh_.handle(input, {now_, wall()}, out);
        ANODE_ASSERT(out.outputs().size() <= kOutputsMax);
        std::map<LinkId, bool> sent;
        for (const Output& output : out.outputs()) {
            if (const auto* send = std::get_if<Send>(&output)) {
                Bytes bytes(out.bytes(send->bytes));
                if (send->tail) bytes += *send->tail;
                check_sent(send->id, bytes);
                sent[send->id] = true;
            } else if (const auto* close = std::get_if<Close>(&output)) {
                ANODE_ASSERT(close->id != kHonest);
            } else if (const auto* deliver = std::get_if<Deliver>(&output)) {
                check_delivered(*deliver);
            } else if (const auto* load = std::get_if<Load>(&output)) {
                loads_.push_back(*load);
            } else if (const auto* dial = std::get_if<Dial>(&output)) {
                dials_.push_back(dial->id);
            }
        }
        check_limits();
        for (const LinkId id : std::exchange(dials_, {}))
            give(LinkClosed{id, LinkEnd::Refused, ""});
        // The honest one reads; the hostile one when the input says so.
        if (sent.contains(kHonest)) give(LinkRoom{kHonest, 0});
    }

    void check_sent(LinkId id, const Bytes& bytes) {
        frames::FrameReader reader(id == kHonest ? kFrameMax : 2 * kFrameMax);
        reader.add(bytes);
        const auto frame = reader.next();
        ANODE_ASSERT(frame.has_value() && frame->has_value() && reader.held() == 0);
        ANODE_ASSERT(id != kHonest || !std::holds_alternative<frames::ErrorFrame>(**frame));
    }

    void check_delivered(const Deliver& deliver) {
        const auto head = peek_block(deliver.log, *deliver.block.wire);
        ANODE_ASSERT(head.has_value() && head->first_seq == deliver.block.first);
        ANODE_ASSERT(deliver.log.node != fuzz::node_of(5) || deliver.log.epoch != Epoch{100});
        ANODE_ASSERT(deliver.block.last() < Seq{1} << 62);
        auto& blocks = stored_[deliver.log];
        ANODE_ASSERT(deliver.late || blocks.empty() ||
                     blocks.rbegin()->first < deliver.block.first);
        blocks.try_emplace(deliver.block.first, deliver.block);
    }

    void check_limits() {
        const Counters& counters = mesh_.counters();
        ANODE_ASSERT(counters.logs <= kLogsMax);
        ANODE_ASSERT(counters.cache_bytes <= kCacheBytes + kFrameMax);
        ANODE_ASSERT(loads_.size() <= 64);
        for (const LogView& log : mesh_.logs()) {
            ANODE_ASSERT(log.watermark <= log.head && log.head < Seq{1} << 62);
            ANODE_ASSERT(log.missing.size() <= 600);
        }
        for (const LinkView& link : mesh_.links()) ANODE_ASSERT(link.queued <= (4u << 20));
    }

    [[nodiscard]] WallTime wall() const { return fuzz::kWall + now_.time_since_epoch() / 1us; }

    Purpose purpose_;
    Instant now_{};
    LinkId hostile_{};
    std::uint64_t next_accepted_ = 3;
    Seq own_ = 0;
    std::vector<Load> loads_;
    std::vector<LinkId> dials_;
    std::map<LogKey, std::map<Seq, WireBlock>> stored_;
    Mesh mesh_;
};

/// Puts right checksums into Data and Chunk frames of the stream, so that what lies behind the checksum is reached too.
Bytes mended(BytesView stream) {
    Bytes out;
    std::map<frames::Alias, LogKey> names;
    frames::FrameReader reader(kFrameMax);
    reader.add(stream);
    for (;;) {
        auto frame = reader.next();
        if (!frame || !*frame) break;
        if (const auto* def = std::get_if<frames::LogDef>(&**frame)) names[def->lx] = def->log;
        if (auto* data = std::get_if<frames::Data>(&**frame)) {
            const Bytes block = fuzz::mended_block(names[data->lx], data->block);
            frames::encode(frames::Data{data->lx, data->hops, block}, out);
        } else if (auto* chunk = std::get_if<frames::Chunk>(&**frame)) {
            const Bytes block = fuzz::mended_block(chunk->log, chunk->block);
            frames::encode(frames::Chunk{chunk->request, chunk->log, block}, out);
        } else {
            frames::encode(**frame, out);
        }
    }
    out += stream.substr(stream.size() - std::min(stream.size(), reader.held()));
    return out;
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned random) {
    return fuzz::insert_frame(data, size, size_max, random, LLVMFuzzerMutate);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::uint8_t setting = data[0];
    Bytes stream(reinterpret_cast<const char*>(data) + 1, size - 1);
    Rng dice(setting);
    if ((setting & 64) != 0) stream = mended(stream);
    World world(setting);
    std::size_t at = 0;
    for (std::size_t steps = 0; at < stream.size() && steps < kStepsMax; ++steps) {
        const std::size_t piece = 1 + dice.below((setting & 128) != 0 ? 8 : 400);
        world.feed(BytesView(stream).substr(at, piece));
        at += piece;
        if (dice.chance(0.3)) world.step(static_cast<std::uint8_t>(dice.next()));
    }
    for (const std::uint8_t what : {1, 2, 132, 2, 4, 2}) world.step(what);
    return 0;
}
