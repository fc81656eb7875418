#include "core/fanout/picker.hpp"

#include <algorithm>

namespace anode::fanout {

namespace {

constexpr std::size_t kGatheredMax = 48 << 10;

bool covers(const Clause& clause, Judge& judge) {
    return judge.entry().arrival > clause.since &&
           clause.selector->topics.matches(judge.entry().topic) && judge.passes(*clause.selector);
}

}  // namespace

Picker::Verdict Picker::judge_message(Judge& judge) {
    const Entry& entry = judge.entry();
    if (want_.from && entry.ts() < *want_.from) return Verdict::No;
    if (want_.to && entry.ts() >= *want_.to) return Verdict::No;
    sampled_.resize(want_.pass.size());
    Verdict verdict = Verdict::No;
    for (std::size_t i = 0; i < want_.pass.size() && verdict != Verdict::Yes; ++i) {
        if (!covers(want_.pass[i], judge)) continue;
        const Selector& selector = *want_.pass[i].selector;
        if (selector.mode == Mode::All) verdict = Verdict::Yes;
        if (selector.mode == Mode::Latest) verdict = Verdict::Newest;
        if (selector.mode != Mode::Sample) continue;
        if (sampled_[i]++ % selector.n == 0)
            verdict = Verdict::Yes;
        else
            ++conflated_;
    }
    if (verdict == Verdict::No) return verdict;
    const bool excepted = std::ranges::any_of(
        want_.except, [&](const Clause& clause) { return covers(clause, judge); });
    return excepted ? Verdict::No : verdict;
}

void Picker::take(const Block& block, std::uint32_t index, Judge& judge, Piece& piece) {
    judge.begin(block, index);
    switch (judge_message(judge)) {
        case Verdict::No:
            return;
        case Verdict::Yes:
            return append(judge, piece);
        case Verdict::Newest:
            return keep_newest(judge);
    }
}

void Picker::append(const Judge& judge, Piece& piece) {
    const Line line = encoder_.line(judge, want_.form, want_.extra_flags);
    if (!want_.gather || !want_.form.framing->joins_lines() || line.binary) {
        append_gathered(piece);
        want_.form.framing->append(piece.bytes, line);
        return mark(piece, judge.entry().arrival, 1);
    }
    if (gathered_messages_ > 0) gathered_ += '\n';
    gathered_ += line.text;
    ++gathered_messages_;
    gathered_last_ = judge.entry().arrival;
    if (gathered_.size() >= kGatheredMax) append_gathered(piece);
}

void Picker::append_gathered(Piece& piece) {
    if (gathered_messages_ == 0) return;
    want_.form.framing->append(piece.bytes, {gathered_, false, {}});
    mark(piece, gathered_last_, gathered_messages_);
    gathered_.clear();
    gathered_messages_ = 0;
}

void Picker::keep_newest(const Judge& judge) {
    std::string name(judge.entry().topic);
    name.push_back('\0');
    name += judge.entry().key;
    Newest& newest = latest_[std::move(name)];
    if (newest.arrival.value != 0) ++conflated_;
    newest.arrival = judge.entry().arrival;
    newest.frame.clear();
    encoder_.framed(newest.frame, judge, want_.form, want_.extra_flags);
}

void Picker::mark(Piece& piece, Arrival arrival, std::uint64_t messages) {
    piece.marks.push_back({piece.bytes.size(), piece.messages() + messages, arrival});
}

void Picker::finish(Piece& piece) {
    append_gathered(piece);
    if (latest_.empty()) return;
    std::vector<const Newest*> in_order;
    for (const auto& [name, newest] : latest_) in_order.push_back(&newest);
    std::ranges::sort(in_order, {}, &Newest::arrival);
    for (const Newest* newest : in_order) {
        piece.bytes += newest->frame;
        mark(piece, newest->arrival, 1);
    }
    latest_.clear();
}

}  // namespace anode::fanout
