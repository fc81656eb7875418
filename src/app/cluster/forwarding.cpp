#include "app/cluster/forwarding.hpp"

#include <algorithm>
#include <utility>

#include "api/http/response.hpp"
#include "base/log.hpp"

namespace anode::app {

using api::ForwardedAnswer;
using api::ForwardedRequest;
using api::ForwardFailure;
namespace frames = forward_frames;

namespace {

constexpr std::size_t kHeadRoom = 64u << 10;  ///< headers of an answer, around its body

std::string_view name_of(ForwardFailure why) {
    switch (why) {
        case ForwardFailure::Unreachable:
            return "unreachable";
        case ForwardFailure::Timeout:
            return "timeout";
        case ForwardFailure::TooLarge:
            return "too-large";
        case ForwardFailure::Overloaded:
            return "overloaded";
    }
    return "unknown";
}

ForwardedAnswer refusal(int status, std::string code, std::string detail) {
    ForwardedAnswer answer;
    answer.status = status;
    answer.content_type = "application/problem+json";
    answer.body = api::Problem{status, std::move(code), std::move(detail), {}, 1000, {}}.json("");
    return answer;
}

}  // namespace

Forwarding::Forwarding(metrics::Registry& metrics, SendFrame send, Limits limits)
    : metrics_(metrics),
      send_(std::move(send)),
      limits_(limits),
      waiting_gauge_(metrics.gauge("anode_forward_waiting",
                                   "Requests sent to other nodes and not answered yet.")),
      serving_gauge_(metrics.gauge("anode_forward_serving", "Requests of other nodes in hand.")),
      queue_gauge_(metrics.gauge("anode_forward_queue_bytes",
                                 "Answers to other nodes that are not sent yet.")),
      loop_({.name = "forward"}) {}

Forwarding::~Forwarding() { end(); }

void Forwarding::end() {
    loop_.stop();
    loop_.join();
    peers_.clear();
}

void Forwarding::serve_with(Serve serve) {
    loop_.post([this, serve = std::move(serve)]() mutable { serve_ = std::move(serve); });
}

void Forwarding::peer_up(const NodeId& node) {
    loop_.post([this, node] {
        Peer& peer = peers_[node];
        peer.text = node.text();
        peer.link = next_link_++;
    });
}

void Forwarding::peer_down(const NodeId& node) {
    loop_.post([this, node] {
        auto gone = peers_.extract(node);
        if (gone.empty()) return;
        for (auto& [id, waiting] : gone.mapped().waiting) {
            loop_.cancel(waiting.timer);
            refuse(std::move(waiting.reply), ForwardFailure::Unreachable);
        }
        show();
    });
}

void Forwarding::from_peer(const NodeId& node, std::uint8_t type, Bytes body) {
    loop_.post([this, node, type, body = std::move(body)] {
        const auto found = peers_.find(node);
        if (found == peers_.end()) return;
        Peer& peer = found->second;
        if (type == frames::kRequest)
            on_request(node, peer, body);
        else if (type == frames::kAnswer)
            on_piece(node, peer, body);
        else if (type == frames::kCancel)
            on_cancel(peer, body);
        else if (type == frames::kMore)
            on_more(node, peer, body);
        show();
    });
}

// -- what we ask ---------------------------------------------------------------------------------------

void Forwarding::forward(std::string node, ForwardedRequest request, Reply reply) {
    loop_.post([this, node = std::move(node), request = std::move(request),
                reply = std::move(reply)]() mutable {
        ask(node, request, std::move(reply));
        show();
    });
}

void Forwarding::ask(const std::string& node, const ForwardedRequest& request, Reply reply) {
    const auto found = std::ranges::find_if(
        peers_, [&node](const auto& entry) { return entry.second.text == node; });
    if (found == peers_.end()) return refuse(std::move(reply), ForwardFailure::Unreachable);
    Peer& peer = found->second;
    if (request.body.size() > api::kForwardedRequestMax)
        return refuse(std::move(reply), ForwardFailure::TooLarge);
    const std::uint64_t id = next_id_++;
    Bytes frame = frames::encode_request(id, request);
    if (peer.waiting.size() >= limits_.waiting_max ||
        peer.request_bytes + frame.size() > limits_.request_bytes_max)
        return refuse(std::move(reply), ForwardFailure::Overloaded);
    Waiting& waiting = peer.waiting[id];
    waiting.reply = std::move(reply);
    waiting.request_bytes = frame.size();
    waiting.timer = loop_.after(limits_.timeout, [this, to = found->first, id] {
        const auto late = peers_.find(to);
        if (late == peers_.end()) return;
        send_(to, frames::kCancel, frames::encode_number(id));
        finish(late->second, id, std::unexpected(ForwardFailure::Timeout));
        show();
    });
    peer.request_bytes += frame.size();
    send_(found->first, frames::kRequest, std::move(frame));
}

void Forwarding::on_piece(const NodeId& node, Peer& peer, BytesView body) {
    const auto piece = frames::decode_piece(body);
    if (!piece) return;
    // Given back even for an answer that nobody waits for: the room is the link's, not the request's.
    send_(node, frames::kMore, frames::encode_number(piece->bytes.size()));
    const auto found = peer.waiting.find(piece->id);
    if (found == peer.waiting.end()) return;
    Bytes& joined = found->second.answer;
    if (joined.size() + piece->bytes.size() > api::kForwardedAnswerMax + kHeadRoom) {
        send_(node, frames::kCancel, frames::encode_number(piece->id));
        return finish(peer, piece->id, std::unexpected(ForwardFailure::TooLarge));
    }
    joined.append(piece->bytes);
    if (!piece->last) return;
    auto answer = frames::decode_answer(joined);
    if (answer) return finish(peer, piece->id, std::move(*answer));
    log::warn("mesh", "an answer of another node cannot be read", {{"peer", peer.text}});
    finish(peer, piece->id, std::unexpected(ForwardFailure::Unreachable));
}

void Forwarding::finish(Peer& peer, std::uint64_t id,
                        std::expected<ForwardedAnswer, ForwardFailure> answer) {
    auto done = peer.waiting.extract(id);
    if (done.empty()) return;
    loop_.cancel(done.mapped().timer);
    peer.request_bytes -= done.mapped().request_bytes;
    if (!answer) return refuse(std::move(done.mapped().reply), answer.error());
    count("answered");
    done.mapped().reply(std::move(answer));
}

void Forwarding::refuse(Reply reply, ForwardFailure why) {
    count(name_of(why));
    reply(std::unexpected(why));
}

// -- what others ask -----------------------------------------------------------------------------------

void Forwarding::on_request(const NodeId& node, Peer& peer, BytesView body) {
    auto asked = frames::decode_request(body);
    if (!asked) return served("malformed");
    const std::uint64_t id = asked->id, link = peer.link;
    if (peer.serving.contains(id)) return served("malformed");
    if (peer.serving.size() >= limits_.serving_max) {
        // Not among those in hand, so that the limit holds; the refusal is small and needs no window.
        served("overloaded");
        const Bytes no =
            frames::encode_answer(refusal(503, "overloaded", "too many requests in hand"));
        return send_(node, frames::kAnswer, frames::encode_piece(id, true, no));
    }
    peer.serving.insert(id);
    if (!asked->request) {
        served("malformed");
        return answer(node, link, id, refusal(502, "peer-failed", "the request cannot be read"));
    }
    if (!serve_)
        return answer(node, link, id, refusal(503, "not-ready", "the node is starting or ending"));
    serve_(std::move(*asked->request), [this, node, link, id](ForwardedAnswer done) {
        loop_.post([this, node, link, id, done = std::move(done)] {
            answer(node, link, id, done);
            show();
        });
    });
}

void Forwarding::answer(const NodeId& node, std::uint64_t link, std::uint64_t id,
                        const ForwardedAnswer& answer) {
    const auto found = peers_.find(node);
    if (found == peers_.end() || found->second.link != link) return served("lost");
    Peer& peer = found->second;
    if (!peer.serving.contains(id)) return served("cancelled");
    Bytes bytes = frames::encode_answer(answer);
    const bool room = peer.out_bytes + bytes.size() <= limits_.answer_bytes_max;
    if (!room) bytes = frames::encode_answer(refusal(503, "overloaded", "too many answers wait"));
    served(room ? "answered" : "overloaded");
    peer.out_bytes += bytes.size();
    peer.out.push_back({id, std::move(bytes), 0});
    pump(node, peer);
}

/// Sends pieces, each answer in its turn, while the peer has room.
void Forwarding::pump(const NodeId& node, Peer& peer) {
    while (!peer.out.empty() && peer.untaken < limits_.window_bytes) {
        Outgoing outgoing = std::move(peer.out.front());
        peer.out.pop_front();
        const BytesView piece =
            BytesView(outgoing.bytes).substr(outgoing.sent, limits_.piece_bytes);
        outgoing.sent += piece.size();
        peer.untaken += piece.size();
        peer.out_bytes -= piece.size();
        const bool last = outgoing.sent == outgoing.bytes.size();
        send_(node, frames::kAnswer, frames::encode_piece(outgoing.id, last, piece));
        if (last)
            peer.serving.erase(outgoing.id);
        else
            peer.out.push_back(std::move(outgoing));
    }
}

void Forwarding::on_cancel(Peer& peer, BytesView body) {
    const auto id = frames::decode_number(body);
    if (!id) return served("malformed");
    peer.serving.erase(*id);
    std::erase_if(peer.out, [&](const Outgoing& outgoing) {
        if (outgoing.id != *id) return false;
        peer.out_bytes -= outgoing.bytes.size() - outgoing.sent;
        return true;
    });
}

void Forwarding::on_more(const NodeId& node, Peer& peer, BytesView body) {
    const auto bytes = frames::decode_number(body);
    if (!bytes) return served("malformed");
    peer.untaken -= std::min<std::size_t>(*bytes, peer.untaken);
    pump(node, peer);
}

// -- figures -------------------------------------------------------------------------------------------

void Forwarding::count(std::string_view result) {
    metrics_
        .counter("anode_forward_requests_total", "Requests for other nodes, by their end.",
                 {{"result", std::string(result)}})
        .add();
}

void Forwarding::served(std::string_view result) {
    metrics_
        .counter("anode_forward_served_total", "Requests of other nodes, by their end.",
                 {{"result", std::string(result)}})
        .add();
}

void Forwarding::show() {
    std::size_t waiting = 0, serving = 0, bytes = 0;
    for (const auto& [node, peer] : peers_) {
        waiting += peer.waiting.size();
        serving += peer.serving.size();
        bytes += peer.out_bytes;
    }
    waiting_gauge_.set(static_cast<double>(waiting));
    serving_gauge_.set(static_cast<double>(serving));
    queue_gauge_.set(static_cast<double>(bytes));
}

}  // namespace anode::app
