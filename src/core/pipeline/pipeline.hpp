#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.hpp"
#include "base/time.hpp"
#include "core/json/json.hpp"
#include "core/message/message.hpp"
#include "core/message/topic.hpp"

/// Rules that turn messages into messages: filter, map, key, window, de-duplicate, limit, conflate, route.
/// Source: interfaces, sections 10 and 12; recipes, section 1 (templates).
namespace anode::pipeline {

/// A message on its way through: as it came in (or out of an earlier step). Views end with the call.
struct Input {
    Draft draft;
    MessageId id;
    WallTime ts = 0;
    std::string_view node;
};

/// Takes what comes out. Called synchronously, may be called several times for one input.
class Sink {
public:
    virtual ~Sink() = default;
    /// `draft.source` is the source of the message that caused it; views end with the call.
    virtual void output(std::string_view pipeline, const Draft& draft) = 0;
    /// A step failed: goes to `$dlq.<source>` with the reason ("pipeline big-trades, step 1 (map): …").
    virtual void rejected(std::string_view pipeline, const Draft& draft,
                          std::string_view reason) = 0;
};

/// What is wrong with a definition, and where.
struct Complaint {
    std::string pointer;  ///< JSON pointer, such as `/steps/0/filter`
    std::string detail;
};

struct Definition;  ///< parsed and compiled; immutable

/// Parses one definition (API or file, the same tree). All complaints, not only the first.
std::expected<std::shared_ptr<const Definition>, std::vector<Complaint>> parse(
    const json::Value& tree);
/// JSON Schema and Markdown reference of the definition, from the table that parse() uses.
std::string json_schema();
std::string reference_markdown();

struct Counters {
    std::uint64_t in = 0, out = 0, filtered = 0, duplicates = 0, limited = 0, conflated = 0,
                  held = 0, failed = 0;
};

struct Status {
    std::string name;
    bool enabled = true;
    Counters counters;
    bool slow_path = false;  ///< a step runs in libjq: its cost is about 12 µs a message
    std::string last_error;
};

/// All pipelines of a node. The output of one may feed another; a definition that would close a loop is refused, and a
/// message passes at most eight pipelines.
/// Thread: confined to one owner.
/// Limits: a pipeline holds about 8 MiB in windows and conflation; over it, all that it holds is let out early. Every
///         compiled evaluation has a budget of 10,000 steps.
class Pipelines {
public:
    explicit Pipelines(metrics::Registry* metrics = nullptr);
    ~Pipelines();

    /// Malformed with words if it would close a loop with those that are here (but its own namesake).
    [[nodiscard]] Result<void> check(const Definition& definition) const;
    /// Adds or replaces, if check() says so. What a replaced or removed one still holds comes out at the next tick().
    Result<void> put(std::shared_ptr<const Definition> definition, Now now);
    bool remove(std::string_view name);
    [[nodiscard]] bool empty() const noexcept;
    /// Whether any enabled pipeline reads this topic. Cheap: the caller asks for every message.
    [[nodiscard]] bool reads(std::string_view topic) const;

    /// Runs a message through all that read its topic, and their outputs through those that read them.
    void handle(const Input& input, Now now, Sink& sink);
    /// Lets out what windows, limits and conflation hold and whose time has come.
    void tick(Now now, Sink& sink);
    /// When tick() is due next.
    [[nodiscard]] std::optional<Instant> due() const;
    /// Lets everything out (stop, drain).
    void flush(Now now, Sink& sink);

    [[nodiscard]] std::vector<Status> status() const;
    [[nodiscard]] std::optional<Status> status(std::string_view name) const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// `:test`: runs messages through one pipeline on its own and shows each step, as the JSON that the API answers:
/// {"results":[{"input":…,"steps":[{"step":0,"kind":"filter","result":"passed|filtered|…","output":…}],"outputs":[…]}]}.
Bytes trial(const Definition& definition, const std::vector<Input>& inputs, Now now);

/// Facts of a definition that others need.
[[nodiscard]] const std::string& name_of(const Definition& definition);

}  // namespace anode::pipeline
