#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>

#include "core/source/egress.hpp"
#include "runtime/loop.hpp"
#include "runtime/resolver.hpp"

namespace anode::support {

/// Facts that a test waits for, told from any thread.
class Facts {
public:
    template <class Change>
    void change(Change what) {
        {
            const std::lock_guard guard(lock_);
            what();
        }
        news_.notify_all();
    }
    template <class Condition>
    bool wait(Condition holds, Duration patience = 10s) {
        std::unique_lock guard(lock_);
        return news_.wait_for(guard, patience, holds);
    }

private:
    std::mutex lock_;
    std::condition_variable news_;
};

/// A running loop and a resolver that may reach loopback on `ports`.
class LoopSpec : public testing::Test {
protected:
    LoopSpec() { loop.start(); }
    ~LoopSpec() override {
        on_loop([this] { resolver.reset(); });
        loop.stop();
        loop.join();
    }

    /// Runs `work` on the loop and waits for its end; here, once the loop has stopped.
    void on_loop(std::move_only_function<void()> work) {
        std::promise<void> done;
        const bool runs = loop.post([&] {
            work();
            done.set_value();
        });
        if (runs) return done.get_future().wait();
        loop.join();
        work();
    }

    static std::shared_ptr<const EgressPolicy> loopback_on(std::vector<std::uint16_t> ports,
                                                           std::vector<std::uint16_t> own = {}) {
        EgressOptions options;
        options.allow_private = {*IpNetwork::parse("127.0.0.0/8"), *IpNetwork::parse("::1")};
        options.ports = std::move(ports);
        options.own_ports = std::move(own);
        return std::make_shared<const EgressPolicy>(std::move(options));
    }
    void reach(std::vector<std::uint16_t> ports, ResolverOptions options = {}) {
        on_loop([&] {
            resolver =
                std::make_unique<Resolver>(loop, loopback_on(std::move(ports)), std::move(options));
        });
    }
    /// A name server that says the same for every name.
    static ResolverOptions names_mean(std::vector<IpAddress> addresses) {
        ResolverOptions options;
        options.lookup = [addresses](const std::string&) -> Result<std::vector<IpAddress>> {
            return addresses;
        };
        return options;
    }

    Loop loop{{.name = "test"}};
    std::unique_ptr<Resolver> resolver;
};

}  // namespace anode::support
