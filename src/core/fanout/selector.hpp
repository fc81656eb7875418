#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "core/expr/expr.hpp"
#include "core/json/json.hpp"
#include "core/message/block.hpp"
#include "core/message/topic.hpp"

/// What one subscription wants, and the judging of messages by it.
namespace anode::fanout {

enum class Mode : std::uint8_t { All, Latest, Sample };

/// Source: interfaces, sections 5 and 6. Two selectors with equal keys choose the same messages.
struct Selector {
    PatternSet topics;
    std::optional<expr::Program> filter;
    Mode mode = Mode::All;
    Duration every{0};    ///< of Mode::Latest
    std::uint32_t n = 1;  ///< of Mode::Sample: every nth

    [[nodiscard]] std::string key() const;
    [[nodiscard]] std::string filter_text() const {
        return filter ? filter->text() : std::string();
    }
};
using SelectorPtr = std::shared_ptr<const Selector>;

/// Looks at one message at a time. Its payload is parsed once, and only if a filter asks; filters of
/// equal text are evaluated once.
/// Thread: confined; reuses its memory from message to message.
class Judge {
public:
    void begin(const Block& block, std::uint32_t index);
    [[nodiscard]] const Block& block() const noexcept { return *block_; }
    [[nodiscard]] std::uint32_t index() const noexcept { return index_; }
    [[nodiscard]] const Entry& entry() const noexcept { return entry_; }
    /// Whether the filter of `selector`, if it has one, keeps the message. Topics are not looked at.
    [[nodiscard]] bool passes(const Selector& selector);

private:
    void prepare_scope();

    const Block* block_ = nullptr;
    std::uint32_t index_ = 0;
    Entry entry_;
    bool prepared_ = false;
    json::Document document_;
    expr::Scope scope_;
    std::string id_, node_;
    std::vector<std::pair<const std::string*, bool>> known_;  ///< filter text, verdict
};

}  // namespace anode::fanout
