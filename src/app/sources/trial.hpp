#pragma once

#include <memory>
#include <vector>

#include "app/sources/look.hpp"
#include "app/sources/runner.hpp"

namespace anode::app {

/// `:test`: runs a definition for at most 30 seconds and stores nothing.
/// Thread: the engine's loop. Ownership: owns itself until it has answered.
class Trial final : public SourceSink, public Look, public std::enable_shared_from_this<Trial> {
public:
    using Done = std::move_only_function<void(api::Outcome<Bytes>)>;
    /// The trial that runs now; none if `done` was called at once.
    static std::weak_ptr<Look> start(RunnerWorld& world, BytesView body, const EgressPolicy& egress,
                                     Done done);

    Trial(RunnerWorld& world, std::shared_ptr<const source::Definition> definition, Done done);
    void give_up() override { finish(); }

private:
    void begin();
    void look_again(Duration left);
    void finish();

    void on_rows(SourceDriver& driver, std::span<const source::Row> rows,
                 std::span<const source::DeadLetter> dead_letters) override;
    void on_batch_end(SourceDriver& driver) override;
    void on_state(SourceDriver& driver, const source::act::StateChanged& change) override;
    void on_gap(SourceDriver& driver, const source::act::GapFound& gap) override;
    void on_event(SourceDriver& driver, const source::act::Event& event) override;

    RunnerWorld& world_;
    std::shared_ptr<const source::Definition> definition_;
    Done done_;
    source::Budgets budgets_;
    std::unique_ptr<SourceDriver> driver_;
    std::vector<Bytes> messages_, letters_, timeline_;
    Instant began_, last_news_;
    bool failed_ = false;
};

}  // namespace anode::app
