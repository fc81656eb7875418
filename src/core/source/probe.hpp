#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"

/// What watching an unknown feed for a while tells about it. Pure: whoever watched hands in what it saw.
/// Source: recipes, section 10.
namespace anode::source {

struct ProbeFrame {
    Duration at{};  ///< since watching began
    Bytes data;
    bool binary = false;
    std::string event;  ///< of an event stream; `message` if it names none
    std::string id;     ///< of an event stream
};

/// How the URL answers.
enum class ProbeForm : std::uint8_t { Websocket, Events, Lines, Document };

struct Probed {
    std::string url;
    ProbeForm form = ProbeForm::Websocket;
    WallTime began = 0;
    Duration watched{};
    std::vector<Bytes> sends;         ///< what was said after connecting
    std::vector<ProbeFrame> frames;   ///< of a document: one an answer
    std::uint64_t frames_unkept = 0;  ///< came beyond what is kept
    std::vector<Duration> pings;      ///< protocol pings, comments or empty lines of the server
    std::vector<std::pair<std::string, std::string>>
        headers;                       ///< of the answer, names in lower case
    std::vector<std::string> remarks;  ///< of the connection: how it ended, what was refused
};

inline constexpr std::size_t kProbeFramesMax = 2000;
inline constexpr std::size_t kProbeBytesMax = 8 << 20;

/// The answer of `:probe`: {"definition","frames","rows","key","id","time","ping","unknown","warnings"}.
/// `definition` is one that parse() accepts. Never throws; whatever the frames hold ends in the report.
Bytes probe_report(const Probed& probed);

}  // namespace anode::source
