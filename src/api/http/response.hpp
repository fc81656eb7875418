#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/doors.hpp"
#include "api/http/socket.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace anode::api {

/// An error as a client gets it: application/problem+json. Source: RFC 9457; interfaces, section 9.
struct Problem {
    int status = 500;
    std::string code = "internal";
    std::string detail;
    std::vector<ObjectError> errors;
    std::optional<std::int64_t> retry_ms;
    std::vector<std::pair<std::string, std::string>> headers;  ///< e.g. Allow

    /// The document, members in their order. `request_id` becomes `instance`.
    [[nodiscard]] Bytes json(std::string_view request_id) const;
    /// The title that belongs to the code.
    [[nodiscard]] std::string_view title() const noexcept;

    static Problem bad_request(std::string detail) {
        return {400, "bad-request", std::move(detail), {}, {}, {}};
    }
    static Problem bad_json(std::string detail) {
        return {400, "bad-json", std::move(detail), {}, {}, {}};
    }
    static Problem bad_topic(std::string detail) {
        return {400, "bad-topic", std::move(detail), {}, {}, {}};
    }
    static Problem bad_cursor(std::string detail) {
        return {400, "bad-cursor", std::move(detail), {}, {}, {}};
    }
    static Problem invalid(std::string detail) {
        return {422, "invalid", std::move(detail), {}, {}, {}};
    }
    static Problem not_found(std::string detail) {
        return {404, "not-found", std::move(detail), {}, {}, {}};
    }
    static Problem forbidden(std::string detail) {
        return {403, "forbidden", std::move(detail), {}, {}, {}};
    }
    static Problem media_type(std::string detail) {
        return {415, "media-type", std::move(detail), {}, {}, {}};
    }
    static Problem too_large(std::string detail) {
        return {413, "too-large", std::move(detail), {}, {}, {}};
    }
    static Problem internal(std::string detail) {
        return {500, "internal", std::move(detail), {}, {}, {}};
    }
    /// What an operating error of the node, its store or our parsers looks like from outside.
    static Problem of(const Error& error);
    /// The same for a refused write of an object.
    static Problem of(const Failure& failure);
};

/// A whole answer.
struct Response {
    int status = 200;
    std::string content_type = "application/json";  ///< empty: none (204, 304)
    Bytes body;
    std::string
        etag;  ///< without quotes; the server answers 304 by itself if the request has it already
    std::string cache_control = "no-store";
    std::vector<std::pair<std::string, std::string>> headers;
    bool compressible = true;  ///< bodies over 1 KiB are compressed if the client asks for it

    static Response json(Bytes body, int status = 200);
    static Response text(std::string body, int status = 200);
    static Response empty(int status = 204);
};

/// Makes a long body piece by piece: appends to `out` and tells whether more may follow. Runs on a
/// worker thread, may block; called again only when the client has read what there was. An error
/// cuts the connection, so that a client can tell a broken answer from a whole one.
using BodyProducer = std::move_only_function<Result<bool>(Bytes& out)>;

/// A connection that has left HTTP: its socket, what is still to be sent (the head of the answer
/// at its end), and what the client had already sent behind its request. The head is not sent yet, so
/// that a client that has seen it can rely on what the taker has set up.
struct Detached {
    Socket socket;
    Bytes unsent;
    Bytes pending;
    std::string peer;
    unsigned loop = 0;
};

class Exchange;

/// The right to answer one request, once, from any thread, now or later.
/// Ownership: one that is dropped without an answer answers 500, so that no client ever waits in
/// vain.
class Responder {
public:
    explicit Responder(std::shared_ptr<Exchange> exchange) noexcept;
    Responder(Responder&&) noexcept = default;
    Responder& operator=(Responder&&) = delete;
    ~Responder();

    void send(Response response);
    void json(Bytes body, int status = 200) { send(Response::json(std::move(body), status)); }
    void text(std::string body, int status = 200) { send(Response::text(std::move(body), status)); }
    void problem(Problem problem);
    /// Sends the head (its body is ignored) and then what the producer makes, chunked.
    void stream(Response head, BodyProducer producer);
    /// Sends `head` as it stands and hands the socket over, on the connection's loop. For the live
    /// side only.
    using Taker = std::move_only_function<void(Detached)>;
    void detach(Bytes head, Taker taker);
    /// Runs `work` on the loop of the connection; dropped if the server has stopped.
    void post(std::move_only_function<void()> work);
    /// Whether the client is still there; long work may stop if not.
    [[nodiscard]] bool alive() const noexcept;

private:
    std::shared_ptr<Exchange> exchange_;
};

}  // namespace anode::api
