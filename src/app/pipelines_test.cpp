#include "app/pipelines.hpp"

/// `:test` of pipelines: messages go through the steps of a definition, and nothing comes of it.
namespace anode::app {
namespace {

using api::Failure;
using api::Outcome;

constexpr std::size_t kTestMessagesMax = 100;

std::unexpected<Failure> failure(Failure::Why why, std::string detail) {
    return std::unexpected(Failure{why, std::move(detail), {}});
}

}  // namespace

/// `:test` of a stored pipeline, or of the `definition` in the body.
void PipelineObjects::do_test(const std::string& name, const Bytes& body,
                              api::Reply<Outcome<Bytes>> reply) {
    json::Document document;
    if (const auto parsed = document.parse(body); !parsed)
        return reply(failure(Failure::Why::Invalid, parsed.error().what));
    std::shared_ptr<const pipeline::Definition> definition;
    if (const auto found = entries_.find(name); found != entries_.end()) {
        definition = found->second.definition;
    } else if (!name.empty()) {
        return reply(failure(Failure::Why::NotFound, "no such pipeline"));
    } else {
        auto parsed = pipeline::parse(document.root()["definition"]);
        if (!parsed) return reply(refused_definition(parsed.error()));
        definition = std::move(*parsed);
    }
    const json::Value messages = document.root()["messages"];
    if (!messages.is_array() || messages.size() > kTestMessagesMax)
        return reply(
            failure(Failure::Why::Invalid, "`messages` is an array of at most 100 messages"));
    std::vector<std::string> texts;  // what the drafts point to
    texts.reserve(messages.size() * 3);
    std::vector<pipeline::Input> inputs;
    const WallTime now = loop_.now().wall;
    for (json::Value message = messages.first(); message; message = message.next_in(messages)) {
        const auto keep = [&texts](std::string value) -> std::string_view {
            return texts.emplace_back(std::move(value));
        };
        Bytes payload;
        if (const json::Value data = message["data"])
            data.append_compact(payload);
        else
            payload = "null";
        pipeline::Input input;
        input.draft.topic = keep(message["topic"].string());
        input.draft.payload = keep(std::move(payload));
        input.draft.key = keep(message["key"].string());
        if (!check_topic(input.draft.topic))
            return reply(failure(Failure::Why::Invalid, "a message needs a `topic`"));
        if (const json::Value key = message["key"]; key && !key.is_string())
            return reply(failure(Failure::Why::Invalid, "the `key` of a message is text"));
        if (const json::Value ts = message["ts"]; ts && !ts.integer())
            return reply(failure(Failure::Why::Invalid, "the `ts` of a message is microseconds"));
        input.ts = message["ts"].integer().value_or(now);
        input.node = node_;
        inputs.push_back(input);
    }
    reply(pipeline::trial(*definition, inputs, loop_.now()));
}

}  // namespace anode::app
