#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "core/source/backoff.hpp"
#include "core/source/machine_desk.hpp"

/// Sources without a conversation: pushes, files, the built-in generator. Source: recipes, section 9.
namespace anode::source {

/// What the three have in common: start, stop, pressure. Thread: confined, as every machine.
class SimpleMachine : public Machine {
public:
    SimpleMachine(std::shared_ptr<const Definition> definition, Restored restored,
                  const Secrets& secrets, Budgets& budgets, Rng rng);

    void handle(const Input& input, Now now, Effects& out) override;
    [[nodiscard]] State state() const noexcept override { return desk_.state; }
    [[nodiscard]] const Counters& counters() const noexcept override { return desk_.counters; }
    [[nodiscard]] Status status() const override;

protected:
    virtual void begin() = 0;
    virtual void end() = 0;
    virtual void on(const Input& input) = 0;
    virtual void pressure_changed() {}
    /// Shapes one piece of input and publishes its rows.
    Shaped take(Shaper::Input input, std::string_view position = {});
    /// Data came: the state is live.
    void live();

    Desk desk_;
    bool running_ = false;

private:
    void start();
    void stop(State state, const char* why);
    bool isolated_ = false;
};

/// Others push to it. Signatures, repeats and rows as the definition says.
class WebhookMachine final : public SimpleMachine {
public:
    using SimpleMachine::SimpleMachine;

private:
    void begin() override;
    void end() override {}
    void on(const Input& input) override;
    void push(const in::Pushed& pushed);
    void answer(bool accepted, Errc why, std::string detail);
};

/// Lines of a file, as fast as they can be taken or in the rhythm of a field that is a time.
/// Memory: at most kHeldMax lines wait for their time; reading stops before.
class FileMachine final : public SimpleMachine {
public:
    static constexpr std::size_t kHeldMax = 1000;
    FileMachine(std::shared_ptr<const Definition> definition, Restored restored,
                const Secrets& secrets, Budgets& budgets, Rng rng);

private:
    void begin() override;
    void end() override;
    void on(const Input& input) override;
    void pressure_changed() override { apply_reading(); }
    void line(BytesView row, std::uint64_t position);
    void emit(BytesView row, std::uint64_t position);
    /// How long a row has to wait for its time; zero: it is due.
    Duration wait_for(BytesView row);
    void release_due();
    void apply_reading();
    void closed(const Failure& why);
    void finished();

    struct Held {
        Bytes row;
        std::uint64_t position = 0;
    };
    std::uint32_t last_conn_ = 0;
    ConnId conn_{};
    bool open_ = false, reading_ = true, ended_ = false;
    Backoff backoff_;
    TimerId timer_{}, retry_{};
    std::deque<Held> held_;
    std::optional<WallTime> first_time_;  ///< of the rows, when the clock below was started
    Instant clock_{};
    json::Document document_;
};

/// Makes rows by itself: the same from the same seed.
class TestMachine final : public SimpleMachine {
public:
    TestMachine(std::shared_ptr<const Definition> definition, Restored restored,
                const Secrets& secrets, Budgets& budgets, Rng rng);

private:
    void begin() override;
    void end() override { timer_ = {}; }
    void on(const Input& input) override;
    void tick();
    void make_row(std::uint64_t number);
    [[nodiscard]] Duration period() const;

    Rng dice_;
    TimerId timer_{};
    Instant began_{};
    std::uint64_t base_ = 0;  ///< rows made before `began_`
    std::uint64_t made_ = 0;
    std::vector<double> levels_;  ///< price or reading, by key
    Bytes row_;
};

}  // namespace anode::source
