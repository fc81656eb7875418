#include "sim/mesh_stranger.hpp"

#include "base/varint.hpp"
#include "core/message/block.hpp"

namespace anode::sim {
namespace {

namespace f = mesh::frames;

constexpr std::size_t kLinesMax = 6;
constexpr Duration kHour = 1h;

/// A frame's head by itself, whatever follows.
Bytes head(std::uint32_t length, std::uint8_t type, std::uint8_t flags) {
    Bytes out;
    put_le(out, length);
    put_le(out, type);
    put_le(out, flags);
    put_le(out, std::uint16_t{0});
    return out;
}

}  // namespace

MeshStranger::MeshStranger(NodeId id, std::uint64_t seed, std::vector<Malice> ways, WallTime wall,
                           Look look, Sealed sealed)
    : id_(id),
      rng_(seed),
      ways_(std::move(ways)),
      wall_(wall),
      look_(std::move(look)),
      sealed_(std::move(sealed)) {}

Bytes MeshStranger::noise(std::size_t bytes_max) {
    Bytes out;
    for (std::uint64_t count = 1 + rng_.below(bytes_max); count > 0; --count)
        out.push_back(static_cast<char>(rng_.below(256)));
    return out;
}

void MeshStranger::handle(const Happening& happening, Instant now, Kernel& kernel) {
    if (const auto* open = std::get_if<GotStream>(&happening)) {
        const auto line = lines_.find(open->stream);
        if (line == lines_.end()) return kernel.close(open->stream);
        greet(open->stream, line->second, now, kernel);
    } else if (const auto* lost = std::get_if<LostStream>(&happening)) {
        lines_.erase(lost->stream);
    } else if (std::holds_alternative<Woken>(happening) ||
               std::holds_alternative<Started>(happening)) {
        next_ = now + Duration{rng_.between(Duration{50ms}.count(), Duration{500ms}.count())};
        if (lines_.size() < kLinesMax) dial(now, kernel);
        for (auto& [stream, line] : lines_)
            if (line.aliases > 0) harm(stream, line, now, kernel);
    }
}

void MeshStranger::dial(Instant /*now*/, Kernel& kernel) {
    const std::vector<Target> targets = look_();
    if (targets.empty()) return;
    dialled_ += 2;
    Line& line = lines_[dialled_];
    line.target = targets[rng_.below(targets.size())];
    line.malice = ways_[rng_.below(ways_.size())];
    kernel.dial(dialled_, line.target.address, 3s);
}

void MeshStranger::greet(StreamNumber stream, Line& line, Instant now, Kernel& kernel) {
    f::Hello hello;
    hello.cluster = "orchard";
    hello.node = id_;
    hello.epoch = Epoch{static_cast<std::uint64_t>(wall_) / 1000 << 16};
    hello.name = "stranger";
    hello.wall = wall_ + now.time_since_epoch() / 1us;
    hello.hlc = Hlc::at(hello.wall);
    hello.horizon_s = 86'400;
    hello.message_max = 1u << 20;
    hello.live_window = 4u << 20, hello.bulk_window = 1u << 20;
    if (line.malice == Malice::Versions)
        hello.protocol = hello.protocol_min = static_cast<std::uint16_t>(2 + rng_.below(99));
    if (line.malice == Malice::Future) hello.wall += kHour / 1us, hello.hlc = Hlc::at(hello.wall);
    if (line.malice == Malice::Clone) {
        const std::vector<Target> living = look_();
        if (!living.empty()) hello.node = living[rng_.below(living.size())].id;
    }
    Bytes out;
    f::encode(hello, out);
    kernel.write(stream, out);
    line.aliases = 1;
}

std::optional<std::pair<f::Alias, Seq>> MeshStranger::name_one(Line& line, Bytes& out) {
    std::vector<std::pair<LogKey, Seq>> logs;
    for (const Target& target : look_())
        for (const auto& log : target.logs) logs.push_back(log);
    if (logs.empty()) return std::nullopt;
    const auto& [log, seq] = logs[rng_.below(logs.size())];
    const f::Alias alias = line.aliases++;
    f::encode(f::LogDef{alias, log}, out);
    return std::pair{alias, seq};
}

/// Its own log is as good as anybody's, but for its clock.
void MeshStranger::future_block(Line& line, Bytes& out, Instant now) {
    const LogKey log{id_, Epoch{static_cast<std::uint64_t>(wall_) / 1000 << 16}, kDataLane};
    ++own_;
    BlockBuilder builder;
    Draft draft;
    draft.topic = "t";
    draft.payload = "\"later\"";
    const WallTime ahead = wall_ + (now.time_since_epoch() + kHour) / 1us;
    builder.add(Hlc::at(ahead), draft);
    const BlockPtr block = builder.seal(log, own_, Arrival{own_});
    mesh::WireBlock wire{own_, 1, block->first_hlc(), block->last_hlc(),
                         std::make_shared<const Bytes>(encode_block(*block, BlockCodec::None))};
    sealed_(log, wire);
    const f::Alias alias = line.aliases++;
    f::encode(f::LogDef{alias, log}, out);
    f::encode(f::Announce{alias, own_, 0, ahead}, out);
    f::encode(f::Data{alias, 1, *wire.wire}, out);
}

void MeshStranger::harm(StreamNumber stream, Line& line, Instant now, Kernel& kernel) {
    Bytes out;
    switch (line.malice) {
        case Malice::Heads:
            if (const auto log = name_one(line, out)) {
                const Seq more =
                    rng_.chance(0.2) ? Seq{1} << (20 + rng_.below(43)) : 1 + rng_.below(500);
                f::encode(f::Announce{log->first, log->second + more, 1, 0}, out);
                f::Digest digest;
                digest.heads.push_back({log->first, log->second + more});
                digest.depths.push_back({log->first, 1, 0});
                f::encode(digest, out);
            }
            break;
        case Malice::Skips:
            if (const auto log = name_one(line, out)) {
                const Seq first = 1 + rng_.below(log->second + 10);
                f::encode(f::Announce{log->first, log->second, 1, 0}, out);
                f::encode(f::GraftOk{log->first, log->second, 1, first}, out);
                f::encode(f::SkipFrame{log->first,
                                       {first, first + rng_.below(100)},
                                       static_cast<mesh::Skip>(rng_.below(5))},
                          out);
            }
            break;
        case Malice::Damage:
            if (const auto log = name_one(line, out)) {
                const Bytes junk = noise(300);
                f::encode(f::Data{log->first, 1, junk}, out);
                if (rng_.chance(0.5)) out.resize(out.size() - 1 - rng_.below(out.size() - 1));
            } else {
                out = noise(200);
            }
            break;
        case Malice::Future:
            future_block(line, out, now);
            break;
        case Malice::Huge:
            out = head(static_cast<std::uint32_t>(0xffffffffu - rng_.below(1u << 30)), 20, 0);
            out += noise(2000);
            break;
        case Malice::Flood:
            for (unsigned count = 0; count < 300; ++count)
                f::encode(f::Ping{count, 0, {}, 0, 0}, out);
            for (unsigned count = 0; count < 50; ++count)
                f::encode(f::VectorRoot{std::vector<std::uint64_t>(256, rng_.next())}, out);
            break;
        case Malice::Versions:
            out = head(16, static_cast<std::uint8_t>(70 + rng_.below(180)),
                       rng_.chance(0.7) ? f::kOptional : 0);
            out += Bytes(16, 'x');
            break;
        case Malice::Greedy:
            if (const auto log = name_one(line, out))
                f::encode(f::Graft{log->first, 1, 5, f::Why::Open}, out);
            break;
        case Malice::Garbage: {
            const Bytes junk = noise(400);
            f::encode(f::Pass{static_cast<std::uint8_t>(40 + rng_.below(30)), junk}, out);
            break;
        }
        case Malice::Clone:
            f::encode(f::Ping{rng_.next(), wall_, {}, 0, 0}, out);
            break;
    }
    if (!out.empty()) kernel.write(stream, out);
}

}  // namespace anode::sim
