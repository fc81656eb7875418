#include <iterator>

#include "core/source/keys.hpp"

/// From frames to messages, and whether they follow one another: sections 3 and 6 of the reference.
namespace anode::source {

namespace {

constexpr Forms kPaths = Form::Selector | Form::List;

Key paths(std::string_view name, std::string_view meaning) {
    return key(name, kPaths, "", meaning).of(element(Form::Selector));
}
Key texts(std::string_view name, std::string_view meaning) {
    return key(name, Form::List, "", meaning).of(element(Form::Text | Form::Scalar));
}

Key map_key() {
    return key("map", Form::Table, "",
               "What of a row the message is made of. A list of paths joins values with `:`.")
        .with({
            paths("key", "The entity inside the topic."),
            paths("id", "The feed's own id."),
            paths("version", "Tells revisions of an id apart."),
            key("time", Form::Selector, "", "The source's own time."),
            key("unit", Form::Word, "auto", "Unit of the time; `auto` tells by its size and look.")
                .one_from("s ms us ns rfc3339 auto"),
            key("kind", Form::Selector | Form::Table, "",
                "Path of `set`, `delete`, `snapshot` or `retract`, or which values mean them.")
                .with({
                    key("at", Form::Selector, "", "Where it stands.").must(),
                    texts("delete", "Values that mean `delete`."),
                    texts("snapshot", "Values that mean `snapshot`."),
                    texts("retract", "Values that mean `retract`."),
                }),
            key("data", Form::Expr, "",
                "Replaces the payload; otherwise the row's own bytes are the payload."),
        });
}

}  // namespace

std::vector<Key> shaping_keys() {
    return {
        key("rows", Form::Path, "",
            "Path to the row or rows; arrays on the way are exploded, `*` takes every member. "
            "Absent: the whole frame is one row."),
        key("columns", Form::List | Form::Table, "",
            "Names for positional rows, `-` skips; or parallel arrays.")
            .of(element(Form::Text))
            .with({key("parallel", Form::Path, "",
                       "Path, below the row, to an object of arrays: its columns become rows. "
                       "Empty: the row itself.")
                       .must()}),
        key("parent", Form::List | Form::Map, "",
            "Fields of the frame that each row has too, by path or by name and path.")
            .of(element(Form::Selector)),
        key("keep_parent", Form::Bool, "false", "They appear in the payload."),
        map_key(),
        key("require", Form::List, "", "A row that fails one becomes a dead letter.")
            .of(element(Form::Expr)),
        key("drop", Form::List, "", "Rows not wanted: counted only.").of(element(Form::Expr)),
    };
}

std::vector<Key> shape_keys() {
    std::vector<Key> rule = {
        key("text", Form::Text, "", "The whole frame is this word, and no JSON."),
        key("match", Form::Expr, "", "Over the frame."),
        key("as", Form::Word, "", "What the frame is.")
            .one_from("data heartbeat ack notice ignore error.fatal error.item error.ignore")
            .must(),
        paths("item", "The item that an error or acknowledgement is about."),
        key("item_as", Form::Template, "", "How the frame spells it."),
        key("text_from", Form::Selector, "", "The words that are shown."),
        key("by", Form::Selector, "",
            "Value that a step bound to an item: the row gets that item's fields."),
        key("topic", Form::Topic, "", "For data: instead of the source's."),
    };
    std::vector<Key> own = shaping_keys();
    rule.insert(rule.end(), std::make_move_iterator(own.begin()),
                std::make_move_iterator(own.end()));

    std::vector<Key> keys = {
        key("topic", Form::Topic, "", "Topic of the messages; values are escaped.").must(),
        key("decode", Form::List, "", "Undone in order, per frame.")
            .of(element(Form::Word).one_from("gzip zlib deflate zstd base64")),
        key("classify", Form::List, "",
            "What a frame is; the first match wins. Without one: data if `rows` finds something, "
            "else unknown.")
            .of(element(Form::Table).with(std::move(rule)).choice("text match")),
    };
    std::vector<Key> shaping = shaping_keys();
    keys.insert(keys.end(), std::make_move_iterator(shaping.begin()),
                std::make_move_iterator(shaping.end()));
    return keys;
}

std::vector<Key> flow_keys() {
    return {
        key("dedupe", Form::Table, "", "Removes repeats; follows the source from node to node.")
            .with({
                key("by", Form::Word | Form::List, "",
                    "`body`, or a list of `key`, `id`, `version` and paths.")
                    .one_from("body")
                    .of(element(Form::Selector))
                    .must(),
                key("keep", Form::Duration, "10m", "How long an id is known."),
                key("max", Form::Number, "1000000", "How many are known.").range(1, 10'000'000),
            }),
        key("continuity", Form::Table, "", "Whether messages follow one another.")
            .with({
                key("rule", Form::Word, "none", "How they do.")
                    .one_from("none +1 range previous counter parent monotonic")
                    .must(),
                key("at", Form::Selector, "", "The number, or the identity."),
                key("first", Form::Selector, "", "Of a range: its first number."),
                key("last", Form::Selector, "", "Of a range: its last number."),
                key("previous", Form::Selector, "", "The identity of the one before."),
                key("parent", Form::Selector, "", "The hash of the one before."),
                key("per", Form::Word, "key", "What has a chain of its own.")
                    .one_from("key connection source"),
                key("reset_to", Form::Number, "", "A number that means a new beginning."),
                key("on_gap", Form::Word, "note", "What is done beside the ledger.")
                    .one_from("note snapshot reconnect backfill"),
            }),
        key("snapshot", Form::Table, "", "Whole states that deltas start from.")
            .only(kStreams)
            .with({
                key("get", Form::Url, "", "Where a key's snapshot is."),
                key("every", Form::Duration, "", "How often it is fetched anyway."),
                key("align", Form::Table, "", "Which deltas a snapshot holds already.")
                    .with({
                        key("at", Form::Selector, "", "The number of the snapshot, in its body.")
                            .must(),
                        key("first", Form::Selector, "", "Of a delta: its first number.").must(),
                        key("last", Form::Selector, "", "Of a delta: its last number.").must(),
                    }),
                key("settle", Form::Duration, "1s", "Wait before it is fetched."),
                key("retry", Form::Number, "5", "Attempts.").range(0, 1000),
                key("in_band", Form::Expr, "", "True for a row that is a snapshot in the stream."),
            }),
        key("backfill", Form::Table, "", "Fetches what a gap left out.")
            .only(kPulled)
            .with({
                key("get", Form::Url, "", "With `{from}` and `{to}`.").must(),
                key("page", Form::Number, "1000", "Rows per request.").range(1, 1'000'000),
                key("by", Form::Word, "id", "What `{from}` and `{to}` are.").one_from("id time"),
            }),
    };
}

}  // namespace anode::source
