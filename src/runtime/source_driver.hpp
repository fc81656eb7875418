#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "core/source/machine.hpp"

namespace anode {

class HttpClient;
class Loop;
class Resolver;
class SourceDriver;

/// What a driver hands on. Implemented by the engine; called on the loop's thread, never inside a call of the driver
/// but start(), stop(), restart(), push(), set_isolated() and set_pressure(), which step the machine at once.
/// A sink must not destroy the driver inside a callback (it may defer() that on the loop).
class SourceSink {
public:
    virtual ~SourceSink() = default;
    /// The rows and dead letters of one step of the machine. Views end with the call.
    virtual void on_rows(SourceDriver& driver, std::span<const source::Row> rows,
                         std::span<const source::DeadLetter> dead_letters) = 0;
    /// Everything that one read of a socket, file or answer yielded has been told: the moment to flush.
    virtual void on_batch_end(SourceDriver& driver) = 0;
    virtual void on_state(SourceDriver& driver, const source::act::StateChanged& change) = 0;
    virtual void on_gap(SourceDriver& driver, const source::act::GapFound& gap) = 0;
    virtual void on_event(SourceDriver& driver, const source::act::Event& event) = 0;
};

/// What sources of one loop share. Outlives the drivers.
struct SourceWorld {
    Loop& loop;
    Resolver& resolver;
    HttpClient& http;
};

/// Runs one source machine: performs its actions on sockets, HTTP and files, and feeds it what comes. It decides
/// nothing: whatever an answer means is the machine's business.
/// Thread:  the loop's.
/// Errors:  none of its own; they become inputs of the machine (Closed, RequestFailed).
class SourceDriver {
public:
    SourceDriver(SourceWorld world, std::string name, std::unique_ptr<source::Machine> machine,
                 SourceSink& sink);
    /// Drops connections, requests and timers at once, without callbacks.
    ~SourceDriver();

    void start();
    /// Connections are closed with a close frame; quiet() turns true when the last is gone.
    void stop(bool drain = false);
    void restart();
    void set_isolated(bool isolated);
    /// The sink's intake is full, or free again.
    void set_pressure(bool full);
    /// A body pushed to a webhook source. Errors: as source::act::PushAnswered.
    Result<void> push(std::span<const std::pair<std::string, std::string>> headers, BytesView body);

    [[nodiscard]] const std::string& name() const noexcept;
    [[nodiscard]] const source::Machine& machine() const noexcept;
    [[nodiscard]] bool quiet() const noexcept;
    [[nodiscard]] std::uint64_t bytes_in() const noexcept;  ///< of sockets and files, as they came

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace anode
