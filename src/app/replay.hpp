#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace anode::app {

/// What a definition made of recorded traffic, and where the two disagree.
struct ReplayReport {
    std::uint64_t opened = 0;  ///< connections of the recording
    std::uint64_t frames = 0, rows = 0, messages = 0;
    std::uint64_t heartbeats = 0, acks = 0, notices = 0, ignored = 0, dropped = 0;
    std::uint64_t unknown = 0, duplicates = 0, late = 0, gaps = 0, lost = 0, rejected = 0;
    std::uint64_t answered = 0;                    ///< HTTP requests that the recording answered
    std::map<std::string, std::uint64_t> reasons;  ///< of rejected rows
    std::vector<std::string> samples;              ///< unknown frames, shortened
    std::vector<std::string> missing;     ///< recorded sends that the definition does not make
    std::vector<std::string> unexpected;  ///< sends and requests that the recording does not hold
    std::vector<std::string>
        tolerated;  ///< sends that are the same but for volatile members, with their names
    std::vector<std::string> notes;  ///< errors, items refused, what the recording does not cover

    /// The summary, for a person.
    [[nodiscard]] std::vector<std::string> lines() const;
    /// Nothing unexpected, no unknown frame, no rejected row, and at least one message. What is missing is told but
    /// not held against it: a recording may subscribe to more than a definition wants.
    [[nodiscard]] bool good() const;
};

/// Runs a definition against a recorded file in virtual time, without sockets. The file holds one JSON object a line:
/// `{"t":seconds,"kind":"open|sent|frame|http","url":…,"data":…,"encoding":"base64"?}`, plain or gzip.
/// `on_message` gets each message as a listener would see it: {"topic","key","id","sts","kind","data"}.
/// Errors:  Malformed (definition, recording), Io (file).
Result<ReplayReport> replay_capture(const Bytes& definition_json, const std::string& capture_path,
                                    const std::function<void(BytesView)>& on_message);

}  // namespace anode::app
