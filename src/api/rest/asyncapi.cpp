#include "api/rest/openapi.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"

namespace anode::api::rest {

namespace {

/// Messages are described once and named by channels and operations.
constexpr std::string_view kChannels = R"({
"stream":{"address":"/v1/stream","title":"One-way stream","description":"WebSocket if upgraded, SSE or NDJSON by Accept. Query: topics, from, to, limit, format, fields, mode, every, n, filter, slow, on_gap, batch, hb.","messages":{"message":{"$ref":"#/components/messages/message"},"gap":{"$ref":"#/components/messages/gap"},"hb":{"$ref":"#/components/messages/hb"},"drain":{"$ref":"#/components/messages/drain"}}},
"ws":{"address":"/v1/ws","title":"anode.v1","description":"WebSocket subprotocol anode.v1: text frames, one JSON object each.","bindings":{"ws":{"method":"GET"}},"messages":{"request":{"$ref":"#/components/messages/request"},"message":{"$ref":"#/components/messages/message"},"welcome":{"$ref":"#/components/messages/welcome"},"ok":{"$ref":"#/components/messages/ok"},"err":{"$ref":"#/components/messages/err"},"page":{"$ref":"#/components/messages/page"},"gap":{"$ref":"#/components/messages/gap"},"hb":{"$ref":"#/components/messages/hb"},"live":{"$ref":"#/components/messages/live"},"end":{"$ref":"#/components/messages/end"},"drain":{"$ref":"#/components/messages/drain"},"pong":{"$ref":"#/components/messages/pong"}}},
"push":{"address":"/v1/push","title":"Publish by WebSocket","description":"Each text frame is a payload. Query: topic, ack.","messages":{"payload":{"$ref":"#/components/messages/payload"},"ok":{"$ref":"#/components/messages/ok"},"err":{"$ref":"#/components/messages/err"}}}})";

constexpr std::string_view kOperations = R"({
"listen":{"action":"send","channel":{"$ref":"#/channels/stream"},"summary":"Messages of the topics asked for"},
"converse":{"action":"send","channel":{"$ref":"#/channels/ws"},"summary":"Answers, messages and control objects"},
"ask":{"action":"receive","channel":{"$ref":"#/channels/ws"},"summary":"hello, sub, upd, unsub, pub, hist, get, ack, ping","messages":[{"$ref":"#/channels/ws/messages/request"}]},
"publish":{"action":"receive","channel":{"$ref":"#/channels/push"},"summary":"Payloads to publish","messages":[{"$ref":"#/channels/push/messages/payload"}]}})";

struct Control {
    std::string_view op, title, members;
};
constexpr Control kControls[] = {
    {"welcome", "After the handshake or hello",
     "v node cluster session hb limits retention nodes auth"},
    {"ok", "A request was done", "id sid resume cursor matched mid ack n"},
    {"err", "A request was refused", "id code title detail retry_ms"},
    {"page", "Answer to hist and get", "id items next"},
    {"gap", "A hole, before the first message behind it", "gap reason topics from to lost"},
    {"hb", "Nothing else was sent for a while", "ts cursor lag subs"},
    {"live", "A subscription has finished its replay", "sid cursor"},
    {"end", "The server ended a subscription", "sid code cursor"},
    {"drain", "The node is about to leave", "in nodes cursor"},
    {"pong", "Answer to ping", "id ts"},
};

void write_control(json::Writer& out, const Control& control) {
    out.key(control.op).begin_object().member("name", control.op).member("title", control.title);
    out.member("contentType", "application/json").key("payload").begin_object();
    out.member("type", "object").key("required").begin_array().value("op").end_array();
    out.key("properties").begin_object().key("op").begin_object().member("const", control.op);
    out.end_object();
    for (const std::string_view member : text::split(control.members, ' '))
        out.key(member).raw("true");
    out.end_object().end_object().end_object();
}

void write_messages(json::Writer& out) {
    out.key("messages").begin_object();
    out.key("message").raw(
        R"({"name":"message","title":"A message: a frame without op","contentType":"application/json","payload":{"type":"object","required":["cursor","id","topic","ts","src","node"],"properties":{"cursor":{"type":"string"},"id":{"type":"string"},"topic":{"type":"string"},"ts":{"type":"integer"},"src":{"type":"string"},"node":{"type":"string"},"data":true,"b64":{"type":"string"},"ct":{"type":"string"},"key":{"type":"string"},"kind":{"type":"string"},"sts":{"type":"integer"},"flags":{"type":"array"}}}})");
    out.key("payload").raw(
        R"({"name":"payload","title":"Any JSON text; a binary frame is stored as b64","payload":true})");
    out.key("request").raw(
        R"({"name":"request","title":"A request of anode.v1","contentType":"application/json","payload":{"type":"object","required":["op"],"properties":{"op":{"enum":["hello","sub","upd","unsub","pub","hist","get","ack","ping"]},"id":{"type":"integer","minimum":1}}}})");
    for (const Control& control : kControls) write_control(out, control);
    out.end_object();
}

/// `https://hub.example.org/x` → host and path, as AsyncAPI wants them apart.
void write_server(json::Writer& out, std::string_view public_url) {
    const bool secure = public_url.starts_with("https://");
    if (const auto scheme = public_url.find("://"); scheme != std::string_view::npos)
        public_url.remove_prefix(scheme + 3);
    const std::string_view host = public_url.substr(0, public_url.find('/'));
    out.key("servers").begin_object().key("node").begin_object();
    out.member("host", host.empty() ? std::string_view("127.0.0.1:7945") : host);
    out.member("protocol", secure ? "wss" : "ws").end_object().end_object();
}

}  // namespace

Bytes asyncapi_json(std::string_view version, std::string_view public_url) {
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("asyncapi", "3.0.0").key("info").begin_object();
    out.member("title", "aNode streams").member("version", version);
    out.member("description", "Messages in real time; WebSocket protocol anode.v1").end_object();
    out.member("defaultContentType", "application/json");
    write_server(out, public_url);
    out.key("channels").raw(kChannels).key("operations").raw(kOperations);
    out.key("components").begin_object();
    write_messages(out);
    out.end_object().end_object();
    return json;
}

}  // namespace anode::api::rest
