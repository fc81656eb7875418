#include <csignal>
#include <future>
#include <utility>

#include "app/running_node.hpp"
#include "base/log.hpp"

/// Signals, and the order in which a node ends.
namespace anode::app {
namespace {

constexpr Duration kGoodbyeMax = 2s, kHandOverMax = 10s;

}  // namespace

void RunningNode::on_signal(int signal) {
    if (signal == SIGTERM || signal == SIGINT) {
        if (ending_) {
            log::warn("node", "told twice: ending at once");
            (void)store_->flush();
            sink_->flush();
            std::_Exit(1);
        }
        begin_end();
    } else if (signal == SIGHUP) {
        face_->reload_and_log();
    } else if (signal == SIGUSR2) {
        face_->drain(!face_->draining(), "signal");
    } else if (signal == SIGQUIT) {
        for (const api::Check& check : face_->health())
            log::info("node", "state",
                      {{"check", check.name}, {"status", check.status}, {"detail", check.detail}});
    }
}

void RunningNode::begin_end() {
    if (std::exchange(ending_, true)) return;
    log::info("node", "ending");
    face_->drain(true, "signal");
    main_loop_->after(options_.config.duration("shutdown.timeout"), [this] {
        log::error("node", "the drain took too long: ending at once");
        (void)store_->flush();
        sink_->flush();
        std::_Exit(1);
    });
    ending_thread_ = std::thread([this] {  // so that the main loop still hears a second signal
        end();
        main_loop_->stop();
    });
}

/// Other nodes take our sources while they still run here.
void RunningNode::hand_over_sources() {
    std::promise<void> done;
    loop_->post([&] {
        if (owners_->others_alive().empty()) return done.set_value();
        owners_->hand_over_all(kHandOverMax, [&done] { done.set_value(); });
    });
    done.get_future().wait();
}

/// Sources first, so that nothing new comes in; then listeners, who get what is left, while the goodbye goes through the
/// cluster; the store last.
void RunningNode::end() {
    if (restoring_.joinable()) restoring_.join();
    if (loop_ && engine_ && edge_) {
        hand_over_sources();
        std::promise<void> quiet;
        loop_->post([&] { sources_->end(3s, [&quiet] { quiet.set_value(); }); });
        quiet.get_future().wait();
        members_->begin_to_leave();
        engine_->stop();
        edge_->stop();
        members_->end(kGoodbyeMax);
    }
    if (mesh_) mesh_->end();
    if (forwarding_) forwarding_->end();
    if (http_tls_) http_tls_->stop();
    edge_.reset();
    if (loop_) {
        loop_->stop();
        loop_->join();
    }
    if (store_) (void)store_->flush();
    vitals_.reset();
    face_.reset();
    members_.reset();
    retention_.reset();
    pipelines_.reset();
    sources_.reset();
    owners_.reset();
    ledger_.reset();
    state_face_.reset();
    settling_.reset();
    shared_.reset();
    engine_.reset();
    mesh_face_.reset();
    mesh_.reset();
    forwarding_.reset();
    http_.reset();
    resolver_.reset();
    loop_.reset();
    store_.reset();
    log::info("node", "ended");
}

}  // namespace anode::app
