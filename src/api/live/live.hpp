#pragma once

#include <memory>
#include <vector>

#include "api/http/router.hpp"
#include "api/live/hub.hpp"
#include "api/live/parts.hpp"
#include "api/routes.hpp"

namespace anode::api {

/// The live side as a whole: one hub a loop, the routes that lead to them, and the list of listeners.
/// Order: made, routes added, then the server is bound, bind_loops(), and the server begins.
class Live final : public Listeners {
public:
    Live(Doors doors, Authenticator& auth, bool require_token);
    ~Live() override;

    void add_routes(Router& router);
    /// Puts a hub on each loop of the server and begins to take blocks.
    void bind_loops(Server& server);
    /// Takes no more blocks. The loops must have ended, or end right after.
    void detach();
    void drain(Duration grace);
    void close_all(std::uint16_t code, std::string_view reason);

    [[nodiscard]] std::vector<ListenerInfo> snapshot() const override;
    bool cut(std::string_view id) override;
    [[nodiscard]] std::size_t count() const;

private:
    void stream(Request& request, Responder responder);
    void session(Request& request, Responder responder);
    void push(Request& request, Responder responder);
    /// A seat, or the Problem of a full house.
    std::expected<Seat, Problem> seat_for(const Request& request);

    LiveParts parts_;
    Server* server_ = nullptr;
    std::vector<std::unique_ptr<Hub>> hubs_;
};

}  // namespace anode::api
