#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

/// Recorded traffic of a feed, read from a file. A part of replay.cpp.
namespace anode::app {

/// One line of a recording.
struct RecordedRow {
    enum class Kind : std::uint8_t { Open, Sent, Frame, Http } kind = Kind::Frame;
    Duration at{};  ///< since the recording began
    std::string url;
    Bytes data;
    bool binary = false;
    std::string event, id;  ///< of an event stream
    int status = 200;       ///< of an HTTP answer
    std::vector<std::pair<std::string, std::string>> headers;
};

/// All lines of a recording, unpacked if it is gzip. Errors: Io, TooLarge, Malformed (names the line).
Result<std::vector<RecordedRow>> read_recording(const std::string& path);
/// The same from text.
Result<std::vector<RecordedRow>> parse_recording(BytesView lines);

/// When a recording was made, guessed from the first time that its frames hold: rows that age need a clock near it.
WallTime guess_recording_time(const std::vector<RecordedRow>& rows);

}  // namespace anode::app
