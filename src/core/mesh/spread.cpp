#include "core/mesh/spread.hpp"

#include <algorithm>
#include <cmath>

namespace anode::mesh {
namespace {

constexpr Duration kLook = 100ms, kLookAtAge = 1s;
constexpr Duration kCoolDown = 300ms;
constexpr double kSlowFrom = 64.0 * 1024 * 1024, kRefuseFrom = 128.0 * 1024 * 1024;
constexpr double kOldFrom = 5, kOldRefuse = 10;  ///< seconds
constexpr std::size_t kBlocksMax = 200'000;
constexpr std::uint8_t kKeepAway = 255;

}  // namespace

void Spread::sealed(const LogEntry& entry, const WireBlock& block) {
    Unspread& ours = unspread_[entry.log()];
    // Nobody counts what nobody could take: alone, a node accepts what its store can hold.
    if (ours.blocks.size() >= kBlocksMax) return;
    ours.blocks.push_back({block.last(), block.wire->size(), shared_.now.mono});
    ours.bytes += block.wire->size();
}

bool Spread::waits() const {
    for (const auto& [id, link] : shared_.links.all())
        if (!link->system_streams.empty() || !link->data_streams.empty()) return true;
    return false;
}

Instant Spread::due() const {
    if (told_ > 0 || shared_.own_load > 0 || waits()) return looked_at_ + kLook;
    // What is only waiting to be heard of elsewhere becomes a matter after seconds.
    for (const auto& [log, one] : unspread_)
        if (!one.blocks.empty()) return looked_at_ + kLookAtAge;
    return kNever;
}

void Spread::tick() {
    const Duration passed = shared_.now.mono - looked_at_;
    if (passed < kLook) return;
    looked_at_ = shared_.now.mono;
    measure(passed);
    throttle();
    shed();
}

/// How much leaves us, and how busy that makes us. Only what is measured while something waits says what we can do.
void Spread::measure(Duration passed) {
    std::uint64_t waiting = 0;
    for (const auto& [id, link] : shared_.links.all()) waiting += link->unsent;
    const std::uint64_t left =
        shared_.counters.bytes_out - std::min(shared_.counters.bytes_out, waiting);
    const double seconds = std::chrono::duration<double>(passed).count();
    drain_ = left > drained_ ? static_cast<double>(left - drained_) / seconds : 0;
    drained_ = left;
    if (waits()) drain_most_ = std::max(0.999 * drain_most_, drain_);
    bool behind = shared_.pressed;
    for (const auto& [log, entry] : shared_.logs.all())
        behind |= entry->tree.state == Tree::State::Attached &&
                  entry->state.head() < entry->tree.catch_up_to;
    const double share = drain_most_ > 0 && waits() ? std::min(drain_ / drain_most_, 0.99) : 0;
    shared_.own_load = behind ? kKeepAway : static_cast<std::uint8_t>(share * 255);
}

void Spread::throttle() {
    bool linked = false;
    for (const auto& [id, link] : shared_.links.all()) linked |= link->live();
    double bytes = 0, age = 0;
    for (auto& [log, ours] : unspread_) {
        const LogEntry* entry = shared_.logs.find(log);
        Seq elsewhere = 0;
        for (const auto& [id, link] : shared_.links.all())
            if (const Edge* edge = entry != nullptr ? link->edge_if(entry->number) : nullptr)
                elsewhere = std::max({elsewhere, edge->acked, edge->head});
        while (!ours.blocks.empty() && ours.blocks.front().last <= elsewhere) {
            ours.bytes -= ours.blocks.front().bytes;
            ours.blocks.pop_front();
        }
        if (!linked) ours = {};
        if (ours.blocks.empty()) continue;
        bytes += static_cast<double>(ours.bytes);
        const Duration oldest = shared_.now.mono - ours.blocks.front().at;
        age = std::max(age, std::chrono::duration<double>(oldest).count());
    }
    const double by_bytes = (bytes - kSlowFrom) / (kRefuseFrom - kSlowFrom);
    const double by_age = (age - kOldFrom) / (kOldRefuse - kOldFrom);
    const double share = std::clamp(std::max(by_bytes, by_age), 0.0, 1.0);
    const bool edge = (share == 0) != (told_ == 0) || (share == 1) != (told_ == 1);
    if (!edge && std::abs(share - told_) < 0.05) return;
    told_ = share;
    shared_.out->push(Throttle{share});
}

bool Spread::hindered(const Link& link, const LogEntry& entry) const {
    const Edge* edge = link.edge_if(entry.number);
    return edge != nullptr && edge->child && edge->queued && edge->behind_since != kNever &&
           link.unsent >= shared_.config.unsent_max &&
           shared_.now.mono - edge->behind_since > kLook;
}

/// If our egress is what holds children up, the log that costs most becomes a tree with fewer children of ours.
void Spread::shed() {
    if (!shared_.full_mesh || shared_.now.mono < shed_after_) return;
    LogEntry* heaviest = nullptr;
    double most = 0;
    for (const auto& [log, entry] : shared_.logs.all()) {
        double children = 0, hindered_ones = 0;
        for (const auto& [id, link] : shared_.links.all()) {
            const Edge* edge = link->edge_if(entry->number);
            if (!link->live() || edge == nullptr || !edge->child) continue;
            ++children;
            hindered_ones += hindered(*link, *entry) ? 1 : 0;
        }
        // One slow child is its own fault; when most of them wait, it is ours.
        if (children < 2 || hindered_ones * 2 <= children) continue;
        const double cost = std::max(entry->rate * entry->entry_bytes, 1.0) * children;
        if (cost <= most) continue;
        most = cost;
        heaviest = entry.get();
    }
    if (heaviest != nullptr) shed(*heaviest);
}

void Spread::shed(LogEntry& entry) {
    std::vector<Link*> children;
    for (const auto& [id, link] : shared_.links.all()) {
        const Edge* edge = link->edge_if(entry.number);
        if (link->live() && edge != nullptr && edge->child) children.push_back(link.get());
    }
    std::ranges::sort(children, [&](const Link* a, const Link* b) {
        const Seq x = a->edges[entry.number].cursor, y = b->edges[entry.number].cursor;
        return x != y ? x > y : a->id < b->id;
    });
    const double rate = std::max(entry.rate * entry.entry_bytes, 1.0);
    const auto can = static_cast<std::size_t>(0.75 * drain_ / rate);
    const std::size_t keep = std::clamp<std::size_t>(can, 1, children.size());
    for (std::size_t j = keep; j < children.size(); ++j) {
        const auto lx = shared_.alias(*children[j], entry);
        shared_.send(*children[j], frames::Shed{lx, children[(j - keep) / keep]->peer});
        ++shared_.counters.sheds;
    }
    shed_after_ = shared_.now.mono + kCoolDown;
}

}  // namespace anode::mesh
