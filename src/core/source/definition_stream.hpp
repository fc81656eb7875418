#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "core/expr/expr.hpp"
#include "core/source/template.hpp"
#include "core/source/values.hpp"

/// The part of a definition about a connection: steps, clocks, resumption. Source: recipes,
/// sections 3 to 5.
namespace anode::source {

/// How a frame names the item that it is about.
struct ItemRef {
    std::vector<expr::Selector>
        paths;  ///< the item is the one of which every value found is a field
    std::optional<Template>
        spelled;  ///< key `item_as`: the item as this frame spells it, `live_trades_{inst:lower}`
};

struct Capture {
    std::string name;
    expr::Selector from;
};

enum class FrameForm : std::uint8_t { Text, Binary };

struct SendStep {
    MessageTemplate send;
    FrameForm frame = FrameForm::Text;
    /// Items per message; 0: all of a JSON template with `$each`, else one. Without `$each` several are joined with `,`.
    std::uint32_t batch = 0;
    std::uint64_t bytes = 0;             ///< per message; 0: no limit
    Duration every{};                    ///< between messages
    std::optional<expr::Program> where;  ///< over the item's fields: only these items
};

struct ExpectStep {
    std::variant<std::string, expr::Program>
        expect;  ///< a bare word (whole frame) or an expression over the frame
    Duration within = 5s;
    std::optional<ItemRef> item;  ///< per item: the step waits for every item
    std::vector<Capture> capture;
    std::optional<expr::Program> reject;  ///< ends the item, or with `fatal` the attempt
    bool fatal = false;
    std::optional<expr::Selector> bind;  ///< the value there names the item in later frames
};

/// An HTTP request before or beside the stream.
struct RequestStep {
    enum class Method : std::uint8_t { Get, Post } method = Method::Get;
    Template url;
    std::vector<std::pair<std::string, Filler>> headers;
    std::optional<MessageTemplate> body;
    std::vector<Capture> capture;
    Duration within = 10s;
};

struct WaitStep {
    Duration wait{};
};

struct Step {
    std::variant<SendStep, ExpectStep, RequestStep, WaitStep> what;
    bool final = false;  ///< last step only: no client frame after it
};

struct PingSpec {
    enum class When : std::uint8_t { Idle, Every } when = When::Idle;
    Duration period{};
    MessageTemplate send;  ///< key `text` or `send`
    FrameForm frame = FrameForm::Text;
    std::optional<std::variant<std::string, expr::Program>> expect;
    Duration within = 5s;
};

struct ReplyRule {
    std::variant<std::string, expr::Program> match;  ///< key `text` or `match`
    MessageTemplate send;                            ///< filled from the frame as row
    FrameForm frame = FrameForm::Text;
};

struct AliveSpec {
    std::optional<PingSpec> ping;
    std::vector<ReplyRule> reply;
    Duration protocol_ping = 30s;  ///< 0: never
    Duration any = 60s;            ///< 0: never
    std::optional<Duration> stale;
    enum class StaleAction : std::uint8_t { Note, Reconnect } stale_action = StaleAction::Note;
    std::optional<Jittered> rotate;
    Duration overlap = 15s;
};

struct ResumeSpec {
    std::optional<expr::Selector> at;  ///< sse without it: the event id
    struct Query {
        std::string name;
    };
    struct Header {
        std::string name;
    };
    struct Send {
        MessageTemplate send;
    };  ///< `{$position}` is the position
    std::variant<Header, Query, Send> as = Header{"Last-Event-ID"};
    Duration rewind{};  ///< when host or owner changed; for positions that are times
    std::optional<expr::Program> too_old;  ///< on the error body: start live, gap noted
};

}  // namespace anode::source
