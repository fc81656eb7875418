#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "api/doors.hpp"
#include "api/forward_door.hpp"
#include "app/cluster/forward_frames.hpp"
#include "base/ids.hpp"
#include "base/metrics.hpp"
#include "runtime/loop.hpp"

namespace anode::app {

/// Carries requests that mean another node over the mesh, and answers those that other nodes send here.
/// Thread:  a loop of its own, so that a node whose engine waits for its store can still be looked at. Public methods from any
///          thread; start() and end() from the one that builds and ends the node.
/// Limits:  those of Limits, for each peer. What passes one is answered at once and counted.
/// Flow:    an answer goes out in pieces; what the asker has not yet taken is bounded, so that the link that carries it is never
///          choked. Several answers take turns.
class Forwarding final : public api::ForwardDoor {
public:
    struct Limits {
        Duration timeout = 5s;
        std::size_t waiting_max = 64;              ///< our requests at one peer
        std::size_t request_bytes_max = 2u << 20;  ///< of them together
        std::size_t serving_max = 64;              ///< a peer's requests here
        std::size_t answer_bytes_max = 32u << 20;  ///< answers to one peer that are not sent yet
        std::size_t piece_bytes = 256u << 10;
        std::size_t window_bytes = 1u << 20;  ///< sent to one peer and not taken yet
    };
    using SendFrame = std::function<void(const NodeId& to, std::uint8_t type, Bytes body)>;
    using Serve = std::function<void(api::ForwardedRequest, api::Reply<api::ForwardedAnswer>)>;

    Forwarding(metrics::Registry& metrics, SendFrame send, Limits limits);
    Forwarding(metrics::Registry& metrics, SendFrame send)
        : Forwarding(metrics, std::move(send), Limits{}) {}
    ~Forwarding() override;

    void start() { loop_.start(); }
    /// Whoever still waits is not answered any more.
    void end();
    /// Who carries out what others ask of us; before that they are told that we are not ready.
    void serve_with(Serve serve);

    void forward(std::string node, api::ForwardedRequest request, Reply reply) override;

    void peer_up(const NodeId& node);
    void peer_down(const NodeId& node);
    void from_peer(const NodeId& node, std::uint8_t type, Bytes body);
    [[nodiscard]] static constexpr bool takes(std::uint8_t type) noexcept {
        return type >= forward_frames::kRequest && type <= forward_frames::kMore;
    }

private:
    struct Waiting {
        Reply reply;
        Bytes answer;
        std::size_t request_bytes = 0;
        TimerId timer{};
    };
    struct Outgoing {
        std::uint64_t id = 0;
        Bytes bytes;
        std::size_t sent = 0;
    };
    struct Peer {
        std::string text;
        std::uint64_t link =
            0;  ///< which of its links, so that answers for an earlier one are dropped
        std::map<std::uint64_t, Waiting> waiting;
        std::size_t request_bytes = 0;
        std::set<std::uint64_t> serving;  ///< from the request to the last piece of its answer
        std::deque<Outgoing> out;
        std::size_t out_bytes = 0;
        std::size_t untaken = 0;
    };
    using Peers = std::map<NodeId, Peer>;

    void ask(const std::string& node, const api::ForwardedRequest& request, Reply reply);
    void finish(Peer& peer, std::uint64_t id,
                std::expected<api::ForwardedAnswer, api::ForwardFailure> answer);
    void refuse(Reply reply, api::ForwardFailure why);
    void count(std::string_view result);
    void served(std::string_view result);

    void on_request(const NodeId& node, Peer& peer, BytesView body);
    void on_piece(const NodeId& node, Peer& peer, BytesView body);
    void on_cancel(Peer& peer, BytesView body);
    void on_more(const NodeId& node, Peer& peer, BytesView body);
    void answer(const NodeId& node, std::uint64_t link, std::uint64_t id,
                const api::ForwardedAnswer& answer);
    void pump(const NodeId& node, Peer& peer);
    void show();

    metrics::Registry& metrics_;
    const SendFrame send_;
    const Limits limits_;
    metrics::Gauge &waiting_gauge_, &serving_gauge_, &queue_gauge_;
    Loop loop_;

    // The loop's own.
    Serve serve_;
    Peers peers_;
    std::uint64_t next_id_ = 1, next_link_ = 1;
};

}  // namespace anode::app
