#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/forward_door.hpp"
#include "api/http/response.hpp"

namespace anode::api::rest {

/// One question to all nodes: gathers the answers, and answers when the last has come.
/// Thread: any; the lock is held for the time of a move.
/// Limits: 64 MiB of answers in all; what passes that is listed in `failed` as `too-large`.
class AskAll {
public:
    AskAll(Responder responder, std::vector<std::string> nodes, std::size_t self);

    /// What node number `index` said. Once for each.
    void answered(std::size_t index, ForwardedAnswer answer);
    void failed(std::size_t index, std::string_view code);

private:
    struct Part {
        std::string node;
        std::string code;  ///< why there is no document
        Bytes document;
    };
    void settle(std::unique_lock<std::mutex> lock);
    [[nodiscard]] Response joined() const;

    std::mutex mutex_;
    Responder responder_;
    std::vector<Part> parts_;
    std::size_t self_;
    std::size_t open_;
    std::size_t bytes_ = 0;
    std::optional<ForwardedAnswer> refusal_;  ///< ours: the question itself is wrong
};

/// What a client gets of an answer that came from elsewhere.
[[nodiscard]] Response response_of(ForwardedAnswer answer);

}  // namespace anode::api::rest
