#include "runtime/signals.hpp"

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

#include "runtime/loop.hpp"

namespace anode {

struct Signals::State final : Loop::Watcher {
    State(Loop& on, Handler call) : loop(on), handler(std::move(call)) {}
    ~State() override {
        if (fd < 0) return;
        loop.unwatch(fd, *this);
        ::close(fd);
    }
    void on_ready(std::uint32_t) override {
        signalfd_siginfo info{};
        while (::read(fd, &info, sizeof info) == sizeof info)
            handler(static_cast<int>(info.ssi_signo));
    }

    Loop& loop;
    Handler handler;
    int fd = -1;
};

Signals::Signals() = default;
Signals::~Signals() = default;

Result<std::unique_ptr<Signals>> Signals::start(Loop& loop, Handler handler) {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGQUIT}) sigaddset(&set, signal);
    std::signal(SIGPIPE, SIG_IGN);
    std::unique_ptr<Signals> signals(new Signals);
    signals->state_ = std::make_unique<State>(loop, std::move(handler));
    if (pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0)
        return fail(Errc::Io, "signals cannot be blocked");
    signals->state_->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals->state_->fd < 0) return fail(Errc::Io, "signalfd failed");
    const Result<void> watched = loop.watch(signals->state_->fd, Loop::Readable, *signals->state_);
    if (!watched) return std::unexpected(watched.error());
    return signals;
}

}  // namespace anode
