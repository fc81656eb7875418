#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hpp"
#include "core/codec/inflate.hpp"
#include "core/source/probe_parts.hpp"

/// From frames to kinds of frames.
namespace anode::source::probing {

namespace {

constexpr std::size_t kKindsMax = 40;
constexpr std::size_t kValuesMax = 8;  ///< of a member that tells kinds apart
constexpr std::size_t kFramesOfKindMax = 400;

constexpr auto kTellers = std::to_array<std::string_view>(
    {"event", "e", "type", "op", "action", "method", "channel", "kind", "table", "feed", "msg_type",
     "stream", "topic", "cmd"});

bool unpack(codec::Coding coding, BytesView packed, Bytes& out) {
    const codec::Coding chain[] = {coding};
    return codec::decode_frame(chain, packed, out, {.bytes_max = 16u << 20, .ratio_max = 1000})
        .has_value();
}

/// The coding that makes every frame readable, if there is one.
std::optional<codec::Coding> find_coding(const Probed& probed) {
    using enum codec::Coding;
    for (const codec::Coding coding : {Gzip, Zlib, Zstd, Deflate}) {
        std::size_t good = 0, tried = 0;
        Bytes out;
        json::Document document;
        for (const ProbeFrame& frame : probed.frames) {
            if (!frame.binary || tried == 20) continue;
            ++tried;
            if (unpack(coding, frame.data, out) && document.parse(out)) ++good;
        }
        if (tried > 0 && good == tried) return coding;
    }
    return std::nullopt;
}

std::string_view recipe_name(codec::Coding coding) {
    switch (coding) {
        case codec::Coding::Gzip:
            return "gzip";
        case codec::Coding::Zlib:
            return "zlib";
        case codec::Coding::Zstd:
            return "zstd";
        default:
            return "deflate";
    }
}

/// A word that could name a kind: no id, no address.
bool is_kind_word(std::string_view word) {
    return !word.empty() && word.size() <= 40 && std::ranges::all_of(word, [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.' || c == ':';
    });
}

/// Members whose values are few, over all frames: they tell kinds apart.
std::vector<std::string> find_tellers(const std::deque<ReadFrame>& frames) {
    std::vector<std::string> found;
    for (const std::string_view teller : kTellers) {
        std::set<std::string> values;
        bool good = true;
        for (const ReadFrame& frame : frames) {
            const json::Value value = frame.json ? frame.document.root()[teller] : json::Value();
            if (!value) continue;
            const std::string word = value.string();
            good = good && value.is_string() && is_kind_word(word);
            values.insert(word);
            if (!good || values.size() > kValuesMax) break;
        }
        if (good && !values.empty() && values.size() <= kValuesMax) found.emplace_back(teller);
    }
    return found;
}

std::string_view type_word(const json::Value& value) {
    if (value.is_object()) return "object";
    if (value.is_array()) return "array";
    if (value.is_string()) return "string";
    return value.is_number() ? "number" : "word";
}

std::set<std::string> names_of(const json::Value& object) {
    std::set<std::string> names;
    for (json::Value v = object.first(); v; v = v.next_in(object)) names.insert(v.name());
    return names;
}

std::string braced(const std::set<std::string>& names) {
    std::string text = "{";
    for (const std::string& name : names) {
        if (text.size() > 120) {
            text += ", …";
            break;
        }
        text.append(text.size() == 1 ? "" : ", ").append(text::printable(name));
    }
    return text + "}";
}

std::string signature_of(const json::Value& root, const std::vector<std::string>& tellers,
                         std::string& match) {
    std::string text;
    if (root.is_array()) {
        for (json::Value v = root.first(); v; v = v.next_in(root)) {
            if (text.size() > 80) {
                text += ", …";
                break;
            }
            text.append(text.empty() ? "[" : ", ").append(v.equals("hb") ? "\"hb\"" : type_word(v));
        }
        return text.empty() ? "[]" : text + "]";
    }
    if (!root.is_object()) return std::string(type_word(root));
    for (const std::string& teller : tellers) {
        const json::Value value = root[teller];
        if (!value) continue;
        text.append(teller).append("=").append(value.string()).append(" ");
        match.append(match.empty() ? "." : " and .")
            .append(teller)
            .append(" == ")
            .append(text::json_string(value.string()));
    }
    const std::set<std::string> names = names_of(root);
    text += braced(names);
    if (match.empty() && names.size() <= 3) {
        for (const std::string& member : names)
            if (is_kind_word(member) && member.find_first_of(".-:") == std::string::npos)
                match.append(match.empty() ? "has(" : " and has(")
                    .append(text::json_string(member))
                    .append(")");
        if (!match.empty()) match = "(" + match + ")";
    }
    return text;
}

bool one_of(std::string_view word, std::initializer_list<std::string_view> parts) {
    return std::ranges::any_of(
        parts, [&](std::string_view part) { return word.find(part) != std::string_view::npos; });
}

/// What it seems to be, by the words that feeds use.
Sort sort_of(const json::Value& root) {
    if (root.is_array()) {
        for (json::Value v = root.first(); v; v = v.next_in(root))
            if (v.equals("hb") || v.equals("heartbeat")) return Sort::Heartbeat;
        return Sort::Data;
    }
    if (!root.is_object()) return Sort::Word;
    if (root.size() <= 2 && root["ping"]) return Sort::Ask;
    if (root.size() <= 2 && root["pong"]) return Sort::Heartbeat;
    for (const std::string_view teller : kTellers) {
        const std::string word = text::lower(root[teller].string());
        if (word.empty()) continue;
        if (word == "ping") return Sort::Ask;
        if (word == "hb" || one_of(word, {"heartbeat", "pong", "keepalive", "keep-alive"}))
            return Sort::Heartbeat;
        if (word == "error" || one_of(word, {"failure"})) return Sort::Error;
        if (word == "ack" || one_of(word, {"subscri", "success"}))
            return root["error"] || root["errorMessage"] ? Sort::Error : Sort::Ack;
        if (one_of(word, {"welcome", "systemstatus", "connected", "notice"}) || word == "info" ||
            word == "status")
            return Sort::Notice;
    }
    if (root["error"] && !root["error"].is_null()) return Sort::Error;
    if (root["result"] && root["id"] && root.size() <= 4) return Sort::Ack;
    if (root["subbed"]) return Sort::Ack;
    return Sort::Data;
}

/// Data of the same members is one kind, whatever its values: a `type` may name a ship.
std::vector<Kind> merged(std::map<std::string, Kind> kinds) {
    std::map<std::string, std::size_t> by_members;
    std::vector<Kind> all;
    for (auto& [signature, kind] : kinds) {
        const bool mergeable =
            kind.sort == Sort::Data && !kind.members.empty() && signature != "others";
        const auto [at, fresh] = mergeable ? by_members.try_emplace(kind.members, all.size())
                                           : std::pair(by_members.end(), true);
        if (fresh) {
            all.push_back(std::move(kind));
            continue;
        }
        Kind& first = all[at->second];
        first.signature = first.members;
        first.match.clear();
        first.count += kind.count;
        first.bytes += kind.bytes;
        for (const ReadFrame* frame : kind.frames)
            if (first.frames.size() < kFramesOfKindMax) first.frames.push_back(frame);
    }
    for (Kind& kind : all)
        std::ranges::sort(kind.frames, {}, [](const ReadFrame* frame) { return frame->frame; });
    return all;
}

}  // namespace

std::string_view name(Sort sort) noexcept {
    switch (sort) {
        case Sort::Data:
            return "data";
        case Sort::Ask:
            return "ping";
        case Sort::Heartbeat:
            return "heartbeat";
        case Sort::Ack:
            return "ack";
        case Sort::Error:
            return "error";
        case Sort::Notice:
            return "notice";
        case Sort::Word:
            return "word";
        case Sort::Unreadable:
            break;
    }
    return "unreadable";
}

Reading read_frames(const Probed& probed) {
    Reading reading;
    const auto coding = find_coding(probed);
    if (coding) reading.decode.emplace_back(recipe_name(*coding));
    for (const ProbeFrame& frame : probed.frames) {
        ReadFrame& read = reading.frames.emplace_back();
        read.frame = &frame;
        if (!frame.binary || !coding || !unpack(*coding, frame.data, read.text))
            read.text = frame.data;
        read.json = read.document.parse(read.text).has_value();
    }
    const std::vector<std::string> tellers = find_tellers(reading.frames);
    std::map<std::string, Kind> kinds;
    for (const ReadFrame& frame : reading.frames) {
        Kind seen;
        if (frame.json) {
            seen.signature = signature_of(frame.document.root(), tellers, seen.match);
            seen.sort = sort_of(frame.document.root());
            if (frame.document.root().is_object())
                seen.members = braced(names_of(frame.document.root()));
        } else if (frame.text.size() <= 64 && text::is_utf8(frame.text)) {
            seen.signature = "the word " + text::json_string(text::trim(frame.text));
            seen.sort = Sort::Word;
        } else {
            seen.signature = frame.frame->binary ? "binary" : "text that is no JSON";
            seen.sort = Sort::Unreadable;
        }
        if (!frame.frame->event.empty() && frame.frame->event != "message")
            seen.signature = "event " + text::printable(frame.frame->event) + " " + seen.signature;
        if (kinds.size() >= kKindsMax && !kinds.contains(seen.signature)) seen.signature = "others";
        Kind& kind = kinds.try_emplace(seen.signature, seen).first->second;
        ++kind.count;
        kind.bytes += frame.text.size();
        if (kind.frames.size() < kFramesOfKindMax) kind.frames.push_back(&frame);
    }
    reading.kinds = merged(std::move(kinds));
    std::ranges::sort(reading.kinds, [](const Kind& a, const Kind& b) {
        return std::tie(b.count, a.signature) < std::tie(a.count, b.signature);
    });
    return reading;
}

}  // namespace anode::source::probing
