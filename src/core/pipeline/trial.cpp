#include "base/text.hpp"
#include "core/pipeline/stage.hpp"

namespace anode::pipeline {
namespace {

void write_message(json::Writer& out, Flow& flow) {
    out.begin_object().member("topic", flow.draft().topic);
    if (!flow.draft().key.empty()) out.member("key", flow.draft().key);
    if (flow.draft().kind != Kind::Set) out.member("kind", name(flow.draft().kind));
    if (const json::Value value = flow.value())
        out.key("data").raw(value.raw());
    else
        out.member("b64", text::base64(flow.draft().payload))
            .member("ct", flow.draft().content_type);
    out.end_object();
}

/// The steps one message passes; true if it reached the end.
bool write_steps(json::Writer& out, Flow& flow, std::vector<std::unique_ptr<Stage>>& stages,
                 const Definition& definition, std::size_t from, Now now) {
    for (std::size_t at = from; at < stages.size(); ++at) {
        std::string words;
        const Fate fate = stages[at]->handle(flow, now, words);
        out.begin_object()
            .member("step", static_cast<std::uint64_t>(at))
            .member("kind", name_of(definition.steps[at]));
        out.member("result", name(fate));
        if (!words.empty()) out.member("detail", words);
        if (fate == Fate::Passed) {
            out.key("message");
            write_message(out, flow);
        }
        out.end_object();
        if (fate != Fate::Passed) return false;
    }
    return true;
}

void write_output(json::Writer& out, Flow& flow, const Definition& definition) {
    const auto topic = topic_of(flow, definition);
    if (!topic) {
        out.begin_object().member("error", topic.error().what).end_object();
        return;
    }
    flow.set_topic(*topic);
    write_message(out, flow);
}

}  // namespace

Bytes trial(const Definition& definition, const std::vector<Input>& inputs, Now now) {
    std::vector<std::unique_ptr<Stage>> stages;
    for (const Step& step : definition.steps) stages.push_back(make_stage(step));
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("slow_path", definition.slow()).key("results").begin_array();
    Flow flow;
    for (const Input& input : inputs) {
        flow.begin(input);
        out.begin_object().key("input");
        write_message(out, flow);
        out.key("steps").begin_array();
        const bool whole = write_steps(out, flow, stages, definition, 0, now);
        out.end_array().key("outputs").begin_array();
        if (whole) write_output(out, flow, definition);
        out.end_array().end_object();
    }
    out.end_array()
        .key("held")
        .begin_array();  // what windows and conflation would let out at their time
    for (std::size_t at = 0; at < stages.size(); ++at) {
        std::vector<std::unique_ptr<Flow>> held;
        stages[at]->tick(now, true, held);
        for (auto& late : held) {
            out.begin_object()
                .member("step", static_cast<std::uint64_t>(at))
                .key("steps")
                .begin_array();
            const bool whole = write_steps(out, *late, stages, definition, at + 1, now);
            out.end_array().key("outputs").begin_array();
            if (whole) write_output(out, *late, definition);
            out.end_array().end_object();
        }
    }
    out.end_array().end_object();
    return json;
}

}  // namespace anode::pipeline
