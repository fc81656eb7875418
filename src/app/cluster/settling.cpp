#include "app/cluster/settling.hpp"

#include <algorithm>
#include <utility>

#include "base/varint.hpp"

namespace anode::app {
namespace {

constexpr Duration kLook = 20ms, kQuestionAge = 60s;
constexpr std::size_t kOwedMax = 1'000, kToldMax = 10'000;
constexpr std::uint8_t kFormat = 1, kQuestion = 0, kAnswer = 1;

Bytes question(Seq seq) {
    Bytes entry;
    put_le(entry, kFormat);
    put_le(entry, kQuestion);
    put_varint(entry, seq);
    return entry;
}

Bytes answer(const LogKey& log, Seq seq) {
    Bytes entry;
    put_le(entry, kFormat);
    put_le(entry, kAnswer);
    put_varint(entry, seq);
    log.append_to(entry);
    return entry;
}

}  // namespace

void Settling::wait(Seq seq, Duration timeout, Reply<std::vector<NodeId>> reply) {
    if (world_.alive().empty()) return reply({});
    waiting_.emplace(seq, Waiting{world_.loop.now().mono + timeout, std::move(reply)});
    look();
}

void Settling::heard(const LogKey& log, WallTime at, BytesView entry) {
    ByteReader in(entry);
    const auto format = in.le<std::uint8_t>();
    const auto kind = in.le<std::uint8_t>();
    const auto seq = in.varint();
    if (!format || *format != kFormat || !kind || !seq) return;
    if (*kind == kAnswer) {
        const auto rest = in.take(LogKey::kBytes);
        const auto asked = rest ? LogKey::from(*rest) : std::nullopt;
        if (!asked || *asked != world_.log) return;
        if (told_.size() >= kToldMax) told_.clear();  // at worst somebody is asked again
        Seq& told = told_[log.node];
        told = std::max<Seq>(told, *seq);
        return;
    }
    // Whoever is linked is told by the mesh, and a question that comes late is nobody's any more.
    const Now now = world_.loop.now();
    if (*kind != kQuestion || linked_.contains(log.node)) return;
    if (now.wall - at > kQuestionAge / 1us) return;
    if (!owed_.contains(log) && owed_.size() >= kOwedMax) return;
    Owed& owed = owed_[log];
    owed.seq = std::max<Seq>(owed.seq, *seq);
    owed.until = now.mono + kQuestionAge;
    look_soon();
}

void Settling::look_soon() {
    if ((waiting_.empty() && owed_.empty()) || std::exchange(looking_, true)) return;
    world_.loop.after(kLook, [this] {
        looking_ = false;
        look();
    });
}

void Settling::look() {
    pay();
    std::vector<Seq> seqs;
    for (const auto& [seq, waiting] : waiting_)
        if (seqs.empty() || seqs.back() != seq) seqs.push_back(seq);
    for (const Seq seq : seqs)
        world_.having(seq, [this, seq](const std::vector<NodeId>& having) { weigh(seq, having); });
    look_soon();
}

void Settling::weigh(Seq seq, const std::vector<NodeId>& having) {
    std::vector<NodeId> lacking;
    bool unlinked = false;
    for (const NodeId& node : world_.alive()) {
        if (std::ranges::find(having, node) != having.end()) continue;
        const auto told = told_.find(node);
        if (told != told_.end() && told->second >= seq) continue;
        unlinked |= !linked_.contains(node);
        lacking.push_back(node);
    }
    if (unlinked && asked_ < seq) {
        asked_ = seq;
        world_.say(question(seq));
    }
    const Instant now = world_.loop.now().mono;
    std::vector<Reply<std::vector<NodeId>>> done;
    for (auto at = waiting_.lower_bound(seq); at != waiting_.end() && at->first == seq;) {
        if (lacking.empty() || at->second.until <= now) {
            done.push_back(std::move(at->second.reply));
            at = waiting_.erase(at);
        } else {
            ++at;
        }
    }
    for (auto& reply : done) reply(lacking);
}

void Settling::pay() {
    const Instant now = world_.loop.now().mono;
    std::erase_if(owed_, [&](const auto& one) { return one.second.until <= now; });
    for (const auto& one : std::map(owed_))
        world_.has(one.first, one.second.seq,
                   [this, log = one.first, seq = one.second.seq](bool has) {
                       if (has) pay_one(log, seq);
                   });
}

void Settling::pay_one(const LogKey& log, Seq seq) {
    const auto owed = owed_.find(log);
    if (owed == owed_.end() || owed->second.seq > seq) return;  // more was asked for meanwhile
    owed_.erase(owed);
    world_.say(answer(log, seq));
}

}  // namespace anode::app
