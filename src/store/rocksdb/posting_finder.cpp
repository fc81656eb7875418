#include <algorithm>

#include "store/rocksdb/finder.hpp"
#include "store/rocksdb/keys.hpp"

namespace anode::rocks {
namespace {

/// Where one topic's postings go on.
struct Place {
    std::uint32_t topic = 0;
    bool known = false;              ///< `segment` is right
    std::optional<Arrival> segment;  ///< the next that holds the topic; none: no more
    std::optional<Arrival> bound;    ///< segments up to here (down to here) are done
    Bytes postings;
};

class PostingFinder final : public Finder {
public:
    PostingFinder(const FinderContext& context, const Selection& selection)
        : context_(context), selection_(selection) {}

    Result<bool> refill(Stretch stretch, Candidates& out) override {
        for (std::size_t i = places_.size(); i < selection_.topics().size(); ++i) {
            places_.push_back({.topic = selection_.topics()[i]});
        }
        if (!context_.ascending() && !open_done_) {
            open_done_ = true;
            context_.index.read(
                [&](const IndexState& state) { take_open(state.open, stretch, out); });
            if (!out.empty()) return true;
        }
        for (;;) {
            if (const auto looked = look_up(stretch.position); !looked) {
                return std::unexpected(looked.error());
            }
            bool more = false;
            if (const auto segment = nearest()) {
                const auto taken = take_segment(*segment, stretch, out);
                if (!taken) return std::unexpected(taken.error());
                more = *taken;
            } else if (context_.ascending()) {
                more = take_newest(stretch, out);
            }
            if (!out.empty()) return true;
            if (!more) return false;
        }
    }

private:
    /// Where to look from: no segment before (after) it can hold anything beyond the position.
    std::optional<Arrival> segment_bound(const IndexState& state, Arrival position) const {
        if (context_.ascending()) {
            const std::size_t i = state.segment_at(position.plus(1));
            if (i == state.segments.size()) return std::nullopt;
            return state.segments[i].first;
        }
        std::size_t above = state.segment_at(position);
        if (above < state.segments.size() && state.segments[above].first < position) ++above;
        if (above == 0) return std::nullopt;
        return state.segments[above - 1].first;
    }

    Result<void> look_up(Arrival position) {
        std::optional<Arrival> bound;
        const std::uint64_t generation = context_.index.read([&](const IndexState& state) {
            bound = segment_bound(state, position);
            return state.generation;
        });
        const bool closed_since = generation != generation_;
        generation_ = generation;
        std::unique_ptr<Cursor> cursor;
        for (auto& place : places_) {
            const bool may_have_more = !place.segment && closed_since && context_.ascending();
            if (place.known && !may_have_more) continue;
            place.known = true;
            place.segment.reset();
            if (!bound) continue;
            if (!cursor) cursor = context_.database.cursor(Family::Postings);
            if (const auto sought = seek(*cursor, place, *bound); !sought) return sought;
        }
        return {};
    }

    Result<void> seek(Cursor& cursor, Place& place, Arrival bound) const {
        if (context_.ascending()) {
            const Arrival from = place.bound ? std::max(bound, place.bound->plus(1)) : bound;
            cursor.seek(posting_key(place.topic, from));
        } else {
            if (place.bound && place.bound->value == 0) return {};
            const Arrival from =
                place.bound ? std::min(bound, Arrival{place.bound->value - 1}) : bound;
            cursor.seek_back(posting_key(place.topic, from));
        }
        if (!cursor.valid()) return cursor.status();
        const BytesView key = cursor.key();
        if (key.size() != kPostingKeyBytes || topic_of(key) != place.topic) return {};
        place.segment = Arrival{load_be64(key.data() + 4)};
        place.postings.assign(cursor.value());
        return {};
    }

    [[nodiscard]] std::optional<Arrival> nearest() const {
        std::optional<Arrival> best;
        for (const auto& place : places_) {
            if (!place.segment) continue;
            const bool nearer =
                !best || (context_.ascending() ? *place.segment < *best : *place.segment > *best);
            if (nearer) best = place.segment;
        }
        return best;
    }

    /// False if what lies beyond this segment is beyond the stretch too.
    Result<bool> take_segment(Arrival first, const Stretch& stretch, Candidates& out) {
        // Retention may have freed the segment before its postings.
        const auto head = context_.index.read([&](const IndexState& state) {
            const SegmentHead* found = state.segment(first);
            return found != nullptr ? std::optional(*found) : std::nullopt;
        });
        const bool in_part = context_.ascending() && (head ? head->last : first) > stretch.upto;
        Postings wanted;
        for (auto& place : places_) {
            if (place.segment != first) continue;
            const auto postings = decode_postings(place.postings);
            if (!postings) return std::unexpected(postings.error());
            wanted.insert(wanted.end(), postings->begin(), postings->end());
            place.known = false;
            if (!in_part) place.bound = first;
        }
        if (!head || !context_.wants(*head)) return !in_part;
        const auto blocks = context_.blocks_of(*head);
        if (!blocks) return std::unexpected(blocks.error());
        if (*blocks) take(**blocks, wanted, stretch, out);
        return !in_part;
    }

    /// The open segment's blocks. True if it was closed since the places were looked up.
    bool take_newest(const Stretch& stretch, Candidates& out) {
        return context_.index.read([&](const IndexState& state) {
            if (state.generation != generation_) return true;
            take_open(state.open, stretch, out);
            return false;
        });
    }

    void take_open(const OpenSegment& open, const Stretch& stretch, Candidates& out) const {
        Postings wanted;
        const auto add = [&wanted](const OpenSegment::TopicState& topic) {
            wanted.insert(wanted.end(), topic.postings.begin(), topic.postings.end());
        };
        if (selection_.topics().size() < open.topics.size()) {
            for (const auto topic : selection_.topics()) {
                const auto found = open.topics.find(topic);
                if (found != open.topics.end()) add(found->second);
            }
        } else {
            for (const auto& [topic, state] : open.topics) {
                if (selection_.holds(topic)) add(state);
            }
        }
        take(open.blocks, wanted, stretch, out);
    }

    void take(const BlockList& blocks, Postings& wanted, const Stretch& stretch,
              Candidates& out) const {
        std::ranges::sort(wanted);
        const auto repeats = std::ranges::unique(wanted);
        wanted.erase(repeats.begin(), repeats.end());
        for (const auto place : wanted) {
            if (place >= blocks.size() || !context_.wants(blocks[place], stretch)) continue;
            if (context_.ascending()) {
                out.push_back(blocks[place]);
            } else {
                out.push_front(blocks[place]);
            }
        }
    }

    FinderContext context_;
    const Selection& selection_;
    std::vector<Place> places_;
    std::uint64_t generation_ = 0;
    bool open_done_ = false;
};

}  // namespace

std::unique_ptr<Finder> make_posting_finder(const FinderContext& context,
                                            const Selection& selection) {
    return std::make_unique<PostingFinder>(context, selection);
}

}  // namespace anode::rocks
