#include "core/source/keys.hpp"

/// Steps, clocks and resumption: sections 4 and 5 of the reference.
namespace anode::source {

namespace {

constexpr Forms kMessage = Form::Template | Form::Json;
constexpr Forms kFiller = Form::Template | Form::Secret | Form::Scalar;
constexpr Forms kPaths = Form::Selector | Form::List;

Key frame_key() {
    return key("frame", Form::Word, "text", "Kind of frame to send.").one_from("text binary");
}

std::vector<Key> step_keys() {
    return {
        key("send", kMessage, "", "A message: JSON with templates, or text."),
        frame_key().in("send"),
        key("batch", Form::Number, "",
            "Items per message. Without: all, where `$each` stands in it, else one message an "
            "item.")
            .range(1, 100'000)
            .in("send"),
        key("bytes", Form::Size, "", "Bytes per message at most.").range(64, 16 << 20).in("send"),
        key("every", Form::Duration, "", "Pause between messages.").in("send"),
        key("where", Form::Expr, "", "Only items for which it holds, over the item's fields.")
            .in("send"),
        key("expect", Form::Expect, "",
            "Waits for a frame: a bare word, or an expression over the frame."),
        key("within", Form::Duration, "5s", "Time for the answer (`get` and `post`: 10s).")
            .in("expect get post"),
        key("item", kPaths, "", "Path to the item in the frame: the step waits for every item.")
            .of(element(Form::Selector))
            .in("expect"),
        key("item_as", Form::Template, "",
            "How the frame spells the item, such as `live_trades_{inst:lower}`.")
            .in("expect"),
        key("capture", Form::Map, "", "Variables and where they stand in the answer.")
            .of(element(Form::Selector))
            .in("expect get post"),
        key("reject", Form::Expr, "", "Ends the item that the frame names.").in("expect"),
        key("fatal", Form::Bool, "false", "`reject` ends the attempt.").in("expect"),
        key("bind", Form::Selector, "",
            "Value that names the item in later frames (see `classify.by`).")
            .in("expect"),
        key("get", Form::Url, "", "An HTTP request; before the connection when it stands first."),
        key("post", Form::Url, "", "The same with a body."),
        key("headers", Form::Map, "", "Headers of the request.")
            .of(element(kFiller))
            .in("get post"),
        key("body", kMessage, "", "Body of the request.").in("post"),
        key("wait", Form::Duration, "", "Waits."),
        key("final", Form::Bool, "false", "Last step only: no client frame follows.")
            .in("send expect wait"),
    };
}

std::vector<Key> ping_keys() {
    return {
        key("when", Form::When, "", "`idle 25s`: nothing came for so long; or `every 20s`.").must(),
        key("text", Form::Template, "", "A bare word to send."),
        key("send", kMessage, "", "A message to send."),
        frame_key(),
        key("expect", Form::Expect, "", "The answer; none within the time: reconnect."),
        key("within", Form::Duration, "5s", "Time for the answer."),
    };
}

Key alive_key() {
    return key("alive", Form::Table, "", "Three clocks: pings, any frame, data.")
        .only(kStreams)
        .with({
            key("ping", Form::Table, "", "Pings of the application.")
                .only(kWebsocket)
                .with(ping_keys())
                .choice("text send"),
            key("reply", Form::List, "", "Answers to what the server asks, filled from its frame.")
                .only(kWebsocket)
                .of(element(Form::Table)
                        .with({
                            key("text", Form::Text, "", "The whole frame is this word."),
                            key("match", Form::Expr, "", "Over the frame."),
                            key("send", kMessage, "", "The answer.").must(),
                            frame_key(),
                        })
                        .choice("text match")),
            key("protocol_ping", Form::Duration, "30s",
                "Our own WebSocket ping; 0: never. The server's pings are always answered.")
                .only(kWebsocket),
            key("any", Form::Duration, "60s",
                "No frame of any kind for so long: reconnect; 0: never."),
            key("stale", Form::Duration, "",
                "No data for so long: state `stale`. Heartbeats do not count."),
            key("stale_action", Form::Word, "note", "What is done when it is stale.")
                .one_from("note reconnect"),
            key("rotate", Form::Jitter, "",
                "Planned renewal: the new connection is opened before the old is closed."),
            key("overlap", Form::Duration, "15s", "How long both run."),
        });
}

}  // namespace

std::vector<Key> stream_keys() {
    return {
        key("connect", Form::List, "",
            "Steps in order, after (requests: before) the connection is open.")
            .only(kPulled)
            .of(element(Form::Table).with(step_keys()).choice("send expect get post wait")),
        alive_key(),
        key("resume", Form::Table, "", "Where to go on after an interruption.")
            .only(kPulled)
            .with({
                key("at", Form::Selector, "", "Path of the position; event streams: the event id."),
                key("as", Form::Table, "", "How the position is given back.")
                    .with({
                        key("query", Form::Text, "", "In this parameter."),
                        key("header", Form::Text, "", "In this header."),
                        key("send", kMessage, "", "In a message with `{$position}`.")
                            .only(kWebsocket),
                    })
                    .choice("query header send"),
                key("rewind", Form::Duration, "",
                    "Go back so far when the host or the owner changed; for positions that are "
                    "times."),
                key("too_old", Form::Expr, "",
                    "True for the body of an error that says so: start live, a gap is noted."),
            }),
    };
}

}  // namespace anode::source
