#include "app/demo/simulator.hpp"

#include <future>
#include <map>

#include "app/demo/market.hpp"
#include "app/demo/pushes.hpp"
#include "app/demo/service.hpp"
#include "app/demo/wire.hpp"
#include "runtime/clock.hpp"
#include "runtime/loop.hpp"
#include "runtime/random.hpp"

namespace anode::app::demo {

namespace {
constexpr Duration kBeat = 100ms;
}

struct Simulator::State final : WireOwner {
    State()
        : rng(os_random_u64()), market(rng.next(), static_cast<std::uint64_t>(wall_now() / 100)) {
        services["north"] = make_north(market);
        services["orion"] = make_orion(market);
        services["brook"] = make_brook(market);
        services["kelp"] = make_kelp(market);
        services["gale"] = make_gale(market);
        services["skyline"] = make_skyline();
        services["quakes"] = make_quakes();
        services["weather"] = make_weather();
        services["news"] = make_news();
        services["edits"] = make_edits();
        services["ships"] = make_ships();
    }

    void asked(Wire& wire, const http::RequestHead& head) override {
        const auto service =
            services.find(head.segments.empty() ? std::string() : head.segments.front());
        if (service == services.end())
            return wire.answer(404, {{"Content-Type", "text/plain"}},
                               "nothing is simulated here\n");
        service_of[&wire] = service->second.get();
        service->second->asked(wire, head);
    }
    void said(Wire& wire, BytesView text) override {
        if (const auto service = service_of.find(&wire); service != service_of.end())
            service->second->said(wire, text);
    }
    void gone(Wire& wire) override {
        const auto service = service_of.find(&wire);
        if (service == service_of.end()) return;
        service->second->gone(wire);
        service_of.erase(service);
    }
    void beat() {
        loop.after(kBeat, [this] { beat(); });
        const Now now = loop.now();
        market.beat(rng);
        for (auto& [name, service] : services) service->beat(now, rng);
        if (pushes) pushes->beat(now, rng);
    }

    Loop loop{LoopOptions{.name = "demo-feeds"}};
    Rng rng;
    Market market;
    std::map<std::string, std::unique_ptr<Service>> services;
    std::map<Wire*, Service*> service_of;
    std::unique_ptr<Listener> listener;
    std::unique_ptr<Pushes> pushes;
};

Simulator::Simulator() : state_(std::make_unique<State>()) {}

Result<std::unique_ptr<Simulator>> Simulator::start() {
    std::unique_ptr<Simulator> simulator(new Simulator);
    State& state = *simulator->state_;
    auto listener = Listener::start(state.loop, state);
    if (!listener) return std::unexpected(listener.error());
    state.listener = std::move(*listener);
    state.loop.start();
    state.loop.post([&state] { state.beat(); });
    return simulator;
}

Simulator::~Simulator() {
    state_->loop.stop();
    state_->loop.join();
    state_->pushes.reset();
    state_->listener.reset();
}

std::uint16_t Simulator::port() const noexcept { return state_->listener->port(); }

void Simulator::push_to(const std::string& url, const std::string& token,
                        std::vector<std::string> sources) {
    state_->loop.post([state = state_.get(), url, token, sources = std::move(sources)]() mutable {
        state->pushes = std::make_unique<Pushes>(state->loop, url, token, std::move(sources));
    });
}

}  // namespace anode::app::demo
