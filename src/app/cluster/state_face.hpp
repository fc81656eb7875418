#pragma once

#include "api/state_door.hpp"
#include "app/cluster/settling.hpp"
#include "app/cluster/shared_state.hpp"

namespace anode::app {

/// The shared state as the API asks for it: waiting for the other nodes, and tokens, of which only digests are kept.
/// Thread: build it before the state is restored; the rest from any thread while the engine's loop runs.
class StateFace final : public api::ClusterState {
public:
    /// `settling`: null for a node that has no others.
    StateFace(Loop& engine_loop, Engine& engine, SharedState& state, Settling* settling = nullptr);

    /// Takes over what this node kept before it shared its tokens. After the state was restored.
    void adopt_tokens(const Store& store);

    void settle(Duration timeout, Reply<std::vector<std::string>> pending) override;
    void watch_tokens(TokenWatch watch) override;
    void put_token(std::string id, Bytes record, Reply<Result<void>> reply) override;
    void revoke_token(std::string id, Reply<Result<void>> reply) override;
    void watch_users(TokenWatch watch) override;
    void put_user(std::string name, Bytes record, Reply<Result<void>> reply) override;
    void remove_user(std::string name, Reply<Result<void>> reply) override;

private:
    void write(SharedState::Wish wish, Reply<Result<void>> reply);
    static void tell(const TokenWatch& watch, const state::Item& item);

    void watch(std::string_view kind, TokenWatch& kept, TokenWatch watch);

    Loop& loop_;
    Engine& engine_;
    SharedState& state_;
    Settling* settling_;
    TokenWatch watch_, user_watch_;  ///< the engine's thread
};

}  // namespace anode::app
