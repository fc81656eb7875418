#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "core/pipeline/flow.hpp"

namespace anode::pipeline {

/// A jq program of a step: compiled if it is of the subset, else run by libjq.
/// Thread: evaluated by one thread at a time (libjq keeps state).
/// Limits: programs that read, import, recurse or loop without an end are refused by name; what libjq runs has a budget of
///         memory and steps for each message, and is TooLarge beyond it (see jq_guard.hpp).
class Language {
public:
    /// The error tells where and what, as the compiled subset's or libjq's own words.
    static std::expected<Language, std::string> compile(std::string_view text);

    /// Whether the first result is neither false nor null.
    Result<bool> test(Flow& flow) const;
    /// Appends the first result as compact JSON. NotFound if there is none.
    Result<void> write(Flow& flow, Bytes& out) const;
    /// The first result as text if it is a scalar.
    std::optional<std::string> text_of(Flow& flow) const;
    [[nodiscard]] bool slow() const noexcept { return jq_ != nullptr; }
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    class Jq;
    std::string text_;
    std::optional<expr::Program> program_;
    std::shared_ptr<Jq> jq_;
};

}  // namespace anode::pipeline
