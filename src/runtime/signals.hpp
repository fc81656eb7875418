#pragma once

#include <functional>
#include <memory>

#include "base/result.hpp"

namespace anode {

class Loop;

/// SIGTERM, SIGINT, SIGHUP, SIGUSR2 and SIGQUIT as calls on a loop; SIGPIPE is ignored.
/// Thread: make it before any other thread starts (they inherit the blocked mask); callbacks on the
/// loop's thread. Source: signalfd(2).
class Signals {
public:
    using Handler = std::function<void(int signal)>;
    static Result<std::unique_ptr<Signals>> start(Loop& loop, Handler handler);
    ~Signals();

private:
    Signals();
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace anode
