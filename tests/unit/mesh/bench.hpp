#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "core/mesh/frames.hpp"
#include "core/mesh/mesh.hpp"
#include "core/message/block.hpp"
#include "core/message/message.hpp"

/// One mesh and neighbours that are played by the test, frame by frame.
namespace anode::mesh::test {

inline NodeId peer_id(std::uint8_t number) {
    NodeId id;
    id.bytes[0] = number;
    return id;
}
inline LogKey log_of(std::uint8_t node, Lane lane = kDataLane, std::uint64_t epoch = 100) {
    return {peer_id(node), Epoch{epoch}, lane};
}

inline WireBlock make_block(const LogKey& log, Seq first, std::uint32_t count = 1,
                            std::uint8_t flags = 0, std::size_t bytes = 20,
                            WallTime wall = 1'800'000'000'000'000) {
    BlockBuilder builder;
    const std::string payload = "\"" + std::string(bytes, 'p') + "\"";
    for (std::uint32_t i = 0; i < count; ++i) {
        Draft draft;
        draft.topic = "t";
        draft.payload = payload;
        builder.add(Hlc{Hlc::at(wall).value + first + i}, draft);
    }
    const BlockPtr block = builder.seal(log, first, Arrival{first}, flags);
    return {first, count, block->first_hlc(), block->last_hlc(),
            std::make_shared<const Bytes>(encode_block(*block, BlockCodec::None))};
}

class Bench {
public:
    explicit Bench(std::uint8_t self = 50, Config given = {}) : config(std::move(given)) {
        config.node = peer_id(self);
        config.epoch = Epoch{100};
        config.cluster = "orchard";
        mesh = std::make_unique<Mesh>(config, Rng(7));
        give(Start{});
    }

    void give(const Input& input) {
        Outbox out;
        mesh->handle(input, {now, wall()}, out);
        for (const Output& output : out.outputs()) {
            if (const auto* send = std::get_if<Send>(&output)) {
                Bytes bytes(out.bytes(send->bytes));
                if (send->tail) bytes += *send->tail;
                take(send->id, bytes);
                if (!clogged && !stuck.contains(send->id)) room[send->id] = 0;
            } else if (const auto* dial = std::get_if<Dial>(&output)) {
                dials.push_back(*dial);
            } else if (const auto* close = std::get_if<Close>(&output)) {
                closes.push_back(close->id);
            } else if (const auto* deliver = std::get_if<Deliver>(&output)) {
                delivered.push_back(*deliver);
            } else if (const auto* hole = std::get_if<GapOpened>(&output)) {
                opened.push_back(*hole);
            } else if (const auto* filled = std::get_if<GapClosed>(&output)) {
                closed.push_back(*filled);
            } else if (const auto* load = std::get_if<Load>(&output)) {
                loads.push_back(*load);
            } else if (const auto* remember = std::get_if<Remember>(&output)) {
                remembered.push_back(*remember);
            } else if (const auto* copies = std::get_if<CopiesReached>(&output)) {
                reached.push_back(*copies);
            } else if (const auto* up = std::get_if<PeerUp>(&output)) {
                ups.push_back(up->node);
            } else if (const auto* down = std::get_if<PeerDown>(&output)) {
                downs.push_back(*down);
            } else if (const auto* throttle = std::get_if<Throttle>(&output)) {
                throttles.push_back(throttle->share);
            } else if (const auto* notice = std::get_if<Notice>(&output)) {
                notices.push_back(*notice);
            } else if (const auto* offset = std::get_if<ClockOffset>(&output)) {
                offsets.push_back(*offset);
            } else if (const auto* retired = std::get_if<LogRetired>(&output)) {
                retirements.push_back(retired->log);
            }
        }
        auto drained = std::move(room);
        room.clear();
        for (const auto& [id, unsent] : drained) give(LinkRoom{id, unsent});
    }
    void passes(Duration time) {
        const Instant end = now + time;
        for (unsigned same = 0; mesh->due() <= end;) {
            const Instant next = std::max(now, mesh->due());
            same = next == now ? same + 1 : 0;
            ASSERT_LT(same, 100u) << "due for ever";
            now = next;
            keep_alive();
            give(Tick{});
        }
        now = end;
        keep_alive();
    }

    /// A neighbour connects, greets, and has nothing in its vector.
    LinkId links_with(std::uint8_t number, frames::Hello hello = {}) {
        const LinkId id = connects();
        greets(id, number, std::move(hello));
        says(id, frames::Vector{0xFFFF, true, {}});
        return id;
    }
    LinkId connects() {
        const LinkId id{next_accepted_};
        next_accepted_ += 2;
        give(LinkOpened{id});
        return id;
    }
    void greets(LinkId id, std::uint8_t number, frames::Hello hello = {}) {
        if (hello.cluster.empty()) hello.cluster = "orchard";
        hello.node = peer_id(number);
        if (hello.epoch.value == 0) hello.epoch = Epoch{100};
        if (hello.live_window == 0) hello.live_window = 4u << 20;
        hello.wall = wall();
        says(id, hello);
        alive_.push_back(id);
    }
    void member(std::uint8_t number, std::uint64_t epoch = 100) {
        give(PeerSeen{{peer_id(number), Epoch{epoch}, "p", "", "a:1", 100, false, false}});
    }
    void says(LinkId id, const frames::Frame& frame) {
        Bytes bytes;
        frames::encode(frame, bytes);
        give(LinkBytes{id, bytes});
    }
    /// The neighbour names a log; its alias is the number of the log's node and lane.
    frames::Alias names(LinkId id, const LogKey& log) {
        const frames::Alias lx = log.node.bytes[0] * 16u + log.lane + log.epoch.value * 4096;
        says(id, frames::LogDef{lx, log});
        return lx;
    }
    void announces(LinkId id, const LogKey& log, Seq head = 0, std::uint8_t depth = 0) {
        says(id, frames::Announce{names(id, log), head, depth, wall()});
    }
    /// Its digests say deltas; this one says heads.
    void digests(LinkId id, const LogKey& log, Seq head) {
        const auto lx = names(id, log);
        Seq& told = told_[{id, log}];
        frames::Digest digest;
        digest.heads.push_back({lx, head - told});
        told = head;
        says(id, digest);
    }
    void accepts(LinkId id, const LogKey& log, Seq head, std::uint8_t depth = 0) {
        says(id, frames::GraftOk{names(id, log), head, depth, 1});
    }
    void sends(LinkId id, const LogKey& log, const WireBlock& block, std::uint8_t hops = 0) {
        const auto lx = names(id, log);
        says(id, frames::Data{lx, hops, *block.wire});
    }
    void grafts(LinkId id, const LogKey& log, Seq from, std::uint8_t depth = 9) {
        says(id, frames::Graft{names(id, log), from, depth, frames::Why::Open});
    }
    /// Takes the log from this neighbour, up to `head`.
    void attach(LinkId id, const LogKey& log, Seq head = 0, std::uint8_t depth = 0) {
        announces(id, log, head, depth);
        passes(60ms);
        accepts(id, log, head, depth);
        if (head != 0) sends(id, log, make_block(log, 1, static_cast<std::uint32_t>(head)), depth);
    }

    /// What went out on a link since clear(), of one kind.
    template <class F>
    std::vector<F> hears(LinkId id) const {
        std::vector<F> found;
        const auto at = sent.find(id);
        if (at == sent.end()) return found;
        for (const frames::Frame& frame : at->second)
            if (const F* one = std::get_if<F>(&frame)) found.push_back(*one);
        return found;
    }
    /// The sequences of blocks that went out on a link.
    [[nodiscard]] std::vector<Seq> gets(LinkId id) const {
        const auto at = blocks.find(id);
        return at == blocks.end() ? std::vector<Seq>{} : at->second;
    }
    void clear() {
        for (auto& [id, list] : sent) list.clear();
        blocks.clear();
        delivered.clear();
        closes.clear();
        dials.clear();
    }
    /// Which log our own alias means.
    [[nodiscard]] LogKey meant(LinkId id, frames::Alias lx) const {
        const auto at = names_.find({id, lx});
        return at == names_.end() ? LogKey{} : at->second;
    }
    [[nodiscard]] LogView view(const LogKey& log) const {
        for (const LogView& one : mesh->logs())
            if (one.log == log) return one;
        return {};
    }
    [[nodiscard]] std::string_view state(LinkId, std::uint8_t number) const {
        for (const LinkView& one : mesh->links())
            if (one.peer == peer_id(number)) return one.state;
        return "none";
    }
    [[nodiscard]] WallTime wall() const {
        return 1'800'000'000'000'000 + now.time_since_epoch() / 1us + wall_error;
    }
    void goes_silent(LinkId id) { std::erase(alive_, id); }

    Config config;
    std::unique_ptr<Mesh> mesh;
    Instant now{};
    WallTime wall_error = 0;
    bool clogged = false;    ///< nobody reads
    std::set<LinkId> stuck;  ///< who does not
    std::map<LinkId, std::deque<frames::Frame>> sent;
    std::map<LinkId, std::vector<Seq>> blocks;
    std::map<LinkId, std::size_t> room;
    std::vector<Dial> dials;
    std::vector<LinkId> closes;
    std::vector<Deliver> delivered;
    std::vector<GapOpened> opened;
    std::vector<GapClosed> closed;
    std::vector<Load> loads;
    std::vector<Remember> remembered;
    std::vector<CopiesReached> reached;
    std::vector<NodeId> ups;
    std::vector<PeerDown> downs;
    std::vector<double> throttles;
    std::vector<Notice> notices;
    std::vector<ClockOffset> offsets;
    std::vector<LogKey> retirements;

private:
    void take(LinkId id, const Bytes& bytes) {
        frames::FrameReader reader(32u << 20);
        reader.add(bytes);
        for (;;) {
            auto frame = reader.next();
            ASSERT_TRUE(frame.has_value()) << frame.error().what;
            if (!*frame) return;
            if (const auto* def = std::get_if<frames::LogDef>(&**frame))
                names_[{id, def->lx}] = def->log;
            if (const auto* data = std::get_if<frames::Data>(&**frame)) {
                const auto block = frames::peek_block(meant(id, data->lx), data->block);
                ASSERT_TRUE(block.has_value()) << block.error().what;
                blocks[id].push_back(block->first);
            }
            sent[id].push_back(std::move(**frame));
        }
    }
    /// Neighbours that are not silent answer pings.
    void keep_alive() {
        for (const LinkId id : std::vector<LinkId>(alive_)) {
            Bytes bytes;
            frames::encode(frames::Credit{1, 0}, bytes);
            give(LinkBytes{id, bytes});
        }
    }

    std::uint64_t next_accepted_ = 1;
    std::vector<LinkId> alive_;
    std::map<std::pair<LinkId, LogKey>, Seq> told_;
    std::map<std::pair<LinkId, frames::Alias>, LogKey> names_;
};

}  // namespace anode::mesh::test
