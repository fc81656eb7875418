#include <iterator>

#include "base/varint.hpp"
#include "core/mesh/frames.hpp"

namespace anode::mesh::frames {
namespace {

/// Appends the fields of a body in their order.
class Put {
public:
    explicit Put(Bytes& out) : out_(out) {}
    template <class Int>
    Put& le(Int value) {
        put_le(out_, value);
        return *this;
    }
    Put& u8(std::uint8_t value) { return le(value); }
    Put& varint(std::uint64_t value) {
        put_varint(out_, value);
        return *this;
    }
    Put& text(BytesView value) {
        put_varint(out_, value.size());
        out_ += value;
        return *this;
    }
    Put& raw(BytesView value) {
        out_ += value;
        return *this;
    }
    Put& node(const NodeId& node) {
        return raw({reinterpret_cast<const char*>(node.bytes.data()), node.bytes.size()});
    }
    Put& log(const LogKey& log) {
        log.append_to(out_);
        return *this;
    }
    Put& range(SeqRange range) { return varint(range.first).varint(range.last - range.first); }

private:
    Bytes& out_;
};

void body(const Hello& f, Put& put) {
    put.le(f.protocol)
        .le(f.protocol_min)
        .text(f.cluster)
        .node(f.node)
        .le(f.epoch.value)
        .text(f.name)
        .text(f.zone);
    put.le(f.capabilities)
        .le(f.wall)
        .le(f.hlc.value)
        .le(f.horizon_s)
        .le(f.message_max)
        .le(f.live_window)
        .le(f.bulk_window);
    put.u8(static_cast<std::uint8_t>(f.purpose));
}
void body(const Ping& f, Put& put) {
    put.le(f.nonce).le(f.wall).le(f.hlc.value).u8(f.load).le(f.lag_ms);
}
void body(const Credit& f, Put& put) { put.u8(f.live).le(f.bytes); }
void body(const Bye& f, Put& put) { put.u8(f.reason).text(f.text); }
void body(const ErrorFrame& f, Put& put) { put.le(f.code).text(f.text); }
void body(const LogDef& f, Put& put) { put.varint(f.lx).log(f.log); }
void body(const Announce& f, Put& put) { put.varint(f.lx).varint(f.head).u8(f.depth).le(f.opened); }
void body(const Digest& f, Put& put) {
    put.varint(f.heads.size());
    Alias last = 0;
    for (const Digest::Head& head : f.heads) {
        put.varint(head.lx - last).varint(head.delta);
        last = head.lx;
    }
    put.varint(f.depths.size());
    for (const Digest::Depth& depth : f.depths)
        put.varint(depth.lx).u8(depth.depth).u8(depth.flags);
}
void body(const Graft& f, Put& put) {
    put.varint(f.lx).varint(f.from).u8(f.depth).u8(static_cast<std::uint8_t>(f.why));
}
void body(const GraftOk& f, Put& put) {
    put.varint(f.lx).varint(f.head).u8(f.depth).varint(f.retained_from);
}
void body(const GraftNo& f, Put& put) {
    put.varint(f.lx).u8(f.why).varint(f.alternatives.size());
    for (const NodeId& node : f.alternatives) put.node(node);
}
void body(const Prune& f, Put& put) { put.varint(f.lx).u8(f.why); }
void body(const Shed& f, Put& put) { put.varint(f.lx).node(f.alternative); }
void body(const Query& f, Put& put) {
    put.varint(f.logs.size());
    for (const Alias lx : f.logs) put.varint(lx);
}
void body(const QueryReply& f, Put& put) {
    put.varint(f.rows.size());
    for (const QueryReply::Row& row : f.rows)
        put.varint(row.lx).varint(row.head).u8(row.depth).u8(row.attached ? 1 : 0);
}
void body(const Data& f, Put& put) { put.varint(f.lx).u8(f.hops); }
void body(const SkipFrame& f, Put& put) {
    put.varint(f.lx).range(f.range).u8(static_cast<std::uint8_t>(f.why));
}
void body(const Ack& f, Put& put) {
    put.varint(f.rows.size());
    for (const Ack::Row& row : f.rows) put.varint(row.lx).varint(row.memory).varint(row.durable);
}
void body(const Race& f, Put& put) { put.varint(f.lx).varint(f.seq); }
void body(const VectorRoot& f, Put& put) {
    put.le(static_cast<std::uint16_t>(f.buckets.size()));
    for (const std::uint64_t bucket : f.buckets) put.le(bucket);
}
void body(const Vector& f, Put& put) {
    put.le(f.bucket).u8(f.last ? 1 : 0).varint(f.rows.size());
    for (const Vector::Row& row : f.rows) {
        put.log(row.log)
            .varint(row.lowest)
            .varint(row.watermark)
            .varint(row.head)
            .le(row.last.value)
            .varint(row.gaps.size());
        for (const SeqRange& gap : row.gaps) put.range(gap);
    }
}
void body(const Pull& f, Put& put) {
    put.le(f.request).log(f.log).varint(f.ranges.size());
    for (const SeqRange& range : f.ranges) put.range(range);
    put.le(f.bytes_max);
}
void body(const Chunk& f, Put& put) { put.le(f.request).log(f.log); }
void body(const PullEnd& f, Put& put) { put.le(f.request).u8(f.why).le(f.retry_ms); }
void body(const Pass& f, Put& put) { put.raw(f.body); }

/// The type byte of each frame, in the order of the variant; Pass brings its own.
constexpr Type kTypes[] = {
    Type::Hello,      Type::Ping,    Type::Pong,     Type::Credit, Type::Bye,
    Type::Error,      Type::LogDef,  Type::Announce, Type::Digest, Type::Graft,
    Type::GraftOk,    Type::GraftNo, Type::Prune,    Type::Shed,   Type::Query,
    Type::QueryReply, Type::Data,    Type::Skip,     Type::Ack,    Type::Race,
    Type::VectorRoot, Type::Vector,  Type::Pull,     Type::Chunk,  Type::PullEnd};
static_assert(std::size(kTypes) + 1 == std::variant_size_v<Frame>);

std::uint8_t type_of(const Frame& frame) {
    if (const auto* pass = std::get_if<Pass>(&frame)) return pass->type;
    return static_cast<std::uint8_t>(kTypes[frame.index()]);
}

/// The block's bytes that stand at the end of the body.
BytesView tail_of(const Frame& frame) {
    if (const auto* data = std::get_if<Data>(&frame)) return data->block;
    if (const auto* chunk = std::get_if<Chunk>(&frame)) return chunk->block;
    return {};
}

}  // namespace

void encode(const Frame& frame, Bytes& out, bool head_only) {
    const std::size_t at = out.size();
    out.append(kHeadBytes, '\0');
    Put put(out);
    std::visit([&](const auto& f) { body(f, put); }, frame);
    const BytesView tail = tail_of(frame);
    const auto length = static_cast<std::uint32_t>(out.size() - at - kHeadBytes + tail.size());
    for (unsigned i = 0; i < 4; ++i) out[at + i] = static_cast<char>(length >> (8 * i));
    out[at + 4] = static_cast<char>(type_of(frame));
    if (!head_only) out += tail;
}

}  // namespace anode::mesh::frames
