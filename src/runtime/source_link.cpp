#include "runtime/source_link.hpp"

#include <utility>

#include "base/text.hpp"
#include "core/codec/lines.hpp"
#include "core/codec/sse.hpp"
#include "core/source/url.hpp"
#include "runtime/file_reader.hpp"
#include "runtime/http_client.hpp"
#include "runtime/loop.hpp"
#include "runtime/resolver.hpp"
#include "runtime/ws_client.hpp"

namespace anode {
namespace {

using source::ConnId;
using source::ErrorClass;
using source::Failure;

constexpr std::size_t kRefusalBytesMax = 64 << 10;
constexpr std::size_t kStreamRatioMax = 1000;

TlsOptions tls_of(const source::TlsOptions& options) {
    return {.ca = options.ca, .insecure = options.insecure, .server_name = options.server_name};
}

class WsLink final : public SourceLink, WsClientHandler {
public:
    WsLink(SourceWorld world, LinkOwner& owner, const source::act::Open& wanted, Url url)
        : owner_(owner), conn_(wanted.conn), client_(world.loop, world.resolver, *this) {
        WsRequest request;
        request.url = std::move(url);
        request.headers = wanted.spec.headers;
        for (const std::string_view name : text::split(wanted.spec.subprotocol, ','))
            if (!text::trim(name).empty()) request.subprotocols.emplace_back(text::trim(name));
        request.origin = wanted.spec.origin;
        request.deflate = wanted.spec.deflate;
        request.tls = tls_of(wanted.spec.tls);
        request.proxy = wanted.spec.proxy;
        request.handshake_timeout = wanted.spec.timeout;
        request.message_bytes_max = wanted.spec.frame_bytes_max;
        client_.connect(std::move(request));
    }

    Result<void> send(BytesView data, bool binary) override {
        return binary ? client_.send_binary(data) : client_.send_text(data);
    }
    Result<void> ping(BytesView payload) override { return client_.ping(payload); }
    void reading(bool on) override { on ? client_.resume() : client_.pause(); }
    bool close(std::uint16_t code, BytesView reason) override {
        client_.close(code, reason);
        return true;
    }
    [[nodiscard]] std::uint64_t bytes_in() const noexcept override { return client_.bytes_in(); }

private:
    void on_open(const WsOpened& opened) override {
        if (!muted) owner_.step(source::in::Opened{conn_, opened.headers});
    }
    void on_refused(const HttpRefusal& refusal) override {
        failure_.status = refusal.status;
        failure_.headers = refusal.headers;
        failure_.body = refusal.body;
    }
    void on_messages(std::span<const WsMessage> messages) override {
        for (const WsMessage& message : messages) {
            if (muted) return;
            if (message.kind == WsMessage::Kind::Text || message.kind == WsMessage::Kind::Binary)
                owner_.step(source::in::Frame{conn_, message.payload,
                                              message.kind == WsMessage::Kind::Binary});
            else
                owner_.step(source::in::Alive{conn_});
        }
    }
    void on_read_end() override { owner_.batch_end(); }
    void on_closed(const WsClosed& closed) override {
        failure_.error = closed.error.kind;
        failure_.close_code = closed.code;
        failure_.detail = closed.error.what;
        if (closed.code != 0) failure_.detail += " (" + std::to_string(closed.code) + ')';
        if (!closed.reason.empty()) failure_.detail += ": " + text::printable(closed.reason);
        owner_.link_closed(conn_, std::move(failure_));
    }

    LinkOwner& owner_;
    ConnId conn_;
    Failure failure_;
    WsClient client_;
};

/// SSE or NDJSON over a long HTTP answer.
class StreamLink final : public SourceLink, HttpStreamHandler {
public:
    StreamLink(SourceWorld world, LinkOwner& owner, const source::act::Open& wanted, Url url)
        : owner_(owner),
          http_(world.http),
          conn_(wanted.conn),
          sse_(wanted.spec.transport == source::Transport::Sse),
          events_({wanted.spec.frame_bytes_max, wanted.spec.frame_bytes_max}),
          lines_(wanted.spec.frame_bytes_max) {
        HttpRequest request;
        request.method = wanted.spec.method;
        request.url = std::move(url);
        request.headers = wanted.spec.headers;
        for (const auto& header : wanted.spec.headers)
            request.secret_headers.push_back(header.first);
        request.body = wanted.spec.body;
        request.tls = tls_of(wanted.spec.tls);
        request.proxy = wanted.spec.proxy;
        request.timeout = request.connect_timeout = wanted.spec.timeout;
        request.inflate_ratio_max = kStreamRatioMax;
        id_ = http_.stream(std::move(request), *this);
    }
    ~StreamLink() override { http_.cancel(id_); }

    void reading(bool on) override { on ? http_.resume(id_) : http_.pause(id_); }
    bool close(std::uint16_t, BytesView) override { return false; }
    [[nodiscard]] std::uint64_t bytes_in() const noexcept override { return bytes_in_; }

private:
    void on_head(const HttpResponse& head) override {
        if (muted) return;
        const bool good = head.status == 200 && (!sse_ || is_event_stream(head.headers));
        if (good) {
            opened_ = true;
            return owner_.step(source::in::Opened{conn_, head.headers});
        }
        failure_.error = head.status == 200 ? ErrorClass::Protocol : ErrorClass::Http;
        failure_.detail = head.status == 200 ? "the answer is no text/event-stream"
                                             : "the server answered " + std::to_string(head.status);
        failure_.status = head.status;
        failure_.headers = head.headers;
    }
    static bool is_event_stream(const Headers& headers) {
        for (const auto& [name, value] : headers)
            if (name == "content-type") return text::lower(value).starts_with("text/event-stream");
        return true;
    }
    void on_data(BytesView data) override {
        bytes_in_ += data.size();
        if (muted || ended_) return;
        if (!opened_) {
            failure_.body += data.substr(0, kRefusalBytesMax - failure_.body.size());
            if (failure_.body.size() == kRefusalBytesMax) end(std::move(failure_));
            return;
        }
        sse_ ? take_events(data) : take_lines(data);
        owner_.batch_end();
    }
    void take_events(BytesView data) {
        while (const auto item = events_.next(data)) {
            switch (item->kind) {
                case sse::Item::Kind::Event:
                    owner_.step(source::in::SseEvent{conn_, item->id, item->type, item->data,
                                                     std::exchange(retry_, Duration::zero())});
                    break;
                case sse::Item::Kind::Retry:
                    retry_ = std::chrono::milliseconds(
                        std::min<std::uint64_t>(item->retry_ms, 86'400'000));
                    [[fallthrough]];
                case sse::Item::Kind::Comment:
                    owner_.step(source::in::Alive{conn_});
                    break;
                case sse::Item::Kind::Failed:
                    return end(failure(ErrorClass::TooLarge, std::string(item->data)));
            }
            if (muted) return;
        }
    }
    void take_lines(BytesView data) {
        bool any = false;
        while (const auto line = lines_.next(data)) {
            any = true;
            owner_.step(source::in::Frame{conn_, *line, false});
            if (muted) return;
        }
        if (lines_.failed()) return end(failure(ErrorClass::TooLarge, "a line is too large"));
        if (!any) owner_.step(source::in::Alive{conn_});
    }
    void on_end(const NetResult<void>& result) override {
        if (ended_) return;
        if (opened_ && result && !sse_ && !muted) {
            if (const auto line = lines_.finish())
                owner_.step(source::in::Frame{conn_, *line, false});
            owner_.batch_end();
        }
        if (failure_.status != 0) return end(std::move(failure_));
        end(result ? failure(ErrorClass::Closed, "the server ended the stream")
                   : failure(result.error().kind, result.error().what));
    }
    void end(Failure why) {
        ended_ = true;
        owner_.link_closed(conn_, std::move(why));
    }

    LinkOwner& owner_;
    HttpClient& http_;
    ConnId conn_;
    HttpId id_{};
    bool sse_;
    bool opened_ = false;
    bool ended_ = false;
    Duration retry_{};
    std::uint64_t bytes_in_ = 0;
    sse::Parser events_;
    codec::LineSplitter lines_;
    Failure failure_;
};

class FileLink final : public SourceLink, FileHandler {
public:
    FileLink(SourceWorld world, LinkOwner& owner, const source::act::OpenFile& wanted)
        : owner_(owner),
          conn_(wanted.conn),
          reader_(world.loop,
                  {.path = wanted.path,
                   .from = wanted.from,
                   .follow = wanted.follow,
                   .line_bytes_max = wanted.line_bytes_max},
                  *this) {
        reader_.start();
    }

    void reading(bool on) override { on ? reader_.resume() : reader_.pause(); }
    bool close(std::uint16_t, BytesView) override { return false; }
    [[nodiscard]] std::uint64_t bytes_in() const noexcept override { return reader_.bytes_read(); }

private:
    void on_open() override { owner_.step(source::in::Opened{conn_, {}}); }
    void on_lines(std::span<const FileLine> lines) override {
        for (const FileLine& line : lines) {
            if (muted) return;
            owner_.step(source::in::FileData{conn_, line.text, line.position});
        }
        owner_.batch_end();
    }
    void on_restart() override { owner_.note("file-restarted", "the file was cut or replaced"); }
    void on_skipped(std::uint64_t bytes) override {
        owner_.note("line-skipped",
                    "a line of " + std::to_string(bytes) + " bytes is over the limit");
    }
    void on_end(const Result<void>& result) override {
        if (muted) return;
        if (result) {
            owner_.step(source::in::FileEnd{conn_});
            owner_.batch_end();
            return owner_.link_ended(conn_);
        }
        const ErrorClass kind = result.error().code == Errc::NotFound ? ErrorClass::Unreachable
                                : result.error().code == Errc::Io     ? ErrorClass::Internal
                                                                      : ErrorClass::Decode;
        owner_.link_closed(conn_, failure(kind, result.error().what));
    }

    LinkOwner& owner_;
    ConnId conn_;
    FileReader reader_;
};

/// Stands for a link that could not even begin.
class FailedLink final : public SourceLink {
public:
    FailedLink(Loop& loop, LinkOwner& owner, ConnId conn, Failure why) {
        loop.defer([alive = std::weak_ptr(alive_), &owner, conn, why = std::move(why)]() mutable {
            if (!alive.expired()) owner.link_closed(conn, std::move(why));
        });
    }
    void reading(bool) override {}
    bool close(std::uint16_t, BytesView) override { return false; }
    [[nodiscard]] std::uint64_t bytes_in() const noexcept override { return 0; }

private:
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

Failure failure(ErrorClass kind, std::string detail) {
    Failure made;
    made.error = kind;
    made.detail = std::move(detail);
    return made;
}

std::unique_ptr<SourceLink> open_link(SourceWorld world, LinkOwner& owner,
                                      const source::act::Open& wanted) {
    auto url = Url::parse(wanted.spec.url);
    const bool socket = wanted.spec.transport == source::Transport::WebSocket;
    if (url && url->websocket() != socket)
        url = fail(Errc::Unsupported, "the URL's scheme does not fit the source");
    if (!url) {
        return std::make_unique<FailedLink>(world.loop, owner, wanted.conn,
                                            failure(ErrorClass::Definition, url.error().what));
    }
    if (socket) return std::make_unique<WsLink>(world, owner, wanted, std::move(*url));
    return std::make_unique<StreamLink>(world, owner, wanted, std::move(*url));
}

std::unique_ptr<SourceLink> open_link(SourceWorld world, LinkOwner& owner,
                                      const source::act::OpenFile& wanted) {
    return std::make_unique<FileLink>(world, owner, wanted);
}

}  // namespace anode
