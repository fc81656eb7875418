#include <algorithm>

#include "core/mesh/parts.hpp"

/// Which part a frame is for, and what must hold before it gets there.
namespace anode::mesh {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
    using Fs::operator()...;
};

constexpr std::uint8_t kLiveCredit = 1;
constexpr std::int64_t kCreditMax = std::int64_t{64} << 20;
constexpr double kBytesAUnit = 64, kPassBytesAUnit = 1024;

bool is_handshake(const frames::Frame& frame) {
    return std::holds_alternative<frames::Hello>(frame) ||
           std::holds_alternative<frames::ErrorFrame>(frame) ||
           std::holds_alternative<frames::Bye>(frame);
}

/// What only a main link carries: trees, and what is passed on for the parts above.
bool is_live(const frames::Frame& frame) {
    return std::visit(
        [](const auto& one) {
            using F = std::decay_t<decltype(one)>;
            return std::is_same_v<F, frames::Announce> || std::is_same_v<F, frames::Digest> ||
                   std::is_same_v<F, frames::Graft> || std::is_same_v<F, frames::GraftOk> ||
                   std::is_same_v<F, frames::GraftNo> || std::is_same_v<F, frames::Prune> ||
                   std::is_same_v<F, frames::Shed> || std::is_same_v<F, frames::Query> ||
                   std::is_same_v<F, frames::QueryReply> || std::is_same_v<F, frames::Data> ||
                   std::is_same_v<F, frames::Ack> || std::is_same_v<F, frames::Race> ||
                   std::is_same_v<F, frames::Pass>;
        },
        frame);
}

}  // namespace

void Mesh::Parts::on_frame(Link& link, const frames::Frame& frame) {
    if (!link.ready() && !is_handshake(frame))
        return links.accuse(link, 1, {Errc::Malformed, "a frame before HELLO"});
    if (link.purpose != Purpose::Main && is_live(frame))
        return links.accuse(link, 1, {Errc::Malformed, "a live frame on a link for repair"});
    const bool data = std::holds_alternative<frames::Data>(frame);
    if (!data) ++shared.counters.control_in;
    // A frame about a log goes to its tree, if the log is kept here.
    const auto for_log = [&](const auto& one, auto&& handler) {
        if (LogEntry* entry = resolve(link, one.lx)) (trees.*handler)(link, *entry, one);
    };
    std::visit(Overloaded{
                   [&](const frames::Hello& f) { links.on_hello(link, f); },
                   [&](const frames::Pong& f) { links.on_pong(link, f); },
                   [&](const frames::Ping& f) { links.on_ping(link, f); },
                   [&](const frames::Credit& f) { on_credit(link, f); },
                   [&](const frames::Bye& f) { links.on_bye(link, f); },
                   [&](const frames::ErrorFrame& f) { links.on_error(link, f); },
                   [&](const frames::LogDef& f) { on_log_def(link, f); },
                   [&](const frames::Announce& f) {
                       const auto at = link.aliases.find(f.lx);
                       if (at == link.aliases.end())
                           return links.accuse(link, frames::error_code::kUnknownLog,
                                               {Errc::Malformed, "announce: unknown log"});
                       trees.heard(link, at->second.log, {f.head, f.depth, false, true, f.opened});
                   },
                   [&](const frames::Digest& f) { trees.on_digest(link, f); },
                   [&](const frames::Graft& f) { for_log(f, &Trees::on_graft); },
                   [&](const frames::GraftOk& f) { for_log(f, &Trees::on_graft_ok); },
                   [&](const frames::GraftNo& f) { for_log(f, &Trees::on_graft_no); },
                   [&](const frames::Prune& f) { for_log(f, &Trees::on_prune); },
                   [&](const frames::Shed& f) { for_log(f, &Trees::on_shed); },
                   [&](const frames::Query& f) { trees.on_query(link, f); },
                   [&](const frames::QueryReply& f) { trees.on_query_reply(link, f); },
                   [&](const frames::Data& f) {
                       shared.counters.payload_in += f.block.size();
                       link.owed += f.block.size();
                       const Counters& counters = shared.counters;
                       const auto before = counters.duplicates + counters.unasked;
                       for_log(f, &Trees::on_data);
                       // Credit bounds what is new; what is not new is bounded like all the rest.
                       if (counters.duplicates + counters.unasked > before)
                           charge(link, 1 + static_cast<double>(f.block.size()) / 256);
                   },
                   [&](const frames::SkipFrame& f) {
                       if (link.purpose == Purpose::Main) return for_log(f, &Trees::on_skip);
                       const auto at = link.aliases.find(f.lx);
                       if (at != link.aliases.end()) repair.on_skip(link, at->second.log, f);
                   },
                   [&](const frames::Ack& f) { on_acks(link, f); },
                   [&](const frames::Race& f) { for_log(f, &Trees::on_race); },
                   [&](const frames::VectorRoot& f) { repair.on_vector_root(link, f); },
                   [&](const frames::Vector& f) { repair.on_vector(link, f); },
                   [&](const frames::Pull& f) { repair.on_pull(link, f); },
                   [&](const frames::Chunk& f) {
                       shared.counters.payload_in += f.block.size();
                       repair.on_chunk(link, f);
                   },
                   [&](const frames::PullEnd& f) { repair.on_pull_end(link, f); },
                   [&](const frames::Pass& f) {
                       shared.out->push(FromPeer{link.peer, f.type, shared.out->store(f.body)});
                   },
               },
               frame);
}

void Mesh::Parts::charge(Link& link, double units) {
    if (!link.ready() || link.asks.spend(units, shared.now.mono)) return;
    links.accuse(link, frames::error_code::kFlood,
                 {Errc::Overloaded, "more frames than it may send"});
}

void Mesh::Parts::charge(Link& link, std::size_t bytes, const std::optional<frames::Frame>& frame) {
    double units = 1 + static_cast<double>(bytes) / kBytesAUnit;
    if (frame)
        std::visit(
            [&](const auto& one) {
                using F = std::decay_t<decltype(one)>;
                if constexpr (std::is_same_v<F, frames::Data> || std::is_same_v<F, frames::Chunk>)
                    units = static_cast<double>(bytes - one.block.size()) / kBytesAUnit;
                if constexpr (std::is_same_v<F, frames::Pass>)
                    units = 1 + static_cast<double>(bytes) / kPassBytesAUnit;
            },
            *frame);
    charge(link, units);
}

void Mesh::Parts::on_log_def(Link& link, const frames::LogDef& frame) {
    const auto [at, fresh] = link.aliases.try_emplace(frame.lx);
    if (!fresh && at->second.log != frame.log)
        return links.accuse(link, frames::error_code::kProtocol,
                            {Errc::Malformed, "log definition: another log had that name"});
    at->second = {frame.log, shared.logs.find(frame.log)};
    if (link.aliases.size() > 2 * shared.config.logs_max)
        links.accuse(link, frames::error_code::kTooLarge,
                     {Errc::TooLarge, "log definition: too many"});
}

LogEntry* Mesh::Parts::resolve(Link& link, frames::Alias lx) {
    const auto at = link.aliases.find(lx);
    if (at == link.aliases.end()) {
        links.accuse(link, frames::error_code::kUnknownLog,
                     {Errc::Malformed, "a log that was not defined"});
        return nullptr;
    }
    if (at->second.entry == nullptr) at->second.entry = shared.logs.find(at->second.log);
    return at->second.entry;
}

void Mesh::Parts::on_credit(Link& link, const frames::Credit& frame) {
    if (frame.live != kLiveCredit) {
        link.bulk_credit = std::min(link.bulk_credit + std::int64_t{frame.bytes}, kCreditMax);
        return repair.on_room(link);
    }
    link.credit = std::min(link.credit + std::int64_t{frame.bytes}, kCreditMax);
    link.live_outstanding -= std::min<std::uint64_t>(link.live_outstanding, frame.bytes);
    if (frame.bytes != 0) link.credit_at = shared.now.mono;
    streams.pump(link);
}

void Mesh::Parts::on_acks(Link& link, const frames::Ack& ack) {
    for (const auto& row : ack.rows) {
        LogEntry* entry = resolve(link, row.lx);
        if (link.state == Link::State::Closing) return;
        if (entry != nullptr) copies.on_ack(link, row, *entry);
    }
}

}  // namespace anode::mesh
