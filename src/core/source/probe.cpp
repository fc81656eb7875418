#include "core/source/probe.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "core/source/grammar.hpp"
#include "core/source/probe_parts.hpp"
#include "core/source/url.hpp"

namespace anode::source {

namespace {

using namespace probing;

constexpr std::size_t kSampleMax = 2 << 10;

std::string sample_of(std::string_view text) {
    if (text.size() <= kSampleMax) return text::printable(text);
    std::size_t end = kSampleMax;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    return text::printable(text.substr(0, end)) + "…";
}

/// `stream.example.com` → `stream-example-com`.
std::string name_from(const std::string& host) {
    std::string name;
    for (const char c : text::lower(host)) {
        const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (good)
            name += c;
        else if (!name.empty() && name.back() != '-')
            name += '-';
    }
    while (name.ends_with('-')) name.pop_back();
    if (name.empty()) return "probed";
    return name.substr(0, 48);
}

std::string seconds_text(Duration time) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
    return std::to_string(seconds) + (seconds == 1 ? " second" : " seconds");
}

/// The longest silence between frames.
Duration longest_pause(const Probed& probed) {
    Duration longest{}, last{};
    for (const ProbeFrame& frame : probed.frames) {
        longest = std::max(longest, frame.at - last);
        last = frame.at;
    }
    return std::max(longest, probed.watched - last);
}

/// How a question of the server is answered, as a rule of `alive.reply`.
std::optional<Bytes> reply_rule(const Kind& kind) {
    const ReadFrame& frame = *kind.frames.front();
    Bytes json;
    json::Writer out(json);
    if (!frame.json) {
        if (text::trim(frame.text) != "ping") return std::nullopt;
        out.begin_object().member("text", "ping").member("send", "pong").end_object();
        return json;
    }
    const json::Value root = frame.document.root();
    const json::Value ping = root["ping"];
    if (ping && (ping.is_number() || ping.is_string())) {
        out.begin_object().member("match", ".ping").key("send").begin_object();
        out.member("pong", ping.is_number() ? "{ping:number}" : "{ping}").end_object().end_object();
        return json;
    }
    for (const std::string_view teller : {"op", "type", "event", "method", "action", "cmd"}) {
        if (!root[teller].equals("ping")) continue;
        out.begin_object().member("match", "." + std::string(teller) + " == \"ping\"");
        out.key("send").begin_object().member(teller, "pong").end_object().end_object();
        return json;
    }
    return std::nullopt;
}

std::string_view classified_as(Sort sort) {
    switch (sort) {
        case Sort::Ask:
        case Sort::Heartbeat:
            return "heartbeat";
        case Sort::Ack:
            return "ack";
        case Sort::Error:
            return "error.ignore";
        case Sort::Notice:
            return "ignore";
        default:
            return {};
    }
}

class Report {
public:
    explicit Report(const Probed& probed) : probed_(probed), reading_(read_frames(probed)) {
        if (probed_.form == ProbeForm::Document) keep_last_answer();
        for (const Kind& kind : reading_.kinds)
            if (kind.sort == Sort::Data && (data_ == nullptr || weight(kind) > weight(*data_)))
                data_ = &kind;
        if (data_ == nullptr) return;
        rows_ = find_rows(*data_);
        fields_ = find_fields(*data_, rows_.front(), probed_.began);
    }

    Bytes json() {
        Bytes definition = make_definition(true);
        std::vector<std::string> complaints = check(definition);
        if (!complaints.empty()) {
            for (std::string& complaint : complaints)
                warnings_.push_back("left out of the definition: " + complaint);
            definition = make_definition(false);
        }
        judge();
        Bytes json;
        json::Writer out(json);
        out.begin_object().key("definition").raw(definition);
        write_frames(out);
        write_rows(out);
        write_candidates(out, "key", fields_.key, false);
        write_candidates(out, "id", fields_.id, false);
        write_candidates(out, "time", fields_.time, true);
        write_ping(out);
        write_texts(out, "unknown", unknown_);
        write_texts(out, "warnings", warnings_);
        out.end_object();
        return json;
    }

private:
    static std::uint64_t weight(const Kind& kind) { return kind.bytes + kind.count * 64; }

    void keep_last_answer() {
        for (Kind& kind : reading_.kinds)
            if (kind.frames.size() > 1) kind.frames = {kind.frames.back()};
    }

    static std::vector<std::string> check(const Bytes& definition) {
        std::vector<std::string> complaints;
        const auto parsed = parse(std::string_view(definition));
        if (parsed) return complaints;
        for (const Complaint& complaint : parsed.error())
            complaints.push_back(complaint.pointer + ": " + complaint.detail);
        return complaints;
    }

    // -- the definition -------------------------------------------------------------------------------------
    Bytes make_definition(bool whole) {
        Bytes json;
        json::Writer out(json);
        const auto url = Url::parse(probed_.url);
        const std::string name = url ? name_from(url->host) : "probed";
        out.begin_object()
            .member("name", name)
            .member("type", type_word())
            .member("url", probed_.url);
        const bool keyed = whole && !fields_.key.empty();
        out.member("topic", "feed." + name + (keyed ? ".{." + fields_.key.front().path + "}" : ""));
        if (probed_.form == ProbeForm::Lines)
            out.key("headers").begin_object().member("Accept", "application/x-ndjson").end_object();
        if (probed_.form == ProbeForm::Websocket) write_sends(out);
        if (!reading_.decode.empty()) {
            out.key("decode").begin_array();
            for (const std::string& coding : reading_.decode) out.value(coding);
            out.end_array();
        }
        if (whole) write_shape(out);
        if (whole) write_alive(out);
        if (probed_.form == ProbeForm::Document) write_poll(out, whole);
        out.end_object();
        return json;
    }
    [[nodiscard]] std::string_view type_word() const {
        if (probed_.form == ProbeForm::Websocket) return "websocket";
        return probed_.form == ProbeForm::Document ? "rest" : "sse";
    }
    void write_sends(json::Writer& out) const {
        if (probed_.sends.empty()) return;
        out.key("connect").begin_array();
        for (const Bytes& send : probed_.sends) {
            json::Document document;
            out.begin_object().key("send");
            if (document.parse(send) && !document.root().is_string()) {
                Bytes braced;  // a brace in a text of a template is written twice
                escape_braces(document.root(), braced);
                out.raw(braced);
            } else {
                out.value(doubled(send));
            }
            out.end_object();
        }
        out.end_array();
    }
    static std::string doubled(std::string_view text) {
        std::string out;
        for (const char c : text) out.append(c == '{' || c == '}' ? 2 : 1, c);
        return out;
    }
    static void escape_braces(const json::Value& value, Bytes& out) {
        const bool object = value.is_object();
        if (!object && !value.is_array()) {
            if (value.is_string())
                text::append_json_string(out, doubled(value.string()));
            else
                out += value.raw();
            return;
        }
        out += object ? '{' : '[';
        for (json::Value v = value.first(); v; v = v.next_in(value)) {
            if (out.back() != '{' && out.back() != '[') out += ',';
            if (object) out.append(v.raw_name()).append(":");
            escape_braces(v, out);
        }
        out += object ? '}' : ']';
    }
    void write_shape(json::Writer& out) const {
        if (probed_.form != ProbeForm::Document) write_classify(out);
        if (data_ == nullptr) return;
        const RowsCandidate& rows = rows_.front();
        if (rows.exploded || !rows.path.empty()) out.member("rows", rows.path);
        if (rows.positional) {
            out.key("columns").begin_array();
            for (std::uint32_t i = 0; i < rows.columns; ++i) out.value("c" + std::to_string(i));
            out.end_array();
        }
        write_parent(out);
        if (!fields_.key.empty() || !fields_.id.empty() || !fields_.time.empty()) {
            out.key("map").begin_object();
            if (!fields_.key.empty()) out.member("key", fields_.key.front().path);
            if (!fields_.id.empty()) out.member("id", fields_.id.front().path);
            if (!fields_.time.empty())
                out.member("time", fields_.time.front().path)
                    .member("unit", unit_name(fields_.time.front().unit));
            out.end_object();
        }
        if (!fields_.id.empty() && probed_.form != ProbeForm::Document) {
            out.key("dedupe").begin_object().key("by").begin_array();
            if (!fields_.key.empty()) out.value("key");
            out.value("id").end_array().end_object();
        }
        if (fields_.counter && probed_.form != ProbeForm::Document) {
            out.key("continuity")
                .begin_object()
                .member("rule", "+1")
                .member("at", fields_.counter->path);
            out.member("per", fields_.counter->score == 2 ? "connection" : "key").end_object();
        }
    }
    void write_parent(json::Writer& out) const {
        bool begun = false;
        for (const auto* list : {&fields_.key, &fields_.id, &fields_.time}) {
            if (list->empty() || !list->front().parent) continue;
            if (!std::exchange(begun, true)) out.key("parent").begin_array();
            out.value(list->front().path);
        }
        if (begun) out.end_array();
    }
    void write_classify(json::Writer& out) const {
        bool begun = false;
        for (const Kind& kind : reading_.kinds) {
            const bool word = kind.sort == Sort::Word && !kind.frames.front()->json;
            const std::string_view as =
                word ? std::string_view("heartbeat") : classified_as(kind.sort);
            if (as.empty() || (!word && kind.match.empty())) continue;
            if (!std::exchange(begun, true)) out.key("classify").begin_array();
            out.begin_object();
            if (word)
                out.member("text", text::trim(kind.frames.front()->text));
            else
                out.member("match", kind.match);
            out.member("as", as).end_object();
        }
        if (begun) out.end_array();
    }
    void write_alive(json::Writer& out) const {
        if (probed_.form == ProbeForm::Document) return;
        out.key("alive").begin_object();
        const Duration any = std::max<Duration>(60s, longest_pause(probed_) * 3);
        out.member(
            "any",
            std::to_string(std::chrono::duration_cast<std::chrono::seconds>(any).count()) + "s");
        bool begun = false;
        for (const Kind& kind : reading_.kinds) {
            if (probed_.form != ProbeForm::Websocket ||
                (kind.sort != Sort::Ask && kind.sort != Sort::Word))
                continue;
            const auto rule = reply_rule(kind);
            if (!rule) continue;
            if (!std::exchange(begun, true)) out.key("reply").begin_array();
            out.raw(*rule);
        }
        if (begun) out.end_array();
        out.end_object();
    }
    void write_poll(json::Writer& out, bool whole) const {
        out.key("poll").begin_object().member("every", "60s");
        if (whole && rows_usable() && !fields_.id.empty())
            out.key("diff").begin_object().member("key", fields_.id.front().path).end_object();
        else
            out.member("same", "body");
        out.end_object();
    }
    [[nodiscard]] bool rows_usable() const {
        return !rows_.empty() && (rows_.front().exploded || !rows_.front().path.empty());
    }

    // -- what could not be known --------------------------------------------------------------------------------
    void judge() {
        for (const std::string& remark : probed_.remarks) warnings_.push_back(remark);
        const std::string time = seconds_text(probed_.watched);
        const bool document = probed_.form == ProbeForm::Document;
        if (probed_.frames.empty()) {
            unknown_.push_back("everything about its messages: nothing came in " + time +
                               "; perhaps it waits for a message after connecting (`send`)");
            return;
        }
        if (data_ == nullptr)
            unknown_.push_back("what its data looks like: only " +
                               std::string(name(reading_.kinds.front().sort)) + " frames came");
        if (probed_.frames_unkept > 0)
            warnings_.push_back(std::to_string(probed_.frames_unkept) +
                                " further frames were counted but not looked at");
        if (data_ != nullptr && fields_.key.empty())
            unknown_.push_back(
                "the entity of a message: no field looks like one, so all share a topic");
        if (data_ != nullptr && fields_.id.empty())
            unknown_.push_back("an id: repeats after a reconnect cannot be removed");
        else if (data_ != nullptr)
            unknown_.push_back("whether `" + fields_.id.front().path +
                               "` stays without repeats for ever: it was so in " +
                               std::to_string(fields_.rows) + " rows");
        if (data_ != nullptr && fields_.time.empty())
            unknown_.push_back("the source's own time: the time of arrival is all there is");
        if (data_ != nullptr && !fields_.counter && !document)
            unknown_.push_back("whether messages were lost: no number rises by one");
        if (data_ != nullptr && rows_.front().positional)
            unknown_.push_back("the names of the columns c0, c1, …: only their values were seen");
        if (!document) {
            const bool asks = std::ranges::any_of(reading_.kinds, [](const Kind& kind) {
                return kind.sort == Sort::Ask || kind.sort == Sort::Heartbeat;
            });
            if (probed_.pings.empty() && !asks)
                unknown_.push_back("how it keeps connections alive: it sent no ping in " + time);
            unknown_.push_back(
                "how often it may be connected to and written to, and when it ends a connection by "
                "itself");
            if (probed_.form == ProbeForm::Websocket && probed_.sends.empty())
                unknown_.push_back("what else can be subscribed: nothing was sent");
            const bool ids = std::ranges::any_of(
                probed_.frames, [](const ProbeFrame& frame) { return !frame.id.empty(); });
            if (!ids)
                unknown_.push_back(
                    "where to go on after an interruption: no position was seen that could be "
                    "given back");
        } else {
            unknown_.push_back("how often it may be asked, and how often it changes");
        }
        for (const Kind& kind : reading_.kinds) {
            if (kind.sort == Sort::Unreadable)
                unknown_.push_back("the coding of " + std::to_string(kind.count) +
                                   " frames: " + kind.signature);
            else if (&kind != data_ && kind.sort == Sort::Data)
                unknown_.push_back("what " + std::to_string(kind.count) +
                                   " other frames mean: " + kind.signature);
            else if (classified_as(kind.sort).size() > 0 && kind.match.empty())
                unknown_.push_back("how to tell these frames apart: " + kind.signature);
        }
    }

    // -- lists --------------------------------------------------------------------------------------------------
    void write_frames(json::Writer& out) const {
        out.key("frames").begin_array();
        for (const Kind& kind : reading_.kinds) {
            out.begin_object()
                .member("kind", kind.signature)
                .member("as", name(kind.sort))
                .member("count", kind.count);
            out.member("sample", sample_of(kind.frames.front()->text)).end_object();
        }
        out.end_array();
    }
    void write_rows(json::Writer& out) const {
        out.key("rows").begin_array();
        for (const RowsCandidate& rows : rows_)
            out.begin_object()
                .member("path", rows.path)
                .member("rows", rows.rows)
                .member("reason", rows.reason)
                .end_object();
        out.end_array();
    }
    static void write_candidates(json::Writer& out, std::string_view title,
                                 const std::vector<Candidate>& list, bool with_unit) {
        out.key(title).begin_array();
        for (const Candidate& one : list) {
            out.begin_object().member("path", one.path);
            if (with_unit) out.member("unit", unit_name(one.unit));
            out.member("reason", one.reason).end_object();
        }
        out.end_array();
    }
    void write_ping(json::Writer& out) const {
        out.key("ping").begin_object().member("protocol",
                                              static_cast<std::uint64_t>(probed_.pings.size()));
        out.key("every_ms");
        if (probed_.pings.size() >= 2) {
            const Duration span = probed_.pings.back() - probed_.pings.front();
            out.value(static_cast<std::int64_t>(
                std::chrono::duration_cast<std::chrono::milliseconds>(span).count() /
                static_cast<std::int64_t>(probed_.pings.size() - 1)));
        } else {
            out.null();
        }
        out.key("messages").begin_array();
        for (const Kind& kind : reading_.kinds)
            if (kind.sort == Sort::Ask || kind.sort == Sort::Heartbeat) out.value(kind.signature);
        out.end_array().end_object();
    }
    static void write_texts(json::Writer& out, std::string_view title,
                            const std::vector<std::string>& list) {
        out.key(title).begin_array();
        for (const std::string& text : list) out.value(text);
        out.end_array();
    }

    const Probed& probed_;
    Reading reading_;
    const Kind* data_ = nullptr;
    std::vector<RowsCandidate> rows_;
    Fields fields_;
    std::vector<std::string> unknown_, warnings_;
};

}  // namespace

Bytes probe_report(const Probed& probed) { return Report(probed).json(); }

}  // namespace anode::source
