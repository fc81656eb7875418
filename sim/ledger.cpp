#include "sim/ledger.hpp"

#include "base/hash.hpp"

namespace anode::sim {
namespace {

std::string text_of(mesh::SeqRange range) {
    return std::to_string(range.first) + "-" + std::to_string(range.last);
}

}  // namespace

std::string text_of(const LogKey& log) {
    return log.node.text() + "@" + std::to_string(log.epoch.value) + "/" + std::to_string(log.lane);
}

Book Book::of(const Disk& disk) {
    Book book;
    for (const mesh::KnownLog& known : disk.known()) {
        Shelf& shelf = book.shelves[known.log];
        for (const mesh::SeqRange& range : known.have) {
            shelf.have.add(range);
            shelf.live = range.last;
        }
        // What it gave up before is remembered in a form that is its own affair.
        if (shelf.live > 0)
            for (const mesh::SeqRange& hole : shelf.have.missing_of({1, shelf.live})) {
                shelf.told.add(hole);
                shelf.skipped.add(hole);
            }
    }
    return book;
}

void Ledger::sealed(const LogKey& log, const mesh::WireBlock& block) {
    Origin& origin = origins_[log];
    origin.blocks[block.first] = hash64(*block.wire);
    origin.head = block.last();
    messages_ += block.count;
}

Seq Ledger::head(const LogKey& log) const {
    const auto found = origins_.find(log);
    return found == origins_.end() ? 0 : found->second.head;
}

void Ledger::delivered(Book& book, std::string_view who, const mesh::Deliver& deliver) {
    const mesh::SeqRange range{deliver.block.first, deliver.block.last()};
    const auto says = [&](std::string_view what) {
        return std::string(who) + ": " + text_of(deliver.log) + " " + text_of(range) + " " +
               std::string(what);
    };
    const auto origin = origins_.find(deliver.log);
    if (origin == origins_.end()) return broken_("I2 agreement", says("of a log nobody writes"));
    const auto block = origin->second.blocks.find(range.first);
    if (block == origin->second.blocks.end() || block->second != hash64(*deliver.block.wire))
        return broken_("I2 agreement", says("is not what was sealed"));
    Book::Shelf& shelf = book.shelves[deliver.log];
    if (shelf.have.add(range) != deliver.block.count)
        return broken_("I1 once", says("came before"));
    shelf.skipped.remove(range);
    if (deliver.late) return;
    if (range.first <= shelf.live)
        return broken_("I1 order", says("came behind " + std::to_string(shelf.live)));
    shelf.live = range.last;
}

void Ledger::gap(Book& book, const mesh::GapOpened& gap) {
    book.shelves[gap.log].told.add(gap.range);
}

void Ledger::gap(Book& book, const mesh::GapClosed& gap) {
    Book::Shelf& shelf = book.shelves[gap.log];
    shelf.told.add(gap.range);
    if (gap.repaired) return;
    for (const mesh::SeqRange& lacking : shelf.have.missing_of(gap.range))
        shelf.skipped.add(lacking);
}

void Ledger::compare(const Book& book, std::string_view who,
                     const std::vector<mesh::LogView>& views) {
    static const Book::Shelf none;
    for (const mesh::LogView& view : views) {
        const auto found = book.shelves.find(view.log);
        const Book::Shelf& shelf = found == book.shelves.end() ? none : found->second;
        const auto says = [&](const std::string& what) {
            return std::string(who) + ": " + text_of(view.log) + " " + what;
        };
        if (view.watermark > view.head)
            return broken_("I3 watermark", says(std::to_string(view.watermark) + " above head"));
        if (view.missing.size() > 32)
            return broken_("I3 gaps", says(std::to_string(view.missing.size()) + " gaps"));
        mesh::RangeSet missing;
        for (const mesh::SeqRange& hole : view.missing) {
            missing.add(hole);
            if (view.state != "origin" && !shelf.have.common(hole).empty())
                return broken_("I3 have", says(text_of(hole) + " is missing and was had"));
        }
        if (view.state == "origin" || view.head == 0) continue;
        for (const mesh::SeqRange& lacking : shelf.have.missing_of({1, view.head}))
            for (const mesh::SeqRange& quiet : missing.missing_of(lacking))
                if (const auto untold = shelf.skipped.missing_of(quiet); !untold.empty())
                    return broken_("I5 account",
                                   says(text_of(untold.front()) +
                                        " is neither there, nor missing, nor given up"));
        if (shelf.live == 0) continue;
        for (const mesh::SeqRange& lacking : shelf.have.missing_of({1, shelf.live}))
            if (const auto untold = shelf.told.missing_of(lacking); !untold.empty())
                return broken_("I5 account",
                               says("no gap was told for " + text_of(untold.front())));
    }
}

}  // namespace anode::sim
