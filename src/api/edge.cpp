#include <chrono>
#include <thread>

#include "api/http/rates.hpp"
#include "api/live/live.hpp"
#include "api/rest/forward.hpp"
#include "api/routes.hpp"
#include "base/log.hpp"

namespace anode::api {

namespace {

class EdgeImpl final : public Edge {
public:
    EdgeImpl(const EdgeOptions& options, Doors doors)
        : doors_(doors),
          rates_(doors.limits.requests_per_second, doors.limits.messages_per_second, doors.metrics),
          grace_(options.drain_grace),
          auth_(make_authenticator(options, doors)),
          live_(std::make_unique<Live>(with_rates(doors, rates_), *auth_, options.require_token)),
          context_(std::make_shared<RouteContext>(RouteContext{
              with_rates(doors, rates_), *live_,
              [this]() -> const Router& { return server_->router(); }, options.public_url})) {}
    ~EdgeImpl() override { stop(); }

    Result<void> open(const EdgeOptions& options) {
        Router router;
        live_->add_routes(router);
        add_rest_routes(router, context_);
        ServerOptions server;
        server.listen = options.listen;
        server.socket = options.socket;
        server.allowed_origins = options.allowed_origins;
        server.public_url = options.public_url;
        server.trusted_proxies = options.trusted_proxies;
        server.tls = options.tls;
        server.limits = doors_.limits;
        server.rates = &rates_;
        server.threads = options.threads;
        server.workers = 4;
        auto bound = Server::bind(std::move(server), std::move(router), *auth_, doors_.metrics);
        if (!bound) return std::unexpected(bound.error());
        server_ = std::move(*bound);
        live_->bind_loops(*server_);
        server_->begin();
        return {};
    }

    void set_origins(std::vector<std::string> allowed) override {
        server_->set_origins(std::move(allowed));
    }

    void set_tls(std::shared_ptr<const TlsServer> tls) override {
        server_->set_tls(std::move(tls));
    }

    void serve(ForwardedRequest request, Reply<ForwardedAnswer> reply) override {
        rest::serve_forwarded(*server_, std::move(request), std::move(reply));
    }

    void stop() override {
        if (!server_ || std::exchange(stopped_, true)) return;
        server_->stop_accepting();
        live_->drain(grace_);
        wait_until_empty(grace_);
        live_->close_all(4503, R"({"code":"draining"})");
        wait_until_empty(std::chrono::seconds(1));
        live_->detach();
        server_->stop();
    }

    std::vector<std::string> addresses() const override { return server_->addresses(); }

private:
    void wait_until_empty(Duration at_most) {
        const auto until = std::chrono::steady_clock::now() + at_most;
        while (live_->count() > 0 && std::chrono::steady_clock::now() < until)
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }

    static Doors with_rates(Doors doors, RateLimits& rates) {
        doors.rates = &rates;
        return doors;
    }

    Doors doors_;
    RateLimits rates_;
    Duration grace_;
    std::unique_ptr<Authenticator> auth_;
    std::unique_ptr<Server> server_;
    std::unique_ptr<Live> live_;
    std::shared_ptr<RouteContext> context_;
    bool stopped_ = false;
};

}  // namespace

Result<std::unique_ptr<Edge>> Edge::start(const EdgeOptions& options, Doors doors) {
    auto edge = std::make_unique<EdgeImpl>(options, doors);
    if (const auto opened = edge->open(options); !opened) return std::unexpected(opened.error());
    return edge;
}

}  // namespace anode::api
