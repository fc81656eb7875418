#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "core/expr/expr.hpp"
#include "core/message/message.hpp"
#include "core/source/definition_stream.hpp"
#include "core/source/template.hpp"

/// The part of a definition that turns frames into messages. Source: recipes, sections 3 and 6.
namespace anode::source {

enum class Decode : std::uint8_t { Gzip, Zlib, Deflate, Zstd, Base64 };

/// What a frame is.
enum class FrameKind : std::uint8_t {
    Data,
    Heartbeat,
    Ack,
    Notice,
    Ignore,
    ErrorFatal,
    ErrorItem,
    ErrorIgnore,
    Unknown,  ///< nothing said what it is, and `rows` found nothing
    Garbage,  ///< not decodable, or no JSON
};
std::string_view name(FrameKind kind) noexcept;  ///< `data`, `error.item`, …

enum class TimeUnit : std::uint8_t { Auto, Seconds, Millis, Micros, Nanos, Rfc3339 };

/// `map`. Lists of paths join their values with `:`.
struct MapSpec {
    std::vector<expr::Selector> key, id, version;
    std::optional<expr::Selector> time;
    TimeUnit unit = TimeUnit::Auto;
    std::optional<expr::Selector> kind;  ///< key `kind` or `kind.at`
    std::vector<std::string> kind_delete, kind_snapshot, kind_retract;
    std::optional<expr::Program> data;  ///< replaces the payload
};

/// `columns`: names of places, or parallel arrays.
struct Columns {
    std::vector<std::string> names;  ///< `-` skips
    std::optional<expr::Path> parallel;
};

struct Parent {
    std::string name;
    expr::Selector from;
};

/// From frame to rows and from row to message. `classify` rules may bring their own.
struct Shape {
    Template topic;
    std::optional<expr::Path> rows;  ///< absent: the whole frame is one row
    std::optional<Columns> columns;
    std::vector<Parent> parent;
    bool keep_parent = false;
    MapSpec map;
    std::vector<expr::Program> require, drop;
};

struct ClassifyRule {
    std::variant<std::string, expr::Program> match;  ///< key `text` (whole frame) or `match`
    FrameKind as = FrameKind::Data;
    std::optional<ItemRef> item;              ///< which item an error or ack is about
    std::optional<expr::Selector> text_from;  ///< the words shown
    std::optional<expr::Selector>
        by;  ///< value bound by `bind` of an expect step: the row gets that item's fields
    std::shared_ptr<const Shape> shape;  ///< for `data` with `topic rows columns parent map …` of
                                         ///< its own, merged over the source's
};

struct DedupeSpec {
    bool body = false;  ///< `by = "body"`
    enum class Part : std::uint8_t { Key, Id, Version };
    std::vector<std::variant<Part, expr::Selector>> by;
    Duration keep = 10min;
    std::uint64_t max = 1'000'000;
};

struct ContinuitySpec {
    enum class Rule : std::uint8_t {
        None,
        PlusOne,
        Range,
        Previous,
        Counter,
        Parent,
        Monotonic
    } rule = Rule::None;
    std::optional<expr::Selector> at, first, last, previous, parent;
    enum class Per : std::uint8_t { Key, Connection, Source } per = Per::Key;
    std::optional<std::uint64_t> reset_to;
    enum class OnGap : std::uint8_t { Note, Snapshot, Reconnect, Backfill } on_gap = OnGap::Note;
};

struct SnapshotSpec {
    std::optional<Template> get;
    std::optional<Duration> every;
    struct Align {
        expr::Selector at;           ///< of the snapshot's body
        expr::Selector first, last;  ///< of a delta
    };
    std::optional<Align> align;
    Duration settle = 1s;
    std::uint32_t retry = 5;
    std::optional<expr::Program> in_band;  ///< true for a row that is a snapshot in the stream
};

struct BackfillSpec {
    Template get;  ///< with `{$from}` and `{$to}` (also written `{from}` and `{to}`)
    std::uint32_t page = 1000;
    enum class By : std::uint8_t { Id, Time } by = By::Id;
};

}  // namespace anode::source
