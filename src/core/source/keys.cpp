#include "core/source/keys.hpp"

#include <iterator>

#include "base/text.hpp"

namespace anode::source {

bool among(std::string_view words, std::string_view word) {
    for (const std::string_view candidate : text::split(words, ' ')) {
        if (candidate == word && !word.empty()) return true;
    }
    return false;
}

const Key* find_key(const std::vector<Key>& table, std::string_view name) {
    for (const Key& key : table) {
        if (key.name == name) return &key;
    }
    return nullptr;
}

namespace {

std::vector<Key> basic_keys() {
    return {
        key("name", Form::Name, "", "Name of the source: 1–64 of `a–z 0–9 - _`.").must(),
        key("type", Form::Word, "", "What kind of source it is.")
            .one_from("websocket rest sse webhook file test")
            .must(),
        key("enabled", Form::Bool, "true", "Whether it runs."),
        key("labels", Form::Map, "",
            "For search and placement; `provider` groups sources that share `rate`.")
            .of(element(Form::Text)),
    };
}

void append(std::vector<Key>& all, std::vector<Key> more) {
    all.insert(all.end(), std::make_move_iterator(more.begin()),
               std::make_move_iterator(more.end()));
}

Key make_root() {
    std::vector<Key> all = basic_keys();
    append(all, connection_keys());
    append(all, stream_keys());
    append(all, shape_keys());
    append(all, flow_keys());
    append(all, poll_keys());
    append(all, care_keys());
    append(all, auth_keys());
    append(all, other_keys());
    return key("source", Form::Table, "", "One source.").with(std::move(all));
}

}  // namespace

const Key& root_key() {
    static const Key root = make_root();
    return root;
}

// -- connection: where, with what, for which items ---------------------------------------------------------

namespace {

constexpr Forms kFiller = Form::Template | Form::Secret | Form::Scalar;

Key query_element() {
    return element(kFiller | Form::List | Form::Table)
        .of(element(kFiller))
        .with({
            key("join", Form::Text, "", "Joins the values of `of` in one parameter.").must(),
            key("of", Form::List, "",
                "The values; one that mentions an item stands once for each item of the batch.")
                .of(element(kFiller))
                .must(),
        });
}

Key http_key() {
    return key("http", Form::Table, "", "How requests are made.")
        .only(kPulled)
        .with({
            key("method", Form::Word, "GET", "Method of polls and event streams.")
                .one_from("GET POST PUT")
                .only(kRest | kSse),
            key("body", Form::Template | Form::Json, "", "Body of the request.").only(kRest | kSse),
            key("user_agent", Form::Text, "", "Instead of the product's own."),
            key("proxy", Form::PlainUrl, "", "Proxy to go through."),
            key("subprotocol", Form::Text, "", "WebSocket subprotocol to ask for.")
                .only(kWebsocket),
            key("origin", Form::Text, "", "`Origin` to send."),
            key("deflate", Form::Bool, "false", "Offer permessage-deflate.").only(kWebsocket),
            key("timeout", Form::Duration, "10s", "Until the answer or the upgrade is complete."),
            key("tls", Form::Table, "", "Trust.")
                .with({
                    key("ca", Form::Text, "",
                        "PEM file of the authorities to trust, instead of the system's."),
                    key("insecure", Form::Bool, "false", "Accept any certificate. For tests."),
                    key("server_name", Form::Text, "",
                        "Name to ask for and to check, instead of the URL's host."),
                }),
        });
}

Key items_key() {
    return key("items", Form::Map, "",
               "What is subscribed, as lists by name; several lists mean their product.")
        .only(kPulled)
        .of(element(Form::List | Form::Table)
                .of(element(Form::Text | Form::Scalar | Form::Map)
                        .of(element(Form::Text | Form::Scalar)))
                .with({
                    key("get", Form::Url, "", "Where the list is read from.").must(),
                    key("select", Form::Selector, "",
                        "Path to the elements, or an expression that gives one array.")
                        .must(),
                    key("every", Form::Duration, "1h", "How often it is read again."),
                }));
}

}  // namespace

std::vector<Key> connection_keys() {
    return {
        key("url", Form::Url | Form::List, "", "Where it is; a list is tried in order.")
            .of(element(Form::Url).one_from("own"))
            .one_from("own")
            .only(kPulled)
            .must(),
        key("urls", Form::Word, "order", "`race` connects to two of the list and keeps both.")
            .one_from("order race")
            .only(kStreams),
        key("headers", Form::Map, "", "Sent on connect or request, made anew each time.")
            .of(element(kFiller))
            .only(kPulled),
        key("query", Form::Map, "",
            "Parameters of the URL, made anew each time; a list repeats the parameter.")
            .of(query_element())
            .only(kPulled),
        http_key(),
        items_key(),
        key("shard", Form::Table, "", "How items are spread over connections.")
            .only(kStreams)
            .with({
                key("items", Form::Number, "", "Items per connection.").range(1, 100'000),
                key("route", Form::List, "",
                    "Sends items to other endpoints; the first match wins.")
                    .of(element(Form::Table)
                            .with({
                                key("match", Form::Expr, "", "Over the item's fields.").must(),
                                key("url", Form::Url, "", "The endpoint.").one_from("own").must(),
                            })),
            }),
    };
}

}  // namespace anode::source
