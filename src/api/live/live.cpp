#include "api/live/live.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <future>

#include "api/http/request_metrics.hpp"
#include "api/live/push.hpp"
#include "api/live/session.hpp"
#include "api/live/stream.hpp"
#include "base/text.hpp"
#include "core/codec/websocket_deflate.hpp"
#include "core/codec/websocket_handshake.hpp"

namespace anode::api {

namespace {

/// What a WebSocket handshake has come to.
struct Upgraded {
    Wire wire;
    ws::Upgrade upgrade;
    std::optional<ws::DeflateAgreed> deflate;

    [[nodiscard]] Bytes answer(std::string_view subprotocol, const Request& request,
                               std::string_view resume = {}) const {
        Bytes head;
        ws::append_upgrade_answer(head, upgrade, subprotocol, deflate);
        head.resize(head.size() - 2);
        head.append("X-Request-Id: ").append(request.id).append("\r\n");
        if (!resume.empty()) head.append("Anode-Resume: ").append(resume).append("\r\n");
        return head += "\r\n";
    }
};

std::expected<Upgraded, Problem> upgrade_of(const Request& request) {
    auto upgrade = ws::check_upgrade(*request.head);
    if (!upgrade) {
        return std::unexpected(Problem{
            upgrade.error().status, "bad-request", std::string(upgrade.error().why), {}, {}, {}});
    }
    Upgraded out;
    out.deflate = ws::accept_deflate(upgrade->extensions);
    out.wire.deflate = out.deflate.has_value();
    out.upgrade = std::move(*upgrade);
    return out;
}

Problem draining() {
    Problem problem{503, "draining", "the node is about to leave", {}, {}, {}};
    problem.retry_ms = 1000;
    return problem;
}

Bytes stream_head(const Request& request, const Wire& wire, Begin::Outcome outcome) {
    Bytes head = "HTTP/1.1 200 OK\r\nContent-Type: ";
    head += wire.transport == Transport::Sse ? "text/event-stream; charset=utf-8"
                                             : "application/x-ndjson";
    head += "\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\nConnection: close\r\n";
    head += "X-Content-Type-Options: nosniff\r\nX-Request-Id: " + request.id + "\r\n";
    head.append("Anode-Resume: ").append(name(outcome)).append("\r\n");
    const auto origin = request.header("origin");
    if (origin && wire.transport == Transport::Sse)  // only admitted ones come this far
        head.append("Access-Control-Allow-Origin: ").append(*origin).append("\r\nVary: Origin\r\n");
    if (wire.chunked) head += "Transfer-Encoding: chunked\r\n";
    return head += "\r\n";
}

/// The kernel notices peers that vanished: an idle stream may have nothing to write for hours.
void keep_alive(int fd) {
    const int on = 1, idle = 60, interval = 10, count = 3;
    ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

}  // namespace

Live::Live(Doors doors, Authenticator& auth, bool require_token)
    : parts_(
          doors, auth,
          [this](std::move_only_function<void()> job) { return server_->work(std::move(job)); },
          require_token) {}

Live::~Live() { detach(); }

void Live::add_routes(Router& router) {
    router.add(Method::Get, "/v1/stream", [this](Request& request, Responder responder) {
        stream(request, std::move(responder));
    });
    // The credential may come with `hello`.
    router.add(Method::Get, "/v1/ws", [this](Request& request, Responder responder) {
        session(request, std::move(responder));
    });
    router.add(Method::Get, "/v1/push", [this](Request& request, Responder responder) {
        push(request, std::move(responder));
    });
}

void Live::bind_loops(Server& server) {
    server_ = &server;
    for (unsigned i = 0; i < server.loops(); ++i) {
        hubs_.push_back(std::make_unique<Hub>(server.loop(i), parts_));
        hubs_.back()->attach();
    }
}

void Live::detach() {
    for (const auto& hub : hubs_) hub->detach();
}

std::expected<Seat, Problem> Live::seat_for(const Request& request) {
    const auto answer = parts_.admission.enter(request.peer);
    if (answer == Admission::Answer::Welcome) return Seat(parts_, request.peer);
    const bool here = answer == Admission::Answer::TooManyHere;
    if (server_) server_->request_metrics().refused(here ? "listeners-address" : "listeners-node");
    Problem problem{
        here ? 429 : 503,
        "too-many-connections",
        here ? "this address has too many listeners" : "the node has too many listeners",
        {},
        {},
        {}};
    problem.retry_ms = 5000;
    return std::unexpected(std::move(problem));
}

void Live::stream(Request& request, Responder responder) {
    const auto upgrade_header = request.header("upgrade");
    const bool web_socket =
        upgrade_header && text::lower(*upgrade_header).find("websocket") != std::string::npos;
    const bool sse = !web_socket && request.accepts_by_name("text/event-stream");
    auto want = read_stream_want(request, web_socket, sse, request.received,
                                 parts_.doors.limits.patterns_max);
    if (!want) return responder.problem(std::move(want.error()));
    if (!may_read(request.caller, want->want.selector->topics))
        return responder.problem(Problem::forbidden("these topics are not within your patterns"));
    if (parts_.doors.node.draining()) return responder.problem(draining());
    Upgraded upgraded;
    if (web_socket) {
        auto checked = upgrade_of(request);
        if (!checked) return responder.problem(std::move(checked.error()));
        upgraded = std::move(*checked);
    } else {
        upgraded.wire.transport = sse ? Transport::Sse : Transport::Ndjson;
        upgraded.wire.chunked = request.head->minor_version == 1;
    }
    if (request.method == Method::Head) {
        Response head = Response::empty(200);
        head.content_type = sse ? "text/event-stream" : "application/x-ndjson";
        return responder.send(std::move(head));
    }
    auto seat = seat_for(request);
    if (!seat) return responder.problem(std::move(seat.error()));

    auto begin_stream = [this, &request, web_socket, upgraded = std::move(upgraded), want = *want,
                         seat = std::move(*seat)](Responder answer, Begin begin) mutable {
        Bytes head = web_socket ? upgraded.answer("", request, name(begin.outcome))
                                : stream_head(request, upgraded.wire, begin.outcome);
        std::string identity = request.caller.name;
        Credential credential = request.caller.credential;
        answer.detach(std::move(head),
                      [this, wire = upgraded.wire, want = std::move(want), seat = std::move(seat),
                       begin = std::move(begin), identity = std::move(identity),
                       credential = std::move(credential)](Detached socket) mutable {
                          keep_alive(socket.socket.fd());
                          Hub& hub = *hubs_[socket.loop];
                          Bytes pending = std::move(socket.pending);
                          const auto listener = std::make_shared<StreamListener>(
                              hub, std::move(socket), std::move(seat), wire, want,
                              std::move(identity));
                          listener->admit(std::move(credential));
                          hub.add(listener);
                          listener->open(want, std::move(begin));
                          listener->begin(std::move(pending));
                      });
    };
    if (want->want.start.at == StartAt::At::Live)
        return begin_stream(std::move(responder), Begin{});
    parts_.work([this, wanted = want->want, responder = std::move(responder),
                 begin_stream = std::move(begin_stream)]() mutable {
        auto begin = find_begin(parts_.doors.store, wanted);
        if (!begin) return responder.problem(std::move(begin.error()));
        begin_stream(std::move(responder), std::move(*begin));
    });
}

void Live::session(Request& request, Responder responder) {
    auto upgraded = upgrade_of(request);
    if (!upgraded) return responder.problem(std::move(upgraded.error()));
    constexpr std::string_view kProtocol = "anode.v1";
    bool named = false, others = false;
    for (const std::string& offered : upgraded->upgrade.subprotocols) {
        named |= offered == kProtocol;
        others |= offered != kProtocol && !offered.starts_with("anode.token.");
    }
    if (others && !named) {
        return responder.problem(Problem::bad_request("the subprotocol spoken here is anode.v1"));
    }
    if (parts_.doors.node.draining()) return responder.problem(draining());
    auto seat = seat_for(request);
    if (!seat) return responder.problem(std::move(seat.error()));
    Bytes head = upgraded->answer(named ? kProtocol : "", request);
    responder.detach(std::move(head), [this, wire = upgraded->wire, seat = std::move(*seat),
                                       caller = request.caller](Detached socket) mutable {
        keep_alive(socket.socket.fd());
        Hub& hub = *hubs_[socket.loop];
        Bytes pending = std::move(socket.pending);
        const auto listener = std::make_shared<Session>(hub, std::move(socket), std::move(seat),
                                                        wire, std::move(caller));
        hub.add(listener);
        listener->open();
        listener->begin(std::move(pending));
    });
}

void Live::push(Request& request, Responder responder) {
    const std::string topic(request.arg("topic").value_or(""));
    if (const auto checked = check_topic(topic); !checked)
        return responder.problem(Problem::bad_topic(checked.error().what));
    if (!request.caller.covers(topic))
        return responder.problem(Problem::forbidden("the topic is not within your patterns"));
    const auto asked = request.arg("ack");
    const auto level = AckLevel::parse(asked.value_or("disk"));
    if (!level)
        return responder.problem(Problem::invalid("ack must be received, disk or copies:N"));
    auto upgraded = upgrade_of(request);
    if (!upgraded) return responder.problem(std::move(upgraded.error()));
    if (parts_.doors.node.draining()) return responder.problem(draining());
    auto seat = seat_for(request);
    if (!seat) return responder.problem(std::move(seat.error()));
    Bytes head = upgraded->answer("", request);
    responder.detach(std::move(head),
                     [this, wire = upgraded->wire, seat = std::move(*seat), topic, level = *level,
                      answers = asked.has_value(), identity = request.caller.name,
                      credential = request.caller.credential](Detached socket) mutable {
                         keep_alive(socket.socket.fd());
                         Hub& hub = *hubs_[socket.loop];
                         Bytes pending = std::move(socket.pending);
                         const auto listener = std::make_shared<PushConnection>(
                             hub, std::move(socket), std::move(seat), wire, std::move(identity),
                             topic, level, answers);
                         listener->admit(std::move(credential));
                         hub.add(listener);
                         listener->begin(std::move(pending));
                     });
}

// -- all loops at once ---------------------------------------------------------------------------

namespace {

/// Runs `ask` on the hub's loop and waits for its answer; a loop that does not answer has none.
template <class T>
T ask_hub(Server& server, unsigned index, std::function<T()> ask) {
    auto promise = std::make_shared<std::promise<T>>();
    auto answer = promise->get_future();
    const auto loop = server.loop(index);
    if (loop->in_thread()) return ask();
    loop->post([promise, ask = std::move(ask)] { promise->set_value(ask()); });
    if (answer.wait_for(std::chrono::seconds(2)) != std::future_status::ready) return T{};
    return answer.get();
}

}  // namespace

std::vector<ListenerInfo> Live::snapshot() const {
    std::vector<ListenerInfo> all;
    for (unsigned i = 0; i < hubs_.size(); ++i) {
        auto some = ask_hub<std::vector<ListenerInfo>>(
            *server_, i, [hub = hubs_[i].get()] { return hub->snapshot(); });
        all.insert(all.end(), std::make_move_iterator(some.begin()),
                   std::make_move_iterator(some.end()));
    }
    return all;
}

bool Live::cut(std::string_view id) {
    for (unsigned i = 0; i < hubs_.size(); ++i)
        if (ask_hub<bool>(*server_, i, [hub = hubs_[i].get(), name = std::string(id)] {
                return hub->cut(name);
            }))
            return true;
    return false;
}

std::size_t Live::count() const {
    std::size_t total = 0;
    for (unsigned i = 0; i < hubs_.size(); ++i)
        total +=
            ask_hub<std::size_t>(*server_, i, [hub = hubs_[i].get()] { return hub->listeners(); });
    return total;
}

void Live::drain(Duration grace) {
    for (unsigned i = 0; i < hubs_.size(); ++i)
        server_->loop(i)->post([hub = hubs_[i].get(), grace] { hub->drain(grace); });
}

void Live::close_all(std::uint16_t code, std::string_view reason) {
    for (unsigned i = 0; i < hubs_.size(); ++i)
        server_->loop(i)->post([hub = hubs_[i].get(), code, reason = std::string(reason)] {
            hub->close_all(code, reason);
        });
}

}  // namespace anode::api
