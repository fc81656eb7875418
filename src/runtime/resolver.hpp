#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "core/source/egress.hpp"
#include "runtime/net_error.hpp"

namespace anode {

class Loop;

struct ResolverOptions {
    unsigned threads = 2;
    Duration timeout =
        5s;  ///< a lookup that takes longer is an error; the late answer still fills the cache
    Duration fresh = 30s;         ///< answered from the cache without asking
    Duration grace = 10min;       ///< answered from the cache if the name server fails
    Duration failure_fresh = 2s;  ///< a failure is not asked again for so long
    std::size_t names_max = 10'000;
    std::size_t waiting_max = 1'000;  ///< lookups queued; more are Overloaded
    /// Blocking; runs on a pool thread. Empty: getaddrinfo. Tests give a name server of their own.
    std::function<Result<std::vector<IpAddress>>(const std::string& host)> lookup;
};

/// Names to addresses that the egress policy allows: a name is looked up once, each address
/// checked, and the caller connects to an address of the answer, so that a second answer of the
/// name server cannot change the target. Thread:  resolve() and set_egress() on the loop's thread;
/// replies come there too, never inside resolve(). Errors:  NotFound, Timeout, Io (name server),
/// Refused (egress: no address is allowed), Overloaded.
class Resolver {
public:
    using Reply = std::move_only_function<void(NetResult<std::vector<IpAddress>>)>;

    /// The loop outlives the resolver.
    Resolver(Loop& loop, std::shared_ptr<const EgressPolicy> egress, ResolverOptions options = {});
    /// Replies still due are dropped. A lookup that runs is left to end by itself on its thread.
    ~Resolver();

    void resolve(const std::string& host, std::uint16_t port, Reply reply);
    void set_egress(std::shared_ptr<const EgressPolicy> egress);
    [[nodiscard]] const std::shared_ptr<const EgressPolicy>& egress() const noexcept;
    /// Names that are answered from grace only; 0 if the name server is well. For a health check.
    [[nodiscard]] std::size_t failing_names() const noexcept;

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace anode
