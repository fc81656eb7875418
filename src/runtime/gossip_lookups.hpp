#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/membership/types.hpp"
#include "core/source/ip.hpp"

namespace anode {
class Loop;
class Resolver;
}  // namespace anode

namespace anode::gossip {

/// Contacts' names to addresses, asked anew each time, private addresses included.
/// Thread: the loop's; replies come there, never inside resolve(), none after close().
class Lookups {
public:
    using Ask = std::function<Result<std::vector<IpAddress>>(const std::string& host)>;
    using Reply = std::move_only_function<void(std::vector<membership::Address>)>;

    Lookups(Loop& loop, Ask ask);
    ~Lookups();

    /// `contact` is `host` or `host:port`, IPv6 in brackets. No address: the name service gave none.
    void resolve(const std::string& contact, std::uint16_t default_port, Reply reply);
    void close() noexcept;

private:
    std::unique_ptr<Resolver> resolver_;
};

}  // namespace anode::gossip
