#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "api/rest/answer.hpp"
#include "core/fanout/selector.hpp"
#include "core/message/cursor.hpp"
#include "core/message/envelope.hpp"
#include "store/store.hpp"

/// Reading what is stored, in pages or as one long stream of lines. Source: interfaces, sections 5, 9, 10.
namespace anode::api::rest {

/// What a request for history asks for.
struct HistoryAsk {
    Query query;
    std::optional<Arrival> floor;  ///< descending only: nothing at or before it
    std::optional<std::uint64_t> limit;
    fanout::Selector selector;  ///< holds the filter
    EnvelopeStyle style;
    std::string_view resume;  ///< exact, overlap, gap; empty unless `from` is a cursor
};

/// Reads `from to limit order filter format fields on_gap after`; `topics` are checked already.
Read<HistoryAsk> read_history(const Request& request, PatternSet topics, const Store& store,
                              WallTime now);

/// Walks the matches of a request and judges them by its filter.
/// Thread: one at a time; blocks on the disk.
class HistoryWalk {
public:
    HistoryWalk(const Store& store, HistoryAsk ask);

    /// Appends up to `messages_max` more matches. False when there is nothing behind them. Comes back
    /// with fewer once `patience` has passed, so that a filter that keeps nothing cannot hold a worker.
    Result<bool> next(std::vector<Found>& out, std::size_t messages_max, Duration patience);
    /// All up to here has been looked at.
    [[nodiscard]] Arrival position() const { return position_; }

private:
    [[nodiscard]] bool keeps(const Found& found);

    HistoryAsk ask_;
    std::unique_ptr<Scan> scan_;
    fanout::Judge judge_;
    std::vector<Found> raw_;
    std::size_t looked_ = 0;  ///< of raw_
    bool ended_ = false;
    Arrival position_;
};

/// Appends a message as a line of NDJSON or an item of a page: payloads that are no text become base64.
void append_item(Bytes& out, const Found& found, std::uint32_t store, const EnvelopeStyle& style);

/// A cursor of this store that stands behind `position`.
std::string cursor_text(const Store& store, Arrival position, WallTime now);

/// The answer to a request for history: a page, or lines without end.
void answer_history(const Store& store, HistoryAsk ask, Request& request, Responder responder);

}  // namespace anode::api::rest
