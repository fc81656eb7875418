#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/expr/expr.hpp"
#include "core/json/json.hpp"
#include "core/pipeline/pipeline.hpp"

namespace anode::pipeline {

/// A message between two steps: views of what came in, and buffers for what steps put in their place. Reused.
class Flow {
public:
    void begin(const Input& input);
    /// A copy that stands on its own, for steps that hold messages.
    void keep();

    [[nodiscard]] const Draft& draft() const noexcept { return draft_; }
    [[nodiscard]] WallTime ts() const noexcept { return ts_; }
    [[nodiscard]] std::string_view node() const noexcept { return node_; }
    [[nodiscard]] const MessageId& id() const noexcept { return id_; }
    /// The payload, read at the first call; absent if it is no JSON.
    json::Value value();
    /// The envelope as expressions see it.
    expr::Scope scope();
    [[nodiscard]] std::vector<std::string_view> tokens() const;
    [[nodiscard]] std::size_t bytes() const noexcept {
        return draft_.payload.size() + draft_.key.size() + draft_.topic.size() + 256;
    }

    void set_payload(Bytes payload);
    void set_key(std::string key);
    void set_topic(std::string topic);
    void set_kind(Kind kind) noexcept { draft_.kind = kind; }
    void set_ts(WallTime ts) noexcept { ts_ = ts; }
    /// Keeps topic, key and source only: what is made of many messages is none of them.
    void stand_for_many();
    /// Routed: `output` of the definition does not count.
    [[nodiscard]] bool routed() const noexcept { return routed_; }
    void route_to(std::string topic) {
        route_ = std::move(topic);
        routed_ = true;
    }
    [[nodiscard]] const std::string& route() const noexcept { return route_; }

private:
    Draft draft_;
    MessageId id_;
    WallTime ts_ = 0;
    std::string_view node_;
    std::string payload_, key_, topic_, source_, content_type_, node_text_, id_text_, route_,
        trace_;
    json::Document document_;
    bool read_ = false, readable_ = false, routed_ = false;
};

}  // namespace anode::pipeline
