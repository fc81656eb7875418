#include "api/http/exchange.hpp"

#include <array>

#include "api/http/connection.hpp"
#include "core/codec/inflate.hpp"

namespace anode::api {

namespace {

constexpr std::size_t kCompressAbove = 1024;

/// Compresses the body if that is worth it and the client asks for it. Done where the answer is
/// made, so that big answers made by workers do not hold up a loop.
void compress(const Request& request, Response& response) {
    if (!response.compressible || response.body.size() <= kCompressAbove) return;
    for (const auto& [name, value] : response.headers)
        if (name == "Content-Encoding") return;
    response.headers.emplace_back("Vary", "Accept-Encoding");
    const auto accept = request.header("accept-encoding");
    if (!accept) return;
    constexpr std::array kOurs{codec::Coding::Zstd, codec::Coding::Gzip};
    const auto coding = codec::choose_coding(*accept, kOurs);
    if (!coding) return;
    response.body = codec::compress(*coding, response.body);
    response.headers.emplace_back("Content-Encoding", codec::http_name(*coding));
}

}  // namespace

Exchange::Exchange(std::shared_ptr<Loop> loop, std::weak_ptr<Connection> connection)
    : loop_(std::move(loop)), connection_(std::move(connection)) {}

void Exchange::deliver(std::move_only_function<void(Connection&)> act) {
    if (!claim()) return;
    if (loop_->in_thread()) {
        if (const auto connection = connection_.lock()) act(*connection);
        return;
    }
    loop_->post([self = shared_from_this(), act = std::move(act)]() mutable {
        if (const auto connection = self->connection_.lock()) act(*connection);
    });
}

void Exchange::send(Response response) {
    compress(request, response);
    deliver([self = shared_from_this(), response = std::move(response)](Connection& to) mutable {
        to.answer(*self, std::move(response));
    });
}

void Exchange::problem(Problem problem) {
    deliver([self = shared_from_this(), problem = std::move(problem)](Connection& to) {
        to.answer_problem(*self, problem);
    });
}

void Exchange::stream(Response first, BodyProducer producer) {
    deliver([self = shared_from_this(), first = std::move(first),
             producer = std::move(producer)](Connection& to) mutable {
        to.answer_stream(self, std::move(first), std::move(producer));
    });
}

void Exchange::detach(Bytes first, Responder::Taker taker) {
    deliver([first = std::move(first), taker = std::move(taker)](Connection& to) mutable {
        to.hand_over(std::move(first), std::move(taker));
    });
}

void Exchange::post(Task work) { loop_->post(std::move(work)); }

}  // namespace anode::api
