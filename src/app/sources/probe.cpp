#include "app/sources/probe.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "app/sources/book.hpp"
#include "base/text.hpp"
#include "core/codec/lines.hpp"
#include "core/codec/sse.hpp"
#include "core/json/json.hpp"
#include "core/source/probe.hpp"
#include "runtime/http_client.hpp"
#include "runtime/loop.hpp"
#include "runtime/ws_client.hpp"

namespace anode::app {
namespace {

using source::ProbeForm;

constexpr std::uint64_t kSecondsDefault = 10, kSecondsMax = 60;
constexpr std::size_t kSendsMax = 20;
constexpr std::size_t kBodyMax = 8 << 20;
constexpr std::string_view kAccept =
    "text/event-stream, application/x-ndjson;q=0.9, application/json;q=0.8, */*;q=0.5";

struct Wish {
    Url url;
    Duration time{};
    std::vector<Bytes> sends;
};

std::unexpected<api::Failure> refuse(std::string pointer, std::string code, std::string detail) {
    const auto why =
        code == "address-blocked" ? api::Failure::Why::AddressBlocked : api::Failure::Why::Invalid;
    return std::unexpected(
        api::Failure{why, detail, {{std::move(pointer), std::move(code), std::move(detail)}}});
}

api::Outcome<Wish> read_wish(BytesView body, const EgressPolicy& egress) {
    json::Document document;
    if (const auto parsed = document.parse(body); !parsed)
        return refuse("", "bad-json", parsed.error().what);
    const json::Value root = document.root();
    if (!root.is_object())
        return refuse("", "invalid", "a body such as {\"url\":\"wss://…\"} is expected");
    for (json::Value member = root.first(); member; member = member.next_in(root))
        if (!member.is_named("url") && !member.is_named("seconds") && !member.is_named("send"))
            return refuse("/" + member.name(), "unknown",
                          "unknown member; known are url, seconds, send");
    Wish wish;
    auto url = Url::parse(root["url"].string());
    if (!url) return refuse("/url", "invalid", url.error().what);
    if (const auto allowed = egress.check(*url); !allowed)
        return refuse("/url", "address-blocked", allowed.error().what);
    wish.url = std::move(*url);
    const json::Value seconds = root["seconds"];
    const auto asked = seconds.is_null() ? static_cast<std::int64_t>(kSecondsDefault)
                                         : seconds.integer().value_or(0);
    if (asked < 1 || asked > static_cast<std::int64_t>(kSecondsMax))
        return refuse("/seconds", "invalid", "expects 1 to 60");
    wish.time = std::chrono::seconds(asked);
    const json::Value send = root["send"];
    if (!send.is_null() && !send.is_array())
        return refuse("/send", "invalid", "expects a list of messages");
    if (send.size() > kSendsMax) return refuse("/send", "invalid", "at most 20 messages");
    for (json::Value one = send.first(); one; one = one.next_in(send)) {
        Bytes message;
        if (one.is_string())
            message = one.string();
        else
            one.append_compact(message);
        wish.sends.push_back(std::move(message));
    }
    return wish;
}

/// One look at a URL. Keeps itself alive by the timer of its end.
class Watch final : public WsClientHandler,
                    public HttpStreamHandler,
                    public Look,
                    public std::enable_shared_from_this<Watch> {
public:
    Watch(RunnerWorld& world, Wish wish, Probe::Done done)
        : world_(world), wish_(std::move(wish)), done_(std::move(done)) {}

    void give_up() override { finish(); }

    void begin() {
        const Now now = world_.world.loop.now();
        began_ = now.mono;
        seen_.url = wish_.url.text();
        seen_.began = now.wall;
        seen_.sends = wish_.sends;
        world_.world.loop.after(wish_.time, [self = shared_from_this()] { self->finish(); });
        if (wish_.url.websocket()) {
            socket_ = std::make_unique<WsClient>(world_.world.loop, world_.world.resolver, *this);
            WsRequest request;
            request.url = wish_.url;
            request.user_agent = "anode-probe";
            socket_->connect(std::move(request));
        } else {
            HttpRequest request;
            request.url = wish_.url;
            request.headers.emplace_back("Accept", kAccept);
            request.user_agent = "anode-probe";
            request_ = world_.world.http.stream(std::move(request), *this);
        }
    }

private:
    [[nodiscard]] Duration since() const { return world_.world.loop.now().mono - began_; }
    void remark(std::string text) {
        if (seen_.remarks.size() < 20) seen_.remarks.push_back(std::move(text));
    }
    void keep(source::ProbeFrame frame) {
        bytes_ += frame.data.size();
        if (seen_.frames.size() >= source::kProbeFramesMax || bytes_ > source::kProbeBytesMax)
            ++seen_.frames_unkept;
        else
            seen_.frames.push_back(std::move(frame));
    }

    // -- WebSocket
    void on_open(const WsOpened&) override {
        for (const Bytes& message : wish_.sends)
            if (const auto sent = socket_->send_text(message); !sent)
                remark("a message could not be sent: " + sent.error().what);
    }
    void on_refused(const HttpRefusal& refusal) override {
        remark("the server answered " + std::to_string(refusal.status) +
               " instead of the upgrade: " + text::printable(refusal.body.substr(0, 300)));
    }
    void on_messages(std::span<const WsMessage> messages) override {
        for (const WsMessage& message : messages) {
            if (message.kind == WsMessage::Kind::Ping)
                seen_.pings.push_back(since());
            else if (message.kind != WsMessage::Kind::Pong)
                keep({since(),
                      Bytes(message.payload),
                      message.kind == WsMessage::Kind::Binary,
                      {},
                      {}});
        }
    }
    void on_closed(const WsClosed& closed) override {
        std::string words =
            closed.opened
                ? "the server ended the connection after " +
                      text::duration(std::chrono::floor<std::chrono::milliseconds>(since()))
                : "no connection: " + closed.error.what;
        if (closed.code != 0)
            words +=
                " with code " + std::to_string(closed.code) + " " + text::printable(closed.reason);
        remark(std::move(words));
        finish_soon();
    }

    // -- HTTP
    void on_head(const HttpResponse& head) override {
        seen_.headers = head.headers;
        if (head.status != 200) remark("the server answered " + std::to_string(head.status));
        std::string type;
        for (const auto& [name, value] : head.headers)
            if (name == "content-type") type = text::lower(value);
        if (type.starts_with("text/event-stream"))
            seen_.form = ProbeForm::Events;
        else if (type.find("ndjson") != type.npos || type.find("jsonl") != type.npos ||
                 type.find("stream+json") != type.npos || type.find("json-seq") != type.npos)
            seen_.form = ProbeForm::Lines;
        else
            seen_.form = ProbeForm::Document;
        if (seen_.form == ProbeForm::Document && type.find("json") == type.npos)
            remark("the content type is `" + text::printable(type) + "`, not JSON");
    }
    void on_data(BytesView data) override {
        if (seen_.form == ProbeForm::Events)
            take_events(data);
        else if (seen_.form == ProbeForm::Lines)
            take_lines(data);
        else
            body_ += data.substr(0, kBodyMax - std::min(kBodyMax, body_.size()));
        if (body_.size() >= kBodyMax) finish_soon();
    }
    void take_events(BytesView data) {
        while (const auto item = events_.next(data)) {
            if (item->kind == sse::Item::Kind::Event)
                keep({since(), Bytes(item->data), false, std::string(item->type),
                      std::string(item->id)});
            else if (item->kind == sse::Item::Kind::Comment)
                seen_.pings.push_back(since());
            else if (item->kind == sse::Item::Kind::Retry)
                remark("it asks to reconnect after " + std::to_string(item->retry_ms) + " ms");
            else
                remark("the event stream is broken: " + Bytes(item->data));
        }
    }
    void take_lines(BytesView data) {
        bool any = false;
        while (const auto line = lines_.next(data)) {
            any = true;
            keep({since(), Bytes(*line), false, {}, {}});
        }
        if (!any && data.find_first_not_of("\r\n") == BytesView::npos)
            seen_.pings.push_back(since());
        if (lines_.failed()) remark("a line is too large");
    }
    void on_end(const NetResult<void>& end) override {
        request_.reset();
        if (!end)
            remark(end.error().what);
        else if (seen_.form != ProbeForm::Document)
            remark("the server ended the stream");
        else
            body_complete_ = true;
        finish_soon();
    }

    // -- the end
    /// Not inside a callback of the client that ends with it.
    void finish_soon() {
        world_.world.loop.defer([self = shared_from_this()] { self->finish(); });
    }
    void finish() {
        if (!done_) return;
        auto done = std::exchange(done_, nullptr);
        socket_.reset();
        if (request_) world_.world.http.cancel(*request_);
        request_.reset();
        if (wish_.url.websocket()) seen_.form = ProbeForm::Websocket;
        seen_.watched = since();
        take_body();
        done(source::probe_report(seen_));
    }
    /// A body is one answer; one that never ended may be lines under another name.
    void take_body() {
        if (body_.empty()) return;
        if (body_complete_ || body_.find('\n') == Bytes::npos)
            return keep({seen_.watched, std::move(body_), false, {}, {}});
        seen_.form = ProbeForm::Lines;
        remark("the answer did not end: it is taken for JSON lines");
        take_lines(body_);
    }

    RunnerWorld& world_;
    Wish wish_;
    Probe::Done done_;
    source::Probed seen_;
    Instant began_{};
    std::size_t bytes_ = 0;
    std::unique_ptr<WsClient> socket_;
    std::optional<HttpId> request_;
    sse::Parser events_;
    codec::LineSplitter lines_;
    Bytes body_;
    bool body_complete_ = false;
};

}  // namespace

std::weak_ptr<Look> Probe::start(RunnerWorld& world, BytesView body, const EgressPolicy& egress,
                                 Done done) {
    auto wish = read_wish(body, egress);
    if (!wish) {
        done(std::unexpected(std::move(wish.error())));
        return {};
    }
    const auto watch = std::make_shared<Watch>(world, std::move(*wish), std::move(done));
    watch->begin();
    return watch;
}

}  // namespace anode::app
