#include "api/rest/history.hpp"
#include "runtime/clock.hpp"

namespace anode::api::rest {

namespace {

constexpr std::size_t kPieceMessages = 1024;
constexpr std::size_t kPieceBytes = 256 << 10;
constexpr std::size_t kPageStep = 64;
constexpr std::size_t kPageBytes = 8 << 20;
constexpr Duration kPagePatience = 2s;
constexpr Duration kPiecePatience = 100ms;

/// Lines without end, a piece at a time: what is in memory is one piece.
class Lines {
public:
    Lines(const Store& store, HistoryAsk ask)
        : store_(store), style_(ask.style), left_(ask.limit), walk_(store, std::move(ask)) {}

    Result<bool> operator()(Bytes& out) {
        for (const Instant until = monotonic_now() + kPiecePatience;;) {
            found_.clear();
            const std::size_t most =
                std::min<std::uint64_t>(kPieceMessages, left_.value_or(kPieceMessages));
            const auto more = walk_.next(found_, most, kPiecePatience);
            if (!more) return std::unexpected(more.error());
            for (const Found& found : found_) {
                append_item(out, found, store_.tag(), style_);
                out += '\n';
            }
            if (left_) *left_ -= found_.size();
            if (!*more || left_ == 0) return false;
            if (out.size() >= kPieceBytes || monotonic_now() >= until) return true;
        }
    }

private:
    const Store& store_;
    EnvelopeStyle style_;
    std::optional<std::uint64_t> left_;
    HistoryWalk walk_;
    std::vector<Found> found_;
};

Arrival place_of(const Found& found) { return found.block->first_arrival().plus(found.index); }

/// One page: at most `limit` messages and about kPageBytes. It asks for one message more than it shows,
/// so that the last page says it is the last.
class PageMaker {
public:
    PageMaker(const Store& store, HistoryAsk ask)
        : store_(store), style_(ask.style), limit_(*ask.limit), walk_(store, std::move(ask)) {}

    Result<void> make() {
        for (const Instant until = monotonic_now() + kPagePatience;;) {
            found_.clear();
            const std::size_t most = std::min<std::size_t>(limit_ + 1 - count_, kPageStep);
            const auto more = walk_.next(found_, most, kPagePatience);
            if (!more) return std::unexpected(more.error());
            for (const Found& found : found_)
                if (!add(found)) return {};
            if (!*more) return {};
            if (monotonic_now() >= until) {
                next_ = walk_.position();
                return {};
            }
        }
    }
    [[nodiscard]] Bytes take_items() { return std::move(joined_); }
    [[nodiscard]] std::optional<Arrival> next() const { return next_; }

private:
    /// False if the page is full: the message belongs to the next one.
    bool add(const Found& found) {
        if (count_ == limit_ || joined_.size() > kPageBytes) {
            next_ = last_;
            return false;
        }
        if (count_++ > 0) joined_ += ',';
        append_item(joined_, found, store_.tag(), style_);
        last_ = place_of(found);
        return true;
    }

    const Store& store_;
    EnvelopeStyle style_;
    std::size_t limit_, count_ = 0;
    HistoryWalk walk_;
    std::vector<Found> found_;
    Bytes joined_;
    Arrival last_;
    std::optional<Arrival> next_;
};

Answer history_page(const Store& store, HistoryAsk ask, const Request& request) {
    Bytes members;
    if (!ask.resume.empty()) members.append(",\"resume\":\"").append(ask.resume).append("\"");
    PageMaker page(store, std::move(ask));
    if (const auto made = page.make(); !made) return refuse(Problem::of(made.error()));
    std::optional<std::string> next;
    if (const auto place = page.next()) next = cursor_text(store, *place, request.received);
    return page_of(request, page.take_items(), next, members);
}

}  // namespace

void answer_history(const Store& store, HistoryAsk ask, Request& request, Responder responder) {
    if (request.accepts_by_name("application/x-ndjson")) {
        Response head;
        head.content_type = "application/x-ndjson";
        head.headers.emplace_back("X-Accel-Buffering", "no");
        if (!ask.resume.empty()) head.headers.emplace_back("Anode-Resume", ask.resume);
        responder.stream(std::move(head), Lines(store, std::move(ask)));
        return;
    }
    if (refused_form(request, responder)) return;
    Answer answer = history_page(store, std::move(ask), request);
    if (answer)
        responder.send(std::move(*answer));
    else
        responder.problem(std::move(answer.error()));
}

}  // namespace anode::api::rest
