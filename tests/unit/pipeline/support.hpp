#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/pipeline/pipeline.hpp"

/// The words the specs of pipelines speak.
namespace anode::pipeline {

/// 2026-01-01T00:00:00Z: a full minute, so that windows begin where the clock does.
inline constexpr WallTime kMidnight = 1'767'225'600'000'000;

/// What came out, in texts of its own.
struct Made {
    std::string pipeline, topic, key, payload, source;
    bool operator==(const Made&) const = default;
};
inline void PrintTo(const Made& m, std::ostream* out) {
    *out << m.pipeline << ": " << m.topic << " [" << m.key << "] " << m.payload;
}

class Collector final : public Sink {
public:
    void output(std::string_view pipeline, const Draft& draft) override {
        made.push_back({std::string(pipeline), std::string(draft.topic), std::string(draft.key),
                        std::string(draft.payload), std::string(draft.source)});
    }
    void rejected(std::string_view, const Draft& draft, std::string_view reason) override {
        reasons.emplace_back(reason);
        refused.emplace_back(draft.payload);
    }
    [[nodiscard]] std::vector<std::string> payloads() const {
        std::vector<std::string> all;
        for (const Made& one : made) all.push_back(one.payload);
        return all;
    }
    [[nodiscard]] std::vector<std::string> topics() const {
        std::vector<std::string> all;
        for (const Made& one : made) all.push_back(one.topic);
        return all;
    }
    std::vector<Made> made;
    std::vector<std::string> reasons, refused;
};

inline std::shared_ptr<const Definition> defined(std::string_view json) {
    json::Document document;
    if (!document.parse(json)) {
        ADD_FAILURE() << "no JSON: " << json;
        return nullptr;
    }
    auto parsed = parse(document.root());
    if (parsed) return std::move(*parsed);
    for (const Complaint& complaint : parsed.error())
        ADD_FAILURE() << complaint.pointer << ": " << complaint.detail;
    return nullptr;
}

inline std::vector<std::pair<std::string, std::string>> complaints_about(std::string_view json) {
    json::Document document;
    EXPECT_TRUE(document.parse(json).has_value()) << json;
    const auto parsed = parse(document.root());
    std::vector<std::pair<std::string, std::string>> all;
    if (!parsed)
        for (const Complaint& complaint : parsed.error())
            all.emplace_back(complaint.pointer, complaint.detail);
    return all;
}

/// `{"name":"p","input":"in.>","output":"out","steps":[…]}`
inline std::string with_steps(std::string_view steps, std::string_view name = "p",
                              std::string_view input = "in.>", std::string_view output = "out") {
    std::string json = R"({"name":")";
    json.append(name).append(R"(","input":")").append(input);
    json.append(R"(","output":")").append(output).append(R"(","steps":[)");
    return json.append(steps).append("]}");
}

/// Pipelines at work, with a clock that moves when told.
class PipelineSpec : public testing::Test {
protected:
    void runs(std::string_view json) {
        const auto put = pipelines.put(defined(json), now);
        EXPECT_TRUE(put.has_value()) << (put ? "" : put.error().what);
    }
    void hears(std::string_view topic, std::string_view payload, std::string_view key = {},
               std::string_view content_type = {}) {
        Input input;
        input.draft.topic = topic;
        input.draft.payload = payload;
        input.draft.key = key;
        input.draft.source = "feed";
        input.draft.content_type = content_type;
        input.id = {1, ++heard};
        input.ts = now.wall;
        input.node = "n-1";
        pipelines.handle(input, now, out);
    }
    void passes(Duration time) {
        now.mono += time;
        now.wall += time / 1us;
    }
    /// Time passes, and whoever drives the pipelines does so when they are due.
    void runs_for(Duration time) {
        const Instant end = now.mono + time;
        while (const auto due = pipelines.due()) {
            if (*due > end) break;
            if (*due > now.mono) passes(*due - now.mono);
            pipelines.tick(now, out);
        }
        if (end > now.mono) passes(end - now.mono);
    }

    Pipelines pipelines;
    Collector out;
    Now now{Instant{} + 1000s, kMidnight};
    std::uint64_t heard = 0;
};

}  // namespace anode::pipeline
