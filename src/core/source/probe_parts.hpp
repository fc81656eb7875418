#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/json/json.hpp"
#include "core/source/definition_shape.hpp"
#include "core/source/probe.hpp"

/// The steps of probe_report(). Only for this folder.
namespace anode::source::probing {

/// What frames of one look seem to be.
enum class Sort : std::uint8_t { Data, Ask, Heartbeat, Ack, Error, Notice, Word, Unreadable };
std::string_view name(Sort sort) noexcept;

struct ReadFrame {
    const ProbeFrame* frame = nullptr;
    Bytes text;  ///< unpacked
    json::Document document;
    bool json = false;
};

/// Frames of the same look.
struct Kind {
    std::string signature;
    std::string match;    ///< an expression that tells them apart, if there is one
    std::string members;  ///< their names: data of the same members is of one kind
    Sort sort = Sort::Data;
    std::uint64_t count = 0, bytes = 0;
    std::vector<const ReadFrame*> frames;
};

struct Reading {
    std::deque<ReadFrame> frames;
    std::vector<std::string> decode;  ///< as the definition writes it
    std::vector<Kind> kinds;          ///< the most frequent first
};
Reading read_frames(const Probed& probed);

/// Where rows may stand.
struct RowsCandidate {
    std::string path;           ///< empty: the frame itself
    bool exploded = false;      ///< an array
    bool positional = false;    ///< its rows are arrays
    std::uint32_t columns = 0;  ///< of positional rows
    double share = 0;           ///< of the frame's bytes
    std::uint64_t rows = 0;
    std::string reason;
};
/// Best first; never empty.
std::vector<RowsCandidate> find_rows(const Kind& kind);

/// What the values of one field look like over all rows.
struct Field {
    std::string path;
    std::uint64_t present = 0;
    std::set<std::string> distinct;
    bool integer = true, text = true, long_text = false, fraction = false;
    bool parent = false;     ///< stands in the frame, beside the rows
    bool one_by_one = true;  ///< each one above the last
    std::uint64_t near_arrival = 0, times = 0;
    TimeUnit unit = TimeUnit::Auto;
    std::optional<std::int64_t> last;
    std::string example;
};
struct Candidate {
    std::string path, reason;
    int score = 0;
    TimeUnit unit = TimeUnit::Auto;
    bool parent = false;
};
struct Fields {
    std::uint64_t rows = 0;
    std::vector<Candidate> key, id, time;
    std::optional<Candidate> counter;  ///< rises by one from row to row of a key, or of all
};
Fields find_fields(const Kind& kind, const RowsCandidate& rows, WallTime began);

std::string_view unit_name(TimeUnit unit) noexcept;

}  // namespace anode::source::probing
