#include "app/cluster/state_face.hpp"

#include <future>

#include "app/cluster/adopt.hpp"

namespace anode::app {
namespace {

constexpr std::string_view kToken = "token", kUser = "user";

}  // namespace

StateFace::StateFace(Loop& engine_loop, Engine& engine, SharedState& state, Settling* settling)
    : loop_(engine_loop), engine_(engine), state_(state), settling_(settling) {
    state_.on_change(std::string(kToken), [this](const state::Item& item, bool) {
        if (watch_) tell(watch_, item);
    });
    state_.on_change(std::string(kUser), [this](const state::Item& item, bool) {
        if (user_watch_) tell(user_watch_, item);
    });
}

void StateFace::adopt_tokens(const Store& store) {
    adopt(loop_, engine_, store, state_, std::string(kToken),
          [](BytesView record) { return std::optional<Bytes>(record); });
}

void StateFace::tell(const TokenWatch& watch, const state::Item& item) {
    watch(item.key, item.value && !item.revoked ? &*item.value : nullptr);
}

void StateFace::settle(Duration timeout, Reply<std::vector<std::string>> pending) {
    loop_.post([this, timeout, pending = std::move(pending)]() mutable {
        if (settling_ == nullptr || state_.last_entry() == 0) return pending({});
        settling_->wait(state_.last_entry(), timeout,
                        [pending = std::move(pending)](const std::vector<NodeId>& lacking) mutable {
                            std::vector<std::string> ids;
                            for (const NodeId& node : lacking) ids.push_back(node.text());
                            pending(std::move(ids));
                        });
    });
}

void StateFace::watch(std::string_view kind, TokenWatch& kept, TokenWatch watch) {
    std::promise<void> told;
    const bool runs = loop_.post([&, watch = std::move(watch)]() mutable {
        for (const state::Item* item : state_.all(kind)) tell(watch, *item);
        kept = std::move(watch);
        told.set_value();
    });
    if (runs) told.get_future().wait();
}

void StateFace::watch_tokens(TokenWatch told) { watch(kToken, watch_, std::move(told)); }
void StateFace::watch_users(TokenWatch told) { watch(kUser, user_watch_, std::move(told)); }

void StateFace::put_user(std::string name, Bytes record, Reply<Result<void>> reply) {
    write({std::string(kUser), std::move(name), std::move(record), false, std::nullopt},
          std::move(reply));
}

void StateFace::remove_user(std::string name, Reply<Result<void>> reply) {
    write({std::string(kUser), std::move(name), std::nullopt, false, std::nullopt},
          std::move(reply));
}

void StateFace::put_token(std::string id, Bytes record, Reply<Result<void>> reply) {
    write({std::string(kToken), std::move(id), std::move(record), false, std::nullopt},
          std::move(reply));
}

void StateFace::revoke_token(std::string id, Reply<Result<void>> reply) {
    write({std::string(kToken), std::move(id), std::nullopt, true, std::nullopt}, std::move(reply));
}

void StateFace::write(SharedState::Wish wish, Reply<Result<void>> reply) {
    loop_.post([this, wish = std::move(wish), reply = std::move(reply)]() mutable {
        state_.write(std::move(wish), [this, reply = std::move(reply)](
                                          const Result<state::Item>& written) mutable {
            if (!written) return reply(std::unexpected(written.error()));
            engine_.when_stored(
                [reply = std::move(reply)](const Result<void>& stored) mutable { reply(stored); });
        });
    });
}

}  // namespace anode::app
