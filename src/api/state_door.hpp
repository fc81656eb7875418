#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

/// What all nodes agree on, as far as the API asks for it. Implemented in app/cluster, faked in tests.
/// Thread: every method from any thread. Callbacks run on a thread of the node and must not block. A reply that is dropped
///         without a call means that the node is ending.
namespace anode::api {

class ClusterState {
public:
    template <class T>
    using Reply = std::move_only_function<void(T)>;

    virtual ~ClusterState() = default;

    /// Answers with nobody once every linked node has what was written through this one so far; with the ids of those that
    /// had not when `timeout` passed.
    virtual void settle(Duration timeout, Reply<std::vector<std::string>> pending) = 0;

    /// Hears of a token: its record, or none once it is revoked.
    using TokenWatch = std::function<void(const std::string& id, const Bytes* record)>;
    /// Tells of every token there is before it returns, and of each change from then on, whichever node made it. Not from the
    /// engine's thread.
    virtual void watch_tokens(TokenWatch watch) = 0;
    /// Answers when it is synced here. Errors: Overloaded (too many writes, or the state is full), Io, NoSpace.
    virtual void put_token(std::string id, Bytes record, Reply<Result<void>> reply) = 0;
    /// For good: no write of any node brings it back.
    virtual void revoke_token(std::string id, Reply<Result<void>> reply) = 0;

    /// The same for users of the dashboard, by name. One that was removed may be made anew.
    virtual void watch_users(TokenWatch watch) = 0;
    virtual void put_user(std::string name, Bytes record, Reply<Result<void>> reply) = 0;
    virtual void remove_user(std::string name, Reply<Result<void>> reply) = 0;
};

}  // namespace anode::api
