#include "app/cluster/adopt.hpp"

#include <memory>
#include <utility>
#include <vector>

#include "base/log.hpp"

namespace anode::app {
namespace {

constexpr std::size_t kMuch = 1'000;
constexpr Duration kTellEvery = 1s;

/// What is still to be moved. Lives as long as a task of the loop holds it.
struct Adoption : std::enable_shared_from_this<Adoption> {
    Adoption(Loop& l, Engine& e, SharedState& s, std::string k)
        : loop(l), engine(e), state(s), kind(std::move(k)), progress(e.metrics(), kind) {}

    void next() {
        for (std::size_t n = 0; n < kAdoptPortion && !waiting.empty(); ++n) {
            auto [key, value] = std::move(waiting.back());
            waiting.pop_back();
            SharedState::Wish wish{kind, key, std::move(value), false, ""};
            wish.adopted = true;
            state.write(std::move(wish), [self = shared_from_this(),
                                          key](const Result<state::Item>& written) mutable {
                self->wrote(std::move(key), written);
            });
        }
        progress.left(waiting.size(), loop.now().mono);
        if (!waiting.empty()) loop.after(1ms, [self = shared_from_this()] { self->next(); });
    }
    void wrote(std::string key, const Result<state::Item>& written) {
        if (written || state.find(kind, key) != nullptr)
            return engine.ride_along({kind, std::move(key), std::nullopt});
        log::error("state", "an object of an earlier run could not be shared",
                   {{"kind", kind}, {"name", key}, {"err", written.error().what}});
    }

    Loop& loop;
    Engine& engine;
    SharedState& state;
    std::string kind;
    AdoptProgress progress;
    std::vector<std::pair<std::string, Bytes>> waiting;
};

}  // namespace

AdoptProgress::AdoptProgress(metrics::Registry& registry, std::string kind)
    : gauge_(registry.gauge("anode_state_adopting",
                            "Objects of files and earlier versions that wait to be shared.",
                            {{"kind", kind}})),
      kind_(std::move(kind)) {}

void AdoptProgress::left(std::size_t count, Instant now) {
    gauge_.set(static_cast<double>(count));
    const bool done = count == 0 && told_;
    const bool due = count > 0 && (told_ ? now - told_at_ >= kTellEvery : count >= kMuch);
    if (!done && !due) return;
    told_ = count > 0;
    told_at_ = now;
    log::info("state", done ? "all objects are shared" : "objects are being shared",
              {{"kind", kind_}, {"left", std::uint64_t{count}}});
}

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
