#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "base/time.hpp"

namespace anode {
class HttpClient;
class Loop;
class Resolver;
}  // namespace anode

namespace anode::app::demo {

/// Those who push: build servers, shops and doors that tell a node by web hook what happened.
/// Thread: the loop's.
class Pushes {
public:
    /// `url` is the node's.
    Pushes(Loop& loop, const std::string& url, const std::string& token,
           std::vector<std::string> sources);
    ~Pushes();
    void beat(Now now, Rng& rng);

private:
    static constexpr unsigned kWaitingMax = 50;
    void push(const std::string& source, Now now, Rng& rng);

    std::string url_, token_;
    std::vector<std::string> sources_;
    std::unique_ptr<Resolver> resolver_;
    std::unique_ptr<HttpClient> http_;
    unsigned waiting_ = 0;
};

}  // namespace anode::app::demo
