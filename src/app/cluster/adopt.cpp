#include "app/cluster/adopt.hpp"

#include <deque>
#include <memory>

#include "base/log.hpp"

namespace anode::app {
namespace {

constexpr Duration kPause = 1s;

/// What is still to be moved. Lives as long as a task of the loop holds it.
struct Adoption : std::enable_shared_from_this<Adoption> {
    Adoption(Loop& l, Engine& e, SharedState& s, std::string k)
        : loop(l), engine(e), state(s), kind(std::move(k)) {}

    void next() {
        while (!waiting.empty() && !paused) {
            auto [key, value] = std::move(waiting.front());
            waiting.pop_front();
            Bytes again = value;
            state.write({kind, key, std::move(value), false, ""},
                        [self = shared_from_this(), key,
                         again = std::move(again)](const Result<state::Item>& written) mutable {
                            self->wrote(std::move(key), std::move(again), written);
                        });
        }
    }
    void wrote(std::string key, Bytes value, const Result<state::Item>& written) {
        if (written || state.find(kind, key) != nullptr)
            return engine.ride_along({kind, std::move(key), std::nullopt});
        if (written.error().code != Errc::Overloaded) {
            log::error("state", "an object of an earlier run could not be shared",
                       {{"kind", kind}, {"name", key}, {"err", written.error().what}});
            return;
        }
        waiting.emplace_back(std::move(key), std::move(value));
        if (std::exchange(paused, true)) return;
        loop.after(kPause, [self = shared_from_this()] {
            self->paused = false;
            self->next();
        });
    }

    Loop& loop;
    Engine& engine;
    SharedState& state;
    std::string kind;
    std::deque<std::pair<std::string, Bytes>> waiting;
    bool paused = false;
};

}  // namespace

void adopt(Loop& loop, Engine& engine, const Store& store, SharedState& state, std::string kind,
           Convert convert) {
    auto records = store.records(kind);
    if (records.empty()) return;
    auto adoption = std::make_shared<Adoption>(loop, engine, state, std::move(kind));
    for (auto& [key, record] : records) {
        if (auto value = convert(record))
            adoption->waiting.emplace_back(key, std::move(*value));
        else
            log::error("state", "a stored object is unreadable",
                       {{"kind", adoption->kind}, {"name", key}});
    }
    loop.post([adoption] { adoption->next(); });
}

}  // namespace anode::app
