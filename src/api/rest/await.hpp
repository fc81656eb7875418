#pragma once

#include <future>
#include <memory>
#include <optional>

#include "api/doors.hpp"

namespace anode::api::rest {

/// Calls `call` with a reply and waits for it. For workers only: it blocks. None if the node is ending
/// or does not answer in time.
template <class T, class Call>
std::optional<T> await(Call&& call, Duration patience = 10s) {
    auto promise = std::make_shared<std::promise<T>>();
    std::future<T> future = promise->get_future();
    call(Reply<T>(
        [promise = std::move(promise)](T value) { promise->set_value(std::move(value)); }));
    if (future.wait_for(patience) != std::future_status::ready) return std::nullopt;
    try {
        return future.get();
    } catch (const std::future_error&) {  // the reply was dropped
        return std::nullopt;
    }
}

}  // namespace anode::api::rest
