#include "core/mesh/delivery.hpp"

#include <algorithm>

namespace anode::mesh {
namespace {

/// Origins cut a log into blocks once, so of a block all is here or nothing. Another cut is another tale.
bool cut_otherwise(const LogState& state, const WireBlock& block) {
    if (block.first > state.head()) return false;
    std::uint32_t had = 0;
    for (Seq seq = block.first; seq <= block.last(); ++seq) had += state.has(seq) ? 1 : 0;
    return had != 0 && had != block.count;
}

}  // namespace

bool Delivery::take(LogEntry& entry, WireBlock block, const NodeId& from, std::uint8_t hops,
                    bool late) {
    LogState& state = entry.state;
    const Seq head = state.head();
    if (cut_otherwise(state, block)) {
        constexpr std::string_view kWhat = "a peer sends a block that overlaps those we have";
        if (shared_.blame(from, {}, Fault::Forged, kWhat))
            shared_.notice(Notice::Level::Warn, kWhat, from,
                           entry.log().node.text() + " " + std::to_string(block.first));
        return false;
    }
    const auto fresh = state.have({block.first, block.last()}, block.first_hlc, block.last_hlc);
    if (fresh.empty()) return false;
    shared_.counters.messages_in += block.count;
    if (!late) shared_.cache.add(entry.log(), block);
    shared_.out->push(Deliver{entry.log(), std::move(block), from, hops, late});
    for (const SeqRange& part : fresh) {
        if (part.first > head) continue;
        const SeqRange filled{part.first, std::min(part.last, head)};
        shared_.counters.repaired += filled.last - filled.first + 1;
        shared_.out->push(GapClosed{entry.log(), filled, true});
        changed(entry);
    }
    return true;
}

void Delivery::jump(LogEntry& entry, Seq to) {
    const auto holes = entry.state.jump(to);
    if (holes.empty()) return;
    changed(entry);
    for (const SeqRange& hole : holes) {
        shared_.out->push(GapOpened{entry.log(), hole});
        repair_.on_gap(entry, hole);
    }
}

void Delivery::give_up(LogEntry& entry, SeqRange range, Skip why) {
    for (const SeqRange& part : entry.state.skip(range, why)) {
        shared_.counters.skipped += part.last - part.first + 1;
        shared_.out->push(GapClosed{entry.log(), part, false, why});
        changed(entry);
    }
}

std::uint64_t Delivery::lose(LogEntry& entry, SeqRange range) {
    std::uint64_t count = 0;
    for (const SeqRange& hole : entry.state.lose(range)) {
        count += hole.last - hole.first + 1;
        shared_.out->push(GapOpened{entry.log(), hole});
        changed(entry);
        repair_.on_gap(entry, hole);
    }
    return count;
}

void Delivery::changed(LogEntry& entry) {
    if (entry.remember_due) return;
    entry.remember_due = true;
    changed_.push_back(entry.log());
}

void Delivery::flush() {
    for (const LogKey& log : changed_) {
        LogEntry* entry = shared_.logs.find(log);
        if (entry == nullptr) continue;
        entry->remember_due = false;
        // A log without holes and without anything given up is known from its blocks alone.
        const bool plain =
            entry->state.skipped().empty() && entry->state.watermark() == entry->state.head();
        if (plain && !entry->remembered) continue;
        entry->remembered = !plain;
        shared_.out->push(Remember{log, plain ? Bytes() : entry->state.remember()});
    }
    changed_.clear();
}

}  // namespace anode::mesh
