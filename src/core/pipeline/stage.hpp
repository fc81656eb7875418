#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/pipeline/definition.hpp"
#include "core/pipeline/flow.hpp"

namespace anode::pipeline {

enum class Fate : std::uint8_t { Passed, Filtered, Duplicate, Limited, Conflated, Held, Failed };
std::string_view name(Fate fate) noexcept;

/// One step at work, with what it remembers.
/// Thread: confined to the owner of the pipelines.
class Stage {
public:
    virtual ~Stage() = default;
    /// What becomes of a message; it may be changed. `words` say why it failed.
    virtual Fate handle(Flow& flow, Now now, std::string& words) = 0;
    /// When tick() has something to let out.
    [[nodiscard]] virtual std::optional<Instant> due() const { return std::nullopt; }
    /// Lets out what is due, or everything. The messages go on behind this step.
    virtual void tick(Now, bool /*everything*/, std::vector<std::unique_ptr<Flow>>& /*out*/) {}
    /// What it holds, for the pipeline's limit; over it, everything held is let out early.
    [[nodiscard]] virtual std::size_t bytes() const { return 0; }
};

/// The output topic of a message at the end of its pipeline. Malformed if that is no topic that messages may have.
Result<std::string> topic_of(Flow& flow, const Definition& definition);

std::unique_ptr<Stage> make_stage(const Step& step);
/// The stages that hold messages have files of their own.
std::unique_ptr<Stage> make_window(const WindowStep& step);
std::unique_ptr<Stage> make_conflate(const ConflateStep& step);

}  // namespace anode::pipeline
