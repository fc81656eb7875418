#include "api/table/documents.hpp"
#include "api/table/meanings.hpp"
#include "api/table/schema.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"

namespace anode::api {

namespace {

/// A frame with `op`. `members` as in a Schema.
struct Control {
    std::string_view op, title, members;
};

/// What clients send on /v1/ws; `id` is a number they choose.
constexpr Control kRequests[] = {
    {"hello", "A credential or options, at the start", R"(
        token? text
        ticket? text
        hb? any Heartbeat, such as `20s`
        batch? any Milliseconds to gather
        format? envelope/cloudevents
        fields? text
        client? text)"},
    {"sub", "Begin to listen", R"(
        id integer
        topics [text]
        from? any
        mode? all/latest/sample
        every? any
        n? any
        filter? text
        slow? catchup/drop/close
        on_gap? tell/fail
        window? integer At most so many messages without an `ack`)"},
    {"upd", "Change a subscription", R"(
        id integer
        sid integer
        mode? all/latest/sample
        every? any
        n? any
        filter? text
        window? integer
        paused? flag)"},
    {"unsub", "End a subscription", R"(
        id integer
        sid integer)"},
    {"pub", "Publish a message", R"(
        id? integer Without it nothing is answered
        topic text
        data? any
        b64? text
        ct? text
        key? text
        kind? set/delete/retract/snapshot
        sts? integer
        idem? text
        ack? text)"},
    {"hist", "Read history", R"(
        id integer
        topics [text]
        from? any
        to? any
        limit? integer
        order? asc/desc)"},
    {"get", "Read the newest message of each key", R"(
        id integer
        topics [text])"},
    {"ack", "Free the window up to here", R"(
        cursor text)"},
    {"ping", "Is anybody there?", R"(
        id? integer)"},
};

/// What the node sends beside messages.
constexpr Control kControls[] = {
    {"welcome", "After the handshake or hello", R"(
        v integer
        node text
        cluster text
        session text
        hb? any
        limits? object
        retention? any
        nodes? any
        auth? any)"},
    {"ok", "A request was done", R"(
        id? any
        sid? integer
        resume? live/exact/overlap/gap
        cursor? text
        matched? integer
        mid? text
        ack? text
        n? integer)"},
    {"err", "A request was refused", R"(
        id? integer?
        code text
        title text
        detail text
        retry_ms? integer?
        n? integer)"},
    {"page", "Answer to hist and get", R"(
        id integer
        items [object]
        next? text?)"},
    {"gap", "A hole, before the first message behind it", R"(
        gap text
        reason retention/slow/resume/origin/source
        topics [text]
        from? any
        to? any
        lost integer?)"},
    {"hb", "Nothing else was sent for a while", R"(
        ts integer
        cursor text
        lag integer
        subs? object)"},
    {"live", "A subscription has finished its replay", R"(
        sid integer
        cursor text)"},
    {"end", "The server ended a subscription", R"(
        sid integer
        code text
        cursor? text)"},
    {"drain", "The node is about to leave", R"(
        in any
        nodes? any
        cursor? text)"},
    {"pong", "Answer to ping", R"(
        id? integer
        ts integer)"},
};

/// Schemas lie beside the messages here, under the same names as in OpenAPI.
Bytes schema_of_control(const Control& control) {
    const Bytes plain = json_of(Schema{.name = control.op,
                                       .text = control.title,
                                       .members = control.members,
                                       .closed = false,
                                       .raw = {}});
    Bytes with_op = plain;
    constexpr std::string_view kRequired = "\"required\":[", kProperties = "\"properties\":{";
    const std::string op = "\"op\":{\"const\":" + text::json_string(control.op) + "}";
    const auto required = with_op.find(kRequired) + kRequired.size();
    with_op.insert(required, with_op[required] == ']' ? "\"op\"" : "\"op\",");
    const auto properties = with_op.find(kProperties) + kProperties.size();
    with_op.insert(properties, with_op[properties] == '}' ? op : op + ",");
    return with_op;
}

void write_message(json::Writer& out, std::string_view name, std::string_view title,
                   const Bytes& payload) {
    out.key(name).begin_object().member("name", name).member("title", title);
    out.member("contentType", "application/json").key("payload").raw(payload).end_object();
}

void write_messages(json::Writer& out) {
    out.key("messages").begin_object();
    write_message(out, "message", "A message: a frame without op",
                  R"({"$ref":"#/components/schemas/Message"})");
    write_message(out, "payload", "Any JSON text; a binary frame is stored as b64", "{}");
    for (const Control& control : kRequests)
        write_message(out, control.op, control.title, schema_of_control(control));
    for (const Control& control : kControls)
        write_message(out, control.op, control.title, schema_of_control(control));
    out.end_object();
}

/// Which messages flow on a channel.
struct Channel {
    std::string_view name, path, title;
    std::string_view sent, received;  ///< by the node; names, a space between
};
constexpr Channel kChannels[] = {
    {"stream", "/v1/stream", "One-way stream: WebSocket, server-sent events or NDJSON",
     "message gap hb drain", ""},
    {"ws", "/v1/ws", "The WebSocket protocol anode.v1",
     "message welcome ok err page gap hb live end drain pong",
     "hello sub upd unsub pub hist get ack ping"},
    {"push", "/v1/push", "Publish by WebSocket: each text frame is a payload", "ok err", "payload"},
};

void write_channel(json::Writer& out, const Channel& channel) {
    out.key(channel.name)
        .begin_object()
        .member("address", channel.path)
        .member("title", channel.title);
    const Operation* row = find_operation(Method::Get, channel.path);
    if (row != nullptr) out.member("description", row->text);
    out.key("bindings").begin_object().key("ws").begin_object();
    out.member("method", "GET").member("bindingVersion", "0.1.0");
    if (row != nullptr && !row->parameters.empty()) {
        out.key("query").begin_object().member("type", "object").key("properties").begin_object();
        for (const Parameter& parameter : row->parameters)
            out.key(parameter.name).raw(schema_of(parameter));
        out.end_object().end_object();
    }
    out.end_object().end_object().key("messages").begin_object();
    for (const std::string_view names : {channel.sent, channel.received})
        for (const std::string_view one : text::split(names, ' '))
            if (!one.empty())
                out.key(one)
                    .begin_object()
                    .member("$ref", "#/components/messages/" + std::string(one))
                    .end_object();
    out.end_object().end_object();
}

void write_operation(json::Writer& out, const Channel& channel, bool sends) {
    const std::string name = (sends ? "send_" : "receive_") + std::string(channel.name);
    const std::string at = "#/channels/" + std::string(channel.name);
    out.key(name).begin_object().member("action", sends ? "send" : "receive");
    out.key("channel").begin_object().member("$ref", at).end_object();
    out.member("title", channel.title).key("messages").begin_array();
    for (const std::string_view one : text::split(sends ? channel.sent : channel.received, ' '))
        out.begin_object().member("$ref", at + "/messages/" + std::string(one)).end_object();
    out.end_array().end_object();
}

/// `https://hub.example.org/x` → host and path, as AsyncAPI wants them apart.
void write_server(json::Writer& out, std::string_view public_url) {
    const bool secure = public_url.starts_with("https://");
    if (const auto scheme = public_url.find("://"); scheme != std::string_view::npos)
        public_url.remove_prefix(scheme + 3);
    const std::string_view host = public_url.substr(0, public_url.find('/'));
    out.key("servers").begin_object().key("node").begin_object();
    out.member("host", host.empty() ? std::string_view("127.0.0.1:7945") : host);
    out.member("protocol", secure ? "wss" : "ws").key("security").begin_array().begin_object();
    out.member("type", "http")
        .member("scheme", "bearer")
        .end_object()
        .end_array()
        .end_object()
        .end_object();
}

}  // namespace

Bytes asyncapi_json(std::string_view version, std::string_view public_url) {
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("asyncapi", "3.0.0").key("info").begin_object();
    out.member("title", "aNode streams").member("version", version);
    out.member("description", "Messages as they come; the WebSocket protocol anode.v1")
        .end_object();
    out.member("defaultContentType", "application/json");
    write_server(out, public_url);
    out.key("channels").begin_object();
    for (const Channel& channel : kChannels) write_channel(out, channel);
    out.end_object().key("operations").begin_object();
    for (const Channel& channel : kChannels)
        for (const bool sends : {true, false})
            if (sends || !channel.received.empty()) write_operation(out, channel, sends);
    out.end_object().key("components").begin_object();
    write_messages(out);
    out.key("schemas").begin_object();
    if (const Schema* message = find_schema("Message")) out.key("Message").raw(json_of(*message));
    out.end_object().end_object().end_object();
    return json;
}

}  // namespace anode::api
