#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

/// Compares what a definition says with what was said when the traffic was recorded. A part of replay.cpp.
namespace anode::app {

struct SendComparison {
    std::vector<std::string> missing;     ///< recorded, not said
    std::vector<std::string> unexpected;  ///< said, not recorded
    std::vector<std::string>
        tolerated;  ///< the same but for volatile members: the text said, and their names
};

/// The order of messages does not count, nor does that of members. Members whose values differ from run to run by
/// nature (numbers of requests, times, tokens, signatures) may differ.
SendComparison compare_sends(const std::vector<Bytes>& recorded, const std::vector<Bytes>& said);

/// JSON with its members sorted and without white space; other text without white space at its ends.
/// `loose`: without volatile members, elements of lists sorted too.
std::string canonical_message(BytesView text, bool loose);

/// Path and query of a URL, parameters sorted. `loose`: without volatile ones.
std::string canonical_target(std::string_view url, bool loose);

}  // namespace anode::app
