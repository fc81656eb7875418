#pragma once

#include <string>

#include "core/source/machine_desk.hpp"
#include "core/source/machine_request.hpp"

/// The requests a poll makes before its first one, to capture what it needs (C11).
namespace anode::source {

/// Walks the `get`, `post` and `wait` steps of `connect`. Thread: as its machine.
class Prelude {
public:
    Prelude(Desk& desk, Courier& courier, TokenKeeper& token);

    enum class Progress : std::uint8_t { Waiting, Done, Failed };
    /// From the first step.
    Progress start();
    Progress answered(const in::Answered& answer);
    Progress request_failed(const Failure& why);
    Progress fired(TimerId id);

    [[nodiscard]] const Variables& variables() const noexcept { return variables_; }
    [[nodiscard]] bool done() const noexcept { return done_; }
    [[nodiscard]] const std::vector<StepStatus>& status() const noexcept { return status_; }
    [[nodiscard]] const std::string& why() const noexcept { return why_; }
    void reset();

private:
    Progress run();
    bool ask(const RequestStep& step);
    Progress fail(std::string why);
    Progress next();

    Desk& desk_;
    Courier& courier_;
    TokenKeeper& token_;
    std::size_t at_ = 0;
    bool done_ = false;
    TimerId timer_{};
    Instant began_{};
    Variables variables_;
    std::uint64_t counter_ = 1;
    std::vector<StepStatus> status_;
    std::string why_;
};

}  // namespace anode::source
