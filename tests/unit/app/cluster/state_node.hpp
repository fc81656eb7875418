#pragma once

#include "app/cluster/state_face.hpp"
#include "app/pipelines.hpp"
#include "app/retention.hpp"
#include "unit/app/stage.hpp"

namespace anode::app {

/// A node with what it shares, over a real store. What it writes for the others waits until the spec carries it over.
class StateNode {
public:
    explicit StateNode(std::uint8_t id = 9, std::vector<DeclaredPipeline> declared = {},
                       std::function<void(Store&)> before = {})
        : id_(id) {
        begins(std::move(declared), before);
    }
    ~StateNode() { ends(); }

    /// Ends the run, if there is one, and begins the next.
    void begins(std::vector<DeclaredPipeline> declared = {},
                const std::function<void(Store&)>& before = {}) {
        ends();
        StoreOptions options;
        options.directory = directory.path() + "/store";
        options.sync_interval = 1ms;
        options.min_free_fraction = 0;
        store = std::move(*Store::open(options));
        if (before) before(*store);
        run = std::make_unique<RunningEngine>(*store, id_);
        ledger = std::make_unique<Ledger>(*run->engine, "n-1");
        on_loop(run->loop, [&] {
            Loop& loop = run->loop;
            Engine& engine = *run->engine;
            engine.set_outlet(&outbox);
            state = std::make_unique<SharedState>(loop, engine, *store, nullptr, run->node);
            face = std::make_unique<StateFace>(loop, engine, *state);
            pipelines = std::make_unique<PipelineObjects>(loop, engine, *state, *ledger, "n-1");
            rules = std::make_unique<RetentionObjects>(loop, engine, *state, *store, *ledger);
            state->restore();
            rules->load({});
            pipelines->load(*store, std::move(declared));
            face->adopt_tokens(*store);
        });
        settles();
    }
    /// All that was taken in is synced, and what it led to is done.
    void settles() {
        for (int round = 0; round < 2; ++round) {
            Awaited<Result<void>> stored;
            on_loop(run->loop, [&] {
                run->engine->when_stored(
                    [reply = stored.reply()](const Result<void>& r) mutable { reply(r); });
            });
            ASSERT_TRUE(stored.get().has_value());
        }
    }
    /// Everything this node has said to the others since it was asked last, in their hands.
    void tells(StateNode& other) {
        settles();
        std::vector<RemoteBlock> blocks;
        for (const auto& [log, wire] : outbox.takes())
            blocks.push_back({*decode_block(log, *wire, Arrival{}), wire, false});
        on_loop(other.run->loop, [&] { other.run->engine->take_remote(std::move(blocks), {}); });
        other.settles();
    }

    api::Outcome<api::Written> writes(api::Objects& objects, api::Write write) {
        Awaited<api::Outcome<api::Written>> answer;
        objects.write(std::move(write), answer.reply());
        return answer.get();
    }
    api::Outcome<api::Object> gets(api::Objects& objects, std::string name) {
        Awaited<api::Outcome<api::Object>> answer;
        objects.get(std::move(name), answer.reply());
        return answer.get();
    }
    api::Outcome<void> removes(api::Objects& objects, std::string name, std::string etag = "*") {
        Awaited<api::Outcome<void>> answer;
        objects.remove_if(std::move(name), std::move(etag), "me", answer.reply());
        return answer.get();
    }

    TempDirectory directory;
    std::unique_ptr<Store> store;
    std::unique_ptr<RunningEngine> run;
    std::unique_ptr<Ledger> ledger;
    std::unique_ptr<SharedState> state;
    std::unique_ptr<StateFace> face;
    std::unique_ptr<PipelineObjects> pipelines;
    std::unique_ptr<RetentionObjects> rules;

private:
    class Outbox final : public Outlet {
    public:
        using Wire = std::pair<LogKey, std::shared_ptr<const Bytes>>;
        std::size_t peers() const override { return 0; }
        void sealed(const BlockPtr& block, const BlockWirePtr& wire) override {
            const std::lock_guard lock(mutex_);
            if (block->log().lane == kSystemLane) wires_.emplace_back(block->log(), wire->bytes());
        }
        void stored(const std::vector<BlockPtr>&) override {}
        void await_copies(LogKey, Seq, unsigned, Duration, Copies reply) override {
            reply(1, false);
        }
        std::vector<Wire> takes() {
            const std::lock_guard lock(mutex_);
            return std::exchange(wires_, {});
        }

    private:
        std::mutex mutex_;
        std::vector<Wire> wires_;
    };

    void ends() {
        if (run) {
            run->loop.stop();
            run->loop.join();
            (void)store->flush();
        }
        rules.reset();
        pipelines.reset();
        face.reset();
        state.reset();
        ledger.reset();
        run.reset();
        store.reset();
    }

    std::uint8_t id_;
    Outbox outbox;
};

}  // namespace anode::app
