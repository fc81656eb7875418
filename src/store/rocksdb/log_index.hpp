#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "core/message/block.hpp"
#include "store/store.hpp"

namespace anode::rocks {

/// Where the blocks of each log lie: what a node needs that feeds its neighbours from disk. A segment writes one row with its
/// runs when it closes; where those begin and end stays in memory, the places of single blocks are read on demand.
/// What retention took is remembered as had: nobody shall fetch it again.
/// Thread: guarded by the index's lock.
class LogIndex {
public:
    struct Place {
        Seq first = 0;
        std::uint32_t count = 0;
        Arrival arrival;
    };
    using Places = std::vector<Place>;
    /// Consecutive blocks of one log within one segment.
    struct Run {
        LogKey log;
        Hlc first_hlc, last_hlc;
        Places places;
        [[nodiscard]] Seq first() const noexcept { return places.front().first; }
        [[nodiscard]] Seq last() const noexcept {
            return places.back().first + places.back().count - 1;
        }
    };
    static Bytes encode(const std::vector<Run>& runs);
    static Result<std::vector<Run>> decode(BytesView row);

    /// A committed block of the open segment.
    void add(const Block& block);
    /// The open segment's runs, by log.
    [[nodiscard]] std::vector<Run> open_runs() const;
    /// The open segment became this closed one, or one was loaded.
    void close(Arrival segment);
    void load(Arrival segment, const std::vector<Run>& runs);
    void load_gone(const LogKey& log, BytesView row);
    /// A segment was freed as a whole. Returns the rows to write: what is gone of each log it held.
    std::vector<std::pair<LogKey, Bytes>> free(Arrival segment);
    void forget(const LogKey& log) { logs_.erase(log); }

    [[nodiscard]] std::vector<LogHolding> holdings() const;

    /// Where to read on from `seq`: places of the open segment, or a closed segment to look into.
    struct Where {
        std::optional<Arrival> segment;
        Places places;
    };
    [[nodiscard]] std::optional<Where> find(const LogKey& log, Seq seq) const;

private:
    struct Closed {
        Seq last = 0;
        Arrival segment;
        Hlc first_hlc, last_hlc;
    };
    struct Log {
        std::map<Seq, Closed> closed;  ///< by first sequence
        std::vector<Run> open;
        std::vector<std::pair<Seq, Seq>> gone;  ///< rising, not touching
    };
    std::map<LogKey, Log> logs_;
};

}  // namespace anode::rocks
