#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "api/http/loop.hpp"
#include "api/http/request.hpp"
#include "api/http/response.hpp"
#include "core/codec/http.hpp"

namespace anode::api {

class Connection;

/// One request and the place where its answer goes. Shared by the handler (through its Responder)
/// and the connection; whoever lives longer keeps the request alive.
/// Thread: any; whatever touches the connection is done on its loop.
class Exchange : public std::enable_shared_from_this<Exchange> {
public:
    Exchange(std::shared_ptr<Loop> loop, std::weak_ptr<Connection> connection);
    virtual ~Exchange() = default;

    Request request;
    http::RequestHead head;
    std::string rate_policy, rate;  ///< what `RateLimit-Policy` and `RateLimit` say; empty: nothing
    bool body_unread = false;       ///< refused before its body came: the connection cannot go on
    Instant began;

    virtual void send(Response response);
    virtual void problem(Problem problem);
    virtual void stream(Response head, BodyProducer producer);
    virtual void detach(Bytes head, Responder::Taker taker);
    virtual void post(Task work);
    [[nodiscard]] bool answered() const noexcept { return answered_.load(); }
    [[nodiscard]] bool alive() const noexcept { return alive_.load(std::memory_order_relaxed); }
    void gone() noexcept { alive_.store(false, std::memory_order_relaxed); }

protected:
    /// True for the first who asks: only that one may answer.
    bool claim() noexcept { return !answered_.exchange(true); }

private:
    void deliver(std::move_only_function<void(Connection&)> act);

    std::shared_ptr<Loop> loop_;
    std::weak_ptr<Connection> connection_;  ///< locked on the loop only
    std::atomic<bool> answered_{false};
    std::atomic<bool> alive_{true};
};

}  // namespace anode::api
