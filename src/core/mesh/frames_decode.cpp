#include "base/varint.hpp"
#include "core/mesh/frames.hpp"
#include "core/message/block.hpp"

namespace anode::mesh::frames {
namespace {

constexpr std::size_t kTextMax = 255;
constexpr std::size_t kRangesMax = 64, kGapsMax = 33, kAlternativesMax = 4, kBucketsMax = 256;

/// Reads the fields of a body in their order. The first fault sticks; what is read behind it is empty.
class Take {
public:
    Take(std::string_view frame, BytesView body) : in_(body), frame_(frame) {}

    template <class Int>
    Int le(std::string_view field) {
        const auto value = in_.le<Int>();
        if (!value) fault(Errc::Truncated, field);
        return value.value_or(Int{});
    }
    std::uint64_t varint(std::string_view field) {
        const auto value = in_.varint();
        if (!value) fault(Errc::Truncated, field);
        return value.value_or(0);
    }
    std::string text(std::string_view field) {
        const auto value = in_.lp();
        if (!value) fault(Errc::Truncated, field);
        if (value && value->size() > kTextMax) fault(Errc::TooLarge, field);
        return value && value->size() <= kTextMax ? std::string(*value) : std::string();
    }
    NodeId node(std::string_view field) {
        NodeId id;
        if (const auto raw = in_.take(id.bytes.size()))
            std::copy(raw->begin(), raw->end(), id.bytes.begin());
        else
            fault(Errc::Truncated, field);
        return id;
    }
    LogKey log() {
        const auto raw = in_.take(LogKey::kBytes);
        const auto log = raw ? LogKey::from(*raw) : std::nullopt;
        if (!log) fault(raw ? Errc::Malformed : Errc::Truncated, "log");
        return log.value_or(LogKey{});
    }
    SeqRange range(std::string_view field) {
        const Seq first = varint(field);
        const Seq length = varint(field);
        if (first == 0) fault(Errc::Malformed, field);
        if (first >= kSeqMax || length >= kSeqMax - first) {
            fault(Errc::TooLarge, field);
            return {};
        }
        return {first, first + length};
    }
    Seq seq(std::string_view field) {
        const Seq value = varint(field);
        if (value >= kSeqMax) fault(Errc::TooLarge, field);
        return value;
    }
    /// How many rows follow, each of at least `bytes_each`: no more than the bytes that are there can hold.
    std::size_t count(std::string_view field, std::size_t bytes_each, std::size_t most = SIZE_MAX) {
        const std::uint64_t value = varint(field);
        if (value > most) fault(Errc::TooLarge, field);
        if (value > in_.rest().size() / bytes_each) fault(Errc::Truncated, field);
        return error_ ? 0 : static_cast<std::size_t>(value);
    }
    BytesView rest() {
        const BytesView all = in_.rest();
        (void)in_.take(all.size());
        return all;
    }
    /// One of 0 … `last`.
    std::uint8_t choice(std::string_view field, std::uint8_t last) {
        const auto value = le<std::uint8_t>(field);
        if (value > last) fault(Errc::Malformed, field);
        return value;
    }
    void fault(Errc code, std::string_view field) {
        if (!error_) error_ = Error{code, std::string(frame_) + ": " + std::string(field)};
    }
    Result<Frame> done(Frame frame) {
        if (!error_ && !in_.at_end()) fault(Errc::Malformed, "bytes behind its end");
        if (error_) return std::unexpected(*error_);
        return frame;
    }
    [[nodiscard]] bool good() const noexcept { return !error_; }

private:
    ByteReader in_;
    std::string_view frame_;
    std::optional<Error> error_;
};

Result<Frame> hello(BytesView body) {
    Take take("hello", body);
    Hello f;
    f.protocol = take.le<std::uint16_t>("protocol");
    f.protocol_min = take.le<std::uint16_t>("oldest protocol");
    f.cluster = take.text("cluster");
    f.node = take.node("node");
    f.epoch.value = take.le<std::uint64_t>("epoch");
    f.name = take.text("name");
    f.zone = take.text("zone");
    f.capabilities = take.le<std::uint64_t>("capabilities");
    f.wall = take.le<WallTime>("wall clock");
    f.hlc.value = take.le<std::uint64_t>("stamp");
    f.horizon_s = take.le<std::uint32_t>("horizon");
    f.message_max = take.le<std::uint32_t>("message size");
    f.live_window = take.le<std::uint32_t>("live window");
    f.bulk_window = take.le<std::uint32_t>("bulk window");
    f.purpose =
        static_cast<Purpose>(take.choice("purpose", static_cast<std::uint8_t>(Purpose::Audit)));
    (void)take.rest();  // a later version may say more
    return take.done(std::move(f));
}

template <class F>
Result<Frame> ping(std::string_view name, BytesView body) {
    Take take(name, body);
    F f;
    f.nonce = take.le<std::uint64_t>("nonce");
    f.wall = take.le<WallTime>("wall clock");
    f.hlc.value = take.le<std::uint64_t>("stamp");
    f.load = take.le<std::uint8_t>("load");
    f.lag_ms = take.le<std::uint32_t>("lag");
    return take.done(f);
}

Result<Frame> digest(BytesView body) {
    Take take("digest", body);
    Digest f;
    Alias last = 0;
    for (std::size_t left = take.count("heads", 2); left != 0 && take.good(); --left) {
        last += take.varint("log");
        f.heads.push_back({last, take.seq("head")});
    }
    for (std::size_t left = take.count("depths", 3); left != 0 && take.good(); --left) {
        const Alias lx = take.varint("log");
        const auto depth = take.le<std::uint8_t>("depth");
        f.depths.push_back({lx, depth, take.le<std::uint8_t>("flags")});
    }
    return take.done(std::move(f));
}

Result<Frame> graft_no(BytesView body) {
    Take take("graft refused", body);
    GraftNo f;
    f.lx = take.varint("log");
    f.why = take.le<std::uint8_t>("reason");
    for (std::size_t left = take.count("alternatives", 16, kAlternativesMax); left != 0; --left)
        f.alternatives.push_back(take.node("alternative"));
    return take.done(std::move(f));
}

Result<Frame> query(BytesView body) {
    Take take("query", body);
    Query f;
    for (std::size_t left = take.count("logs", 1); left != 0 && take.good(); --left)
        f.logs.push_back(take.varint("log"));
    return take.done(std::move(f));
}

Result<Frame> query_reply(BytesView body) {
    Take take("query answer", body);
    QueryReply f;
    for (std::size_t left = take.count("rows", 4); left != 0 && take.good(); --left) {
        QueryReply::Row row{};
        row.lx = take.varint("log");
        row.head = take.seq("head");
        row.depth = take.le<std::uint8_t>("depth");
        row.attached = take.choice("attached", 1) != 0;
        f.rows.push_back(row);
    }
    return take.done(std::move(f));
}

Result<Frame> ack(BytesView body) {
    Take take("ack", body);
    Ack f;
    for (std::size_t left = take.count("rows", 3); left != 0 && take.good(); --left) {
        const Alias lx = take.varint("log");
        const Seq memory = take.seq("head in memory");
        f.rows.push_back({lx, memory, take.seq("head on disk")});
    }
    return take.done(std::move(f));
}

Result<Frame> vector_root(BytesView body) {
    Take take("vector root", body);
    VectorRoot f;
    const auto buckets = take.le<std::uint16_t>("buckets");
    if (buckets != kBucketsMax) take.fault(Errc::Malformed, "buckets");
    for (std::size_t i = 0; i < kBucketsMax && take.good(); ++i)
        f.buckets.push_back(take.le<std::uint64_t>("bucket"));
    return take.done(std::move(f));
}

Result<Frame> vector(BytesView body) {
    Take take("vector", body);
    Vector f;
    f.bucket = take.le<std::uint16_t>("bucket");
    if (f.bucket >= kBucketsMax && f.bucket != 0xFFFF) take.fault(Errc::Malformed, "bucket");
    f.last = take.choice("last", 1) != 0;
    for (std::size_t left = take.count("rows", LogKey::kBytes + 12); left != 0 && take.good();
         --left) {
        Vector::Row row;
        row.log = take.log();
        row.lowest = take.seq("lowest");
        row.watermark = take.seq("watermark");
        row.head = take.seq("head");
        row.last.value = take.le<std::uint64_t>("last stamp");
        if (row.watermark > row.head) take.fault(Errc::Malformed, "watermark above head");
        for (std::size_t gaps = take.count("gaps", 2, kGapsMax); gaps != 0 && take.good(); --gaps) {
            const SeqRange gap = take.range("gap");
            if (gap.last > row.head || (!row.gaps.empty() && gap.first <= row.gaps.back().last))
                take.fault(Errc::Malformed, "gap");
            row.gaps.push_back(gap);
        }
        f.rows.push_back(std::move(row));
    }
    return take.done(std::move(f));
}

Result<Frame> pull(BytesView body) {
    Take take("pull", body);
    Pull f;
    f.request = take.le<std::uint32_t>("request");
    f.log = take.log();
    for (std::size_t left = take.count("ranges", 2, kRangesMax); left != 0 && take.good(); --left)
        f.ranges.push_back(take.range("range"));
    if (f.ranges.empty()) take.fault(Errc::Malformed, "ranges");
    f.bytes_max = take.le<std::uint32_t>("bytes");
    return take.done(std::move(f));
}

Result<Frame> small(Type type, BytesView body) {
    Take take("frame", body);
    switch (type) {
        case Type::Credit: {
            const auto live = take.choice("credit: class", 2);
            if (live == 0) take.fault(Errc::Malformed, "credit: class");
            return take.done(Credit{live, take.le<std::uint32_t>("credit: bytes")});
        }
        case Type::Bye: {
            const auto reason = take.le<std::uint8_t>("bye: reason");
            return take.done(Bye{reason, take.text("bye: text")});
        }
        case Type::Error: {
            const auto code = take.le<std::uint16_t>("error: code");
            return take.done(ErrorFrame{code, take.text("error: text")});
        }
        case Type::LogDef: {
            const Alias lx = take.varint("log definition: log");
            return take.done(LogDef{lx, take.log()});
        }
        case Type::Announce: {
            Announce f;
            f.lx = take.varint("announce: log");
            f.head = take.seq("announce: head");
            f.depth = take.le<std::uint8_t>("announce: depth");
            f.opened = take.le<WallTime>("announce: opened");
            return take.done(f);
        }
        case Type::Graft: {
            Graft f;
            f.lx = take.varint("graft: log");
            f.from = take.seq("graft: from");
            if (f.from == 0) take.fault(Errc::Malformed, "graft: from");
            f.depth = take.le<std::uint8_t>("graft: depth");
            f.why = static_cast<Why>(
                take.choice("graft: reason", static_cast<std::uint8_t>(Why::Spread)));
            return take.done(f);
        }
        case Type::GraftOk: {
            GraftOk f;
            f.lx = take.varint("graft accepted: log");
            f.head = take.seq("graft accepted: head");
            f.depth = take.le<std::uint8_t>("graft accepted: depth");
            f.retained_from = take.seq("graft accepted: retained");
            return take.done(f);
        }
        case Type::Prune: {
            const Alias lx = take.varint("prune: log");
            return take.done(Prune{lx, take.le<std::uint8_t>("prune: reason")});
        }
        case Type::Shed: {
            const Alias lx = take.varint("shed: log");
            return take.done(Shed{lx, take.node("shed: alternative")});
        }
        case Type::Skip: {
            SkipFrame f;
            f.lx = take.varint("skip: log");
            f.range = take.range("skip: range");
            f.why = static_cast<Skip>(
                take.choice("skip: reason", static_cast<std::uint8_t>(Skip::Unreadable)));
            return take.done(f);
        }
        case Type::Race: {
            const Alias lx = take.varint("race: log");
            return take.done(Race{lx, take.seq("race: sequence")});
        }
        case Type::PullEnd: {
            PullEnd f;
            f.request = take.le<std::uint32_t>("pull end: request");
            f.why = take.choice("pull end: reason", 2);
            f.retry_ms = take.le<std::uint32_t>("pull end: retry");
            return take.done(f);
        }
        default:
            return fail(Errc::Unsupported, "frame: unknown type");
    }
}

Result<Frame> data(BytesView body) {
    Take take("data", body);
    Data f;
    f.lx = take.varint("log");
    f.hops = take.le<std::uint8_t>("hops");
    f.block = take.rest();
    return take.done(f);
}

Result<Frame> chunk(BytesView body) {
    Take take("chunk", body);
    Chunk f;
    f.request = take.le<std::uint32_t>("request");
    f.log = take.log();
    f.block = take.rest();
    return take.done(f);
}

bool known(std::uint8_t type) {
    return (type >= 1 && type <= 6) || (type >= 10 && type <= 23) || (type >= 30 && type <= 34) ||
           (type >= static_cast<std::uint8_t>(Type::PassFirst) &&
            type <= static_cast<std::uint8_t>(Type::PassLast));
}

Result<Frame> decode(std::uint8_t type, BytesView body) {
    if (type >= static_cast<std::uint8_t>(Type::PassFirst)) return Frame{Pass{type, body}};
    switch (static_cast<Type>(type)) {
        case Type::Hello:
            return hello(body);
        case Type::Ping:
            return ping<Ping>("ping", body);
        case Type::Pong:
            return ping<Pong>("pong", body);
        case Type::Digest:
            return digest(body);
        case Type::GraftNo:
            return graft_no(body);
        case Type::Query:
            return query(body);
        case Type::QueryReply:
            return query_reply(body);
        case Type::Data:
            return data(body);
        case Type::Ack:
            return ack(body);
        case Type::VectorRoot:
            return vector_root(body);
        case Type::Vector:
            return vector(body);
        case Type::Pull:
            return pull(body);
        case Type::Chunk:
            return chunk(body);
        default:
            return small(static_cast<Type>(type), body);
    }
}

}  // namespace

void FrameReader::add(BytesView bytes) {
    if (read_ != 0 && (read_ == buffer_.size() || read_ >= 64 * 1024)) {
        buffer_.erase(0, read_);
        read_ = 0;
    }
    buffer_ += bytes;
}

Result<std::optional<Frame>> FrameReader::next() {
    for (;;) {
        const BytesView rest = BytesView(buffer_).substr(read_);
        if (rest.size() < kHeadBytes) return std::nullopt;
        ByteReader in(rest);
        const std::uint32_t length = *in.le<std::uint32_t>();
        const std::uint8_t type = *in.le<std::uint8_t>();
        const std::uint8_t flags = *in.le<std::uint8_t>();
        if (length > frame_max_)
            return fail(Errc::TooLarge, "frame of " + std::to_string(length) + " bytes");
        const bool skipped = !known(type);
        if (skipped && (flags & kOptional) == 0)
            return fail(Errc::Unsupported, "frame of type " + std::to_string(type));
        if (rest.size() < kHeadBytes + length) return std::nullopt;
        read_ += kHeadBytes + length;
        if (skipped) continue;
        auto frame = decode(type, rest.substr(kHeadBytes, length));
        if (!frame) return std::unexpected(std::move(frame.error()));
        return std::optional<Frame>(std::move(*frame));
    }
}

Result<WireBlock> peek_block(const LogKey& log, BytesView wire) {
    const auto head = anode::peek_block(log, wire);
    if (!head) return std::unexpected(head.error());
    // The header has the first stamp only; the last one lies inside the body. Close enough for ages: a block is milliseconds long.
    return WireBlock{head->first_seq, head->count, head->first_hlc, head->first_hlc, nullptr};
}

}  // namespace anode::mesh::frames
