#include "api/rest/history.hpp"

#include "api/live/want.hpp"
#include "base/text.hpp"
#include "runtime/clock.hpp"

namespace anode::api::rest {

namespace {

constexpr std::size_t kFilterBytesMax = 1024;
constexpr std::size_t kPageMax = 1000;
constexpr std::size_t kScanMessages = 2048;
constexpr std::size_t kScanBytes = 512 << 10;

/// Reads the parameters one by one; the first that is wrong ends it.
class AskReader {
public:
    AskReader(const Request& request, const Store& store, WallTime now)
        : request_(request), store_(store), now_(now) {}

    Read<HistoryAsk> read(PatternSet topics) {
        ask_.selector.topics = topics;
        ask_.query.topics = std::move(topics);
        for (const auto step :
             {&AskReader::order, &AskReader::from, &AskReader::to, &AskReader::limit,
              &AskReader::filter, &AskReader::style, &AskReader::after}) {
            if (auto done = (this->*step)(); !done) return refuse(std::move(done.error()));
        }
        return std::move(ask_);
    }

private:
    Read<void> order() {
        const std::string_view word = request_.arg("order").value_or("desc");
        if (word != "asc" && word != "desc")
            return refuse_member("order", "asc or desc is expected");
        ask_.query.order = word == "asc" ? Order::Ascending : Order::Descending;
        return {};
    }
    Read<void> from() {
        const auto text = request_.arg("from");
        if (!text || text->empty()) return {};
        auto start = read_start(*text, now_);
        if (!start) return refuse(std::move(start.error()));
        switch (start->at) {
            case StartAt::At::Earliest:
                return {};
            case StartAt::At::Time:
                ask_.query.from = start->time;
                return {};
            case StartAt::At::Cursor:
                return resume(start->cursor);
            default:
                return refuse_member("from", "earliest, a cursor, a time or an age is expected");
        }
    }
    Read<void> resume(const Cursor& cursor) {
        Arrival behind = cursor.after;
        ask_.resume = "exact";
        if (cursor.store != store_.tag()) {
            ask_.resume = "overlap";
            ask_.query.from = cursor.watermark;
            behind = store_.at_time(cursor.watermark);
            if (behind.value > 0) --behind.value;
        }
        if (store_.removed_since(ask_.query.topics, behind)) {
            ask_.resume = "gap";
            if (request_.arg("on_gap") == "fail")
                return refuse({410,
                               "cursor-too-old",
                               "messages behind the cursor are no longer kept",
                               {},
                               {},
                               {}});
        }
        if (ask_.query.order == Order::Ascending)
            ask_.query.after = behind;
        else
            ask_.floor = behind;
        return {};
    }
    Read<void> to() {
        const auto text = request_.arg("to");
        if (!text || text->empty()) return {};
        const auto time = parse_time(*text, now_);
        if (!time) return refuse_member("to", time.error().what);
        ask_.query.to = *time;
        return {};
    }
    Read<void> limit() {
        const bool lines = request_.accepts_by_name("application/x-ndjson");
        const auto text = request_.arg("limit");
        if (!text) {
            if (!lines) ask_.limit = 100;
            return {};
        }
        ask_.limit = text::parse_u64(*text);
        if (!ask_.limit || *ask_.limit == 0 || (!lines && *ask_.limit > kPageMax))
            return refuse_member("limit", lines ? "a number above 0 is expected"
                                                : "a number from 1 to 1000 is expected");
        return {};
    }
    Read<void> filter() {
        const auto text = request_.arg("filter");
        if (!text || text->empty()) return {};
        if (text->size() > kFilterBytesMax) return refuse_member("filter", "has at most 1 KiB");
        auto program = expr::Program::compile(*text, kFilterBytesMax);
        if (!program)
            return refuse_member("filter", "byte " + std::to_string(program.error().offset) + ": " +
                                               program.error().detail);
        ask_.selector.filter = std::move(*program);
        return {};
    }
    Read<void> style() {
        auto format = read_format(request_.arg("format").value_or("envelope"));
        if (!format) return refuse(std::move(format.error()));
        ask_.style.format = *format;
        const auto fields = request_.arg("fields");
        if (!fields || fields->empty()) return {};
        if (*fields != "prov" || *format != Format::Envelope)
            return refuse_member("fields", "only prov is known, with format=envelope");
        ask_.style.provenance = true;
        return {};
    }
    /// The next page: a cursor that a page before has named.
    Read<void> after() {
        const auto text = request_.arg("after");
        if (!text || text->empty()) return {};
        const auto cursor = Cursor::parse(*text);
        if (!cursor) return refuse(Problem::bad_cursor(cursor.error().what));
        if (cursor->store == store_.tag()) {
            ask_.query.after = cursor->after;
        } else if (ask_.query.order == Order::Ascending) {
            ask_.query.from = std::max(ask_.query.from.value_or(0), cursor->watermark);
        } else {
            const WallTime until = cursor->watermark + kCursorSlack + 1;
            ask_.query.to = std::min(ask_.query.to.value_or(until), until);
        }
        return {};
    }

    const Request& request_;
    const Store& store_;
    WallTime now_;
    HistoryAsk ask_;
};

}  // namespace

Read<HistoryAsk> read_history(const Request& request, PatternSet topics, const Store& store,
                              WallTime now) {
    return AskReader(request, store, now).read(std::move(topics));
}

HistoryWalk::HistoryWalk(const Store& store, HistoryAsk ask)
    : ask_(std::move(ask)), scan_(store.scan(ask_.query)) {
    position_ = ask_.query.after.value_or(Arrival{});
}

bool HistoryWalk::keeps(const Found& found) {
    if (!ask_.selector.filter) return true;
    judge_.begin(*found.block, found.index);
    return judge_.passes(ask_.selector);
}

Result<bool> HistoryWalk::next(std::vector<Found>& out, std::size_t messages_max,
                               Duration patience) {
    const Instant until = monotonic_now() + patience;
    std::size_t wanted = messages_max;
    while (wanted > 0) {
        if (looked_ == raw_.size()) {
            if (ended_) return false;
            raw_.clear();
            looked_ = 0;
            const std::size_t most =
                ask_.selector.filter ? kScanMessages : std::min(wanted, kScanMessages);
            const auto more = scan_->next(raw_, most, kScanBytes);
            if (!more) return std::unexpected(more.error());
            ended_ = !*more;
            continue;
        }
        Found& found = raw_[looked_++];
        const Arrival arrival = found.block->first_arrival().plus(found.index);
        if (ask_.floor && arrival <= *ask_.floor) {
            ended_ = true;
            return false;
        }
        position_ = arrival;
        if (keeps(found)) {
            out.push_back(std::move(found));
            --wanted;
        } else if ((looked_ & 0xff) == 0 && monotonic_now() >= until) {
            return true;
        }
    }
    return true;
}

void append_item(Bytes& out, const Found& found, std::uint32_t store, const EnvelopeStyle& style) {
    if (style.format == Format::Data) {
        const Entry entry = found.block->entry(found.index);
        if (!entry.content_type.empty()) {
            out += '"';
            text::append_base64(out, entry.payload);
            out += '"';
            return;
        }
    }
    append_message(out, *found.block, found.index, store, style);
}

std::string cursor_text(const Store& store, Arrival position, WallTime now) {
    std::string text;
    Cursor::append_text(text, store.tag(), position, now - kCursorSlack);
    return text;
}

}  // namespace anode::api::rest
