#include "app/run.hpp"

#include <cstdio>

#include "app/log_sink.hpp"
#include "app/running_node.hpp"
#include "app/settings.hpp"
#include "base/log.hpp"
#include "runtime/limits.hpp"
#include "runtime/signals.hpp"

namespace anode::app {
namespace {

int refuse_to_start(const std::string& what) {
    log::error("node", "cannot start", {{"err", what}});
    std::fprintf(stderr, "anode: %s\n", what.c_str());
    return 1;
}

}  // namespace

int run_node(RunOptions options) {
    LogSink sink(log_options(options.config));
    log::set_sink(&sink);
    struct Unset {
        ~Unset() { log::set_sink(nullptr); }
    } unset;
    keep_free_memory();
    raise_fd_limit(1'048'576);
    keep_memory_private();
    Loop main_loop(LoopOptions{.name = "main"});
    RunningNode node(std::move(options));
    auto signals = Signals::start(main_loop, [&node](int signal) { node.on_signal(signal); });
    if (!signals) return refuse_to_start(signals.error().what);
    if (const auto started = node.start(main_loop, sink); !started)
        return refuse_to_start(started.error().what);
    main_loop.run();
    return 0;
}

}  // namespace anode::app
