#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "api/forward_door.hpp"
#include "api/http/exchange.hpp"
#include "api/http/router.hpp"

namespace anode::api::rest {

/// A request that no connection waits for: its answer goes, plain and whole, to whoever had it carried out.
/// Thread: any. What a handler posts runs at once where it is posted. `done` is called once, by whoever answers.
/// Limits: an answer over 16 MiB, a stream and an upgrade become Problems.
class CapturedExchange final : public Exchange {
public:
    using Done = std::move_only_function<void(ForwardedAnswer)>;

    CapturedExchange(Request asked, Done done);

    void send(Response response) override;
    void problem(Problem problem) override;
    void stream(Response head, BodyProducer producer) override;
    void detach(Bytes head, Responder::Taker taker) override;
    void post(Task work) override { work(); }

private:
    void finish(ForwardedAnswer answer);
    Done done_;
};

/// Runs a handler on the calling thread, for `done`. What it throws is logged and answered with 500.
void capture(const Handler& handler, Request request, CapturedExchange::Done done);

/// A Problem as another node or a client gets it.
[[nodiscard]] ForwardedAnswer answer_of(const Problem& problem, std::string_view request_id);

}  // namespace anode::api::rest
