#include "app/running_node.hpp"
#include "app/settings.hpp"

/// The addresses at which a node is spoken to.
namespace anode::app {
namespace {

/// Without tokens nobody is told apart: rates hold only where somebody has asked for them.
std::uint64_t rate_of(const Config& config, std::string_view key) {
    const bool counted = config.text("auth.mode") == "tokens" || config.given(key);
    return counted ? config.number(key) : 0;
}

}  // namespace

/// Every address of ours that no source may reach.
std::vector<std::string> RunningNode::listening() const {
    std::vector<std::string> all = edge_->addresses();
    all.push_back(members_->bound());
    all.push_back("127.0.0.1:" + std::to_string(mesh_->port()));
    return all;
}

Result<void> RunningNode::start_edge() {
    const Config& config = options_.config;
    const std::string directory = config.text("node.data_dir");
    api::EdgeOptions edge;
    edge.listen = config.list("http.listen");
    edge.socket = config.text("http.socket");
    if (edge.socket.empty()) edge.socket = directory + "/anode.sock";
    if (edge.socket == "-") edge.socket.clear();
    edge.allowed_origins = config.list("http.allowed_origins");
    edge.public_url = config.text("http.public_url");
    edge.require_token = config.text("auth.mode") == "tokens";
    edge.trusted_proxies = config.list("http.trusted_proxies");
    edge.session_idle = config.duration("auth.session_idle");
    edge.session_max = config.duration("auth.session_max");
    auto tls = http_tls_->open(config);
    if (!tls) return std::unexpected(tls.error());
    edge.tls = std::move(*tls);
    edge.threads = static_cast<unsigned>(std::max<std::uint64_t>(1, config.number("http.threads")));
    if (edge.require_token) {
        const auto token = bootstrap_token(directory);
        if (!token) return std::unexpected(token.error());
        edge.bootstrap_token_sha256 = token_digest(*token);
    }
    api::Doors doors{*engine_,    *engine_, *store_,   *sources_, *pipelines_,
                     *retention_, *face_,   *members_, metrics_,  {}};
    doors.limits.requests_per_second = rate_of(config, "limits.requests");
    doors.limits.messages_per_second = rate_of(config, "limits.messages");
    doors.state = state_face_.get();
    doors.forward = forwarding_.get();
    doors.mesh = mesh_face_.get();
    auto started = api::Edge::start(edge, doors);
    if (!started) return std::unexpected(started.error());
    edge_ = std::move(*started);
    http_tls_->watch(*main_loop_, [this](std::shared_ptr<const TlsServer> next) {
        edge_->set_tls(std::move(next));
    });
    forwarding_->serve_with(
        [this](api::ForwardedRequest request, api::Reply<api::ForwardedAnswer> reply) {
            edge_->serve(std::move(request), std::move(reply));
        });
    // Only now is it known which port `:0` became; sources do not run yet.
    loop_->post([this, egress = egress_of(config, listening())] {
        egress_ = egress;
        resolver_->set_egress(egress);
        sources_->set_egress(egress);
    });
    return {};
}

}  // namespace anode::app
