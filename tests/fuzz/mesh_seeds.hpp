#pragma once

#include <cstring>
#include <vector>

#include "base/assert.hpp"
#include "base/hash.hpp"
#include "base/varint.hpp"
#include "core/mesh/frames.hpp"
#include "core/message/block.hpp"

/// What honest neighbours say to each other, from which the fuzzers of the mesh set out, and the pieces to say it with.
namespace anode::mesh::fuzz {

inline NodeId node_of(std::uint8_t number) {
    NodeId id;
    id.bytes[0] = number;
    return id;
}
inline LogKey log_of(std::uint8_t node, Lane lane = kDataLane) {
    return {node_of(node), Epoch{100}, lane};
}
inline constexpr WallTime kWall = 1'800'000'000'000'000;

inline Bytes block_of(const LogKey& log, Seq first, std::uint32_t count = 1) {
    BlockBuilder builder;
    for (std::uint32_t i = 0; i < count; ++i) {
        Draft draft;
        draft.topic = "t";
        draft.payload = "\"x\"";
        builder.add(Hlc{Hlc::at(kWall).value + first + i}, draft);
    }
    return encode_block(*builder.seal(log, first, Arrival{first}), BlockCodec::None);
}

/// With the checksum that fits, if the header can be read to its end.
inline Bytes mended_block(const LogKey& log, BytesView block) {
    Bytes wire(block);
    ByteReader in(block);
    (void)in.take(8);
    (void)in.varint();
    (void)in.take(10);
    (void)in.varint();
    (void)in.varint();
    const std::size_t header = block.size() - in.rest().size();
    if (in.failed() || in.rest().size() < 4) return wire;
    Bytes key;
    log.append_to(key);
    const std::uint32_t crc =
        crc32c(block.substr(header + 4), crc32c(block.substr(0, header), crc32c(key)));
    std::memcpy(wire.data() + header, &crc, sizeof crc);
    return wire;
}

/// One of each kind of frame, with its fields in range. Alias 1 is a log of node 2, alias 2 one of node 9.
inline std::vector<frames::Frame> frames_of_all_kinds() {
    // A frame views its block.
    static const Bytes first = block_of(log_of(2), 1, 3), later = block_of(log_of(2), 7);
    const LogKey log = log_of(2);
    frames::Hello hello;
    hello.cluster = "orchard";
    hello.node = node_of(2);
    hello.epoch = Epoch{100};
    hello.name = "b";
    hello.wall = kWall;
    hello.live_window = 4u << 20;
    hello.bulk_window = 1u << 20;
    frames::Pong pong;
    pong.nonce = 1;
    pong.wall = kWall;
    frames::Digest digest;
    digest.heads = {{1, 3}, {2, 1}};
    digest.depths = {{1, 2, 0}};
    frames::VectorRoot root;
    root.buckets.assign(256, 7);
    const std::vector<SeqRange> holes{{4, 6}};
    return {hello,
            frames::Ping{5, kWall, Hlc::at(kWall), 10, 0},
            pong,
            frames::Credit{1, 1000},
            frames::Credit{2, 1000},
            frames::Bye{3, "done"},
            frames::ErrorFrame{1, "why"},
            frames::LogDef{1, log},
            frames::LogDef{2, log_of(9)},
            frames::Announce{1, 3, 0, kWall},
            frames::Announce{2, 9, 1, kWall},
            digest,
            frames::Graft{1, 1, 3, frames::Why::Open},
            frames::GraftOk{1, 3, 0, 1},
            frames::GraftNo{1, 1, {node_of(3), node_of(9)}},
            frames::Prune{1, 1},
            frames::Prune{1, 3},
            frames::Shed{1, node_of(3)},
            frames::Query{{1, 2}},
            frames::QueryReply{{{1, 3, 0, true}, {2, 9, 1, true}}},
            frames::Data{1, 0, first},
            frames::Data{1, 1, later},
            frames::SkipFrame{1, {4, 6}, Skip::Evicted},
            frames::Ack{{{1, 3, 3}}},
            frames::Race{1, 8},
            root,
            frames::Vector{0xFFFF, true, {{log, 1, 3, 7, Hlc::at(kWall), holes}}},
            frames::Pull{1, log, holes, 1u << 20},
            frames::Chunk{1, log, first},
            frames::PullEnd{1, 0, 0},
            frames::Pass{40, "state"},
            frames::Pass{61, "answer"}};
}

/// From time to time a whole frame is put somewhere into the input; else it is changed as ever.
template <class Further>
std::size_t insert_frame(std::uint8_t* data, std::size_t size, std::size_t size_max,
                         unsigned random, Further further) {
    static const std::vector<Bytes> seeds = [] {
        std::vector<Bytes> all;
        for (const frames::Frame& frame : frames_of_all_kinds()) encode(frame, all.emplace_back());
        return all;
    }();
    const Bytes& seed = seeds[random / 8 % seeds.size()];
    if (random % 8 != 0 || size + seed.size() > size_max) return further(data, size, size_max);
    const std::size_t at = random / 1024 % 3 == 0 ? random / 4096 % (size + 1) : size;
    std::memmove(data + at + seed.size(), data + at, size - at);
    std::memcpy(data + at, seed.data(), seed.size());
    return size + seed.size();
}

}  // namespace anode::mesh::fuzz

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t size_max);
