#include "core/source/build.hpp"

namespace anode::source {

namespace {

FrameForm frame_of(const json::Value& v) {
    return v.equals("binary") ? FrameForm::Binary : FrameForm::Text;
}

std::vector<Capture> captures_of(const json::Value& v) {
    std::vector<Capture> made;
    each(v, [&](const json::Value& from) { made.push_back({from.name(), selector_of(from)}); });
    return made;
}

SendStep send_of(const json::Value& v) {
    SendStep made{.send = message_of(v["send"]), .frame = frame_of(v["frame"])};
    set(v["batch"], made.batch);
    set_size(v["bytes"], made.bytes);
    set(v["every"], made.every);
    set(v["where"], made.where);
    return made;
}

ExpectStep expect_step_of(const json::Value& v) {
    ExpectStep made{.expect = expect_of(v["expect"])};
    set(v["within"], made.within);
    made.item = item_ref_of(v);
    made.capture = captures_of(v["capture"]);
    set(v["reject"], made.reject);
    set(v["fatal"], made.fatal);
    set(v["bind"], made.bind);
    return made;
}

RequestStep request_of(const json::Value& v) {
    const bool post = !v["post"].is_null();
    RequestStep made{.method = post ? RequestStep::Method::Post : RequestStep::Method::Get,
                     .url = template_of(v[post ? "post" : "get"], Place::Url)};
    for (Header& header : headers_of(v["headers"]))
        made.headers.emplace_back(std::move(header.name), std::move(header.value));
    if (!v["body"].is_null()) made.body = message_of(v["body"]);
    made.capture = captures_of(v["capture"]);
    set(v["within"], made.within);
    return made;
}

Step step_of(const json::Value& v) {
    Step made{.what = WaitStep{}};
    if (!v["send"].is_null()) {
        made.what = send_of(v);
    } else if (!v["expect"].is_null()) {
        made.what = expect_step_of(v);
    } else if (!v["wait"].is_null()) {
        set(v["wait"], std::get<WaitStep>(made.what).wait);
    } else {
        made.what = request_of(v);
    }
    set(v["final"], made.final);
    return made;
}

PingSpec ping_of(const json::Value& v) {
    const auto [when, period] = parse_when(v["when"].string()).value();
    PingSpec made{.when = when,
                  .period = period,
                  .send = message_of(v[v["text"].is_null() ? "send" : "text"]),
                  .frame = frame_of(v["frame"])};
    if (!v["expect"].is_null()) made.expect = expect_of(v["expect"]);
    set(v["within"], made.within);
    return made;
}

ReplyRule reply_of(const json::Value& v) {
    ReplyRule made{
        .match = v["text"].string(), .send = message_of(v["send"]), .frame = frame_of(v["frame"])};
    if (!v["match"].is_null()) made.match = program_of(v["match"]);
    return made;
}

void build_alive(const json::Value& v, AliveSpec& made) {
    if (!v["ping"].is_null()) made.ping = ping_of(v["ping"]);
    each(v["reply"], [&](const json::Value& rule) { made.reply.push_back(reply_of(rule)); });
    set(v["protocol_ping"], made.protocol_ping);
    set(v["any"], made.any);
    set(v["stale"], made.stale);
    set(v["stale_action"], made.stale_action,
        {{"note", AliveSpec::StaleAction::Note}, {"reconnect", AliveSpec::StaleAction::Reconnect}});
    if (!v["rotate"].is_null()) made.rotate = parse_jittered(v["rotate"].string());
    set(v["overlap"], made.overlap);
}

ResumeSpec resume_of(const json::Value& v) {
    ResumeSpec made;
    set(v["at"], made.at);
    const json::Value as = v["as"];
    if (!as["query"].is_null()) made.as = ResumeSpec::Query{as["query"].string()};
    if (!as["header"].is_null()) made.as = ResumeSpec::Header{as["header"].string()};
    if (!as["send"].is_null()) made.as = ResumeSpec::Send{message_of(as["send"])};
    set(v["rewind"], made.rewind);
    set(v["too_old"], made.too_old);
    return made;
}

}  // namespace

void build_stream(const json::Value& root, Definition& made) {
    each(root["connect"], [&](const json::Value& v) { made.connect.push_back(step_of(v)); });
    build_alive(root["alive"], made.alive);
    if (!root["resume"].is_null()) {
        made.resume = resume_of(root["resume"]);
    } else if (made.type == Type::Sse) {
        made.resume = ResumeSpec{};  // the event id, as every browser does
    }
}

}  // namespace anode::source
