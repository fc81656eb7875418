#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "api/http/request.hpp"
#include "api/http/response.hpp"
#include "core/fanout/selector.hpp"
#include "core/json/json.hpp"
#include "core/message/cursor.hpp"
#include "core/message/envelope.hpp"
#include "store/store.hpp"

/// What a listener asks for, read from a query or from a frame of anode.v1, and where it begins.
namespace anode::api {

enum class SlowPolicy : std::uint8_t { Catchup, Drop, Close };

/// One subscription as asked for.
struct Want {
    fanout::SelectorPtr selector;
    StartAt start;
    SlowPolicy slow = SlowPolicy::Catchup;
    bool fail_on_gap = false;
    std::optional<WallTime> to;
    std::optional<std::uint64_t> limit;
    std::uint32_t window = 0;  ///< 0: none
};

/// The query of `/v1/stream` beyond that.
struct StreamWant {
    Want want;
    EnvelopeStyle style;
    Duration batch{0};
    std::optional<Duration> heartbeat;
};

template <class T>
using Asked = std::expected<T, Problem>;

/// `from`, `to` and so on as text; empty views are "not given".
struct SelectorText {
    std::string_view topics_list;  ///< with commas; or
    std::vector<std::string> topics;
    std::optional<std::string_view> mode, every, n, filter;
};
Asked<fanout::SelectorPtr> read_selector(const SelectorText& text, std::size_t patterns_max);
Asked<StartAt> read_start(std::string_view text, WallTime now);
Asked<SlowPolicy> read_slow(std::string_view text);
Asked<bool> read_on_gap(std::string_view text);  ///< true: fail
Asked<Format> read_format(std::string_view text);
Asked<StreamWant> read_stream_want(const Request& request, bool web_socket, bool sse, WallTime now,
                                   std::size_t patterns_max);

/// Whether every pattern lies within what the caller may read.
bool may_read(const Caller& caller, const PatternSet& topics);

/// Where a subscription begins in this node's store.
struct Begin {
    enum class Outcome : std::uint8_t { Live, Exact, Overlap, Gap } outcome = Outcome::Live;
    Arrival after;
    std::optional<WallTime> from;
    std::uint8_t extra_flags = 0;
    std::vector<Found> newest;  ///< `from=last`: to be sent first
    std::uint64_t matched = 0;  ///< topics that exist now (at most 1,000 are counted)
};
std::string_view name(Begin::Outcome outcome) noexcept;

/// Asks the store; may block, so call it on a worker. Errors: cursor-too-old (410) if the want says so.
Asked<Begin> find_begin(const Store& store, const Want& want);

}  // namespace anode::api
