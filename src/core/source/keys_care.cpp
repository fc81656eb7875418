#include "core/source/keys.hpp"

/// Polling, budgets, errors, limits, credentials and the other types: sections 3 and 7 to 9 of the reference.
namespace anode::source {

namespace {
constexpr Forms kFiller = Form::Template | Form::Secret | Form::Scalar;
}

std::vector<Key> poll_keys() {
    return {
        key("poll", Form::Table, "", "When and how a URL is asked again.")
            .only(kRest)
            .with({
                key("every", Form::Duration, "60s", "The period.").range(1'000'000, INT64_MAX),
                key("align", Form::Bool, "false",
                    "Keep to the server's grid: multiples of the period."),
                key("offset", Form::Duration, "", "Behind the grid."),
                key("jitter", Form::Percent, "10 %", "Random part of the period."),
                key("interval_header", Form::Text, "",
                    "Header with the seconds to wait; overrides `every`."),
                key("same", Form::Word, "", "`body`: an answer with the same bytes is none.")
                    .one_from("body"),
                key("diff", Form::Table, "", "Only new and changed rows go out.")
                    .with({
                        key("key", Form::Selector, "", "What a row is known by.").must(),
                        key("version", Form::Selector, "",
                            "What changes with it; absent: its bytes."),
                        key("vanish", Form::Word, "ignore",
                            "A row that is gone before it could age out.")
                            .one_from("delete ignore"),
                        key("window", Form::Duration, "",
                            "Rows older than this age out by themselves."),
                    }),
                key("pages", Form::Table, "", "Walks further pages.")
                    .with({
                        key("next", Form::Next, "",
                            "`link` (the Link header), a path to the next URL, or a URL template.")
                            .must(),
                        key("until", Form::Word | Form::Expr, "known",
                            "`known`: a row that was seen; or an expression over the page.")
                            .one_from("known"),
                        key("max", Form::Number, "10", "Pages at most.").range(1, 10'000),
                        key("order", Form::Word, "", "The order in which rows go out.")
                            .one_from("oldest-first newest-first"),
                    }),
                key("batch", Form::Table, "", "Several items in one request.")
                    .with({key("items", Form::Number, "", "Items per request.")
                               .range(1, 100'000)
                               .must()}),
            }),
    };
}

std::vector<Key> care_keys() {
    return {
        key("rate", Form::Table | Form::Rate, "",
            "Budgets; of a test source its messages, such as `10/s`.")
            .only(kPulled | kTest)
            .with({
                key("connects", Form::Rate, "", "Connection attempts."),
                key("messages", Form::Rate, "", "Messages sent, per connection."),
                key("requests", Form::Rate, "", "HTTP requests."),
                key("concurrency", Form::Number, "", "Requests at a time.").range(1, 1000),
                key("count_control", Form::Bool, "false", "Pings and pongs count as messages."),
                key("remaining", Form::Text, "", "Header that tells what is left."),
                key("retry_after", Form::Text, "", "Header that tells when to come back."),
                key("per", Form::Word, "source",
                    "Who shares the budget; a provider's is shared by the whole cluster.")
                    .one_from("source provider"),
            }),
        key("backoff", Form::Table, "", "Pauses between attempts, with full jitter.")
            .only(kPulled)
            .with({
                key("min", Form::Duration, "1s", "The first."),
                key("max", Form::Duration, "60s", "The longest."),
                key("reset_after", Form::Word, "data", "What makes the next pause the first again.")
                    .one_from("data connect"),
                key("auth_retries", Form::Number, "1",
                    "Attempts after 401 and 403, before `failed`.")
                    .range(0, 1000),
            }),
        key("errors", Form::List, "", "Answers before the upgrade, or of a poll.")
            .only(kPulled)
            .of(element(Form::Table)
                    .with({
                        key("status", Form::Number, "", "The status.").range(100, 599),
                        key("match", Form::Expr, "", "Over the body."),
                        key("do", Form::Word, "", "What is done.")
                            .one_from("fail limit restart ignore")
                            .must(),
                    })),
        key("limits", Form::Table, "", "What this source may use.")
            .with({
                key("frame", Form::Size, "16MiB", "Bytes of a frame or body.")
                    .range(1024, 256 << 20),
                key("queue", Form::Size, "8MiB", "Bytes that wait for the pipeline.")
                    .range(64 << 10, 1 << 30),
                key("full", Form::Word, "stop",
                    "What a full queue does: stop reading, drop with a ledger entry, or keep the "
                    "newest per key.")
                    .one_from("stop drop conflate"),
                key("rows_per_frame", Form::Number, "100000", "Rows of a frame.")
                    .range(1, 10'000'000),
            }),
        key("placement", Form::Table, "", "Which node runs it.")
            .with({
                key("zone", Form::Text, "", "Only nodes of this zone."),
                key("node", Form::Text, "", "Only this node."),
                key("standby", Form::Word, "none",
                    "A second node: connected and silent, or both at once.")
                    .one_from("none warm race"),
                key("on_isolation", Form::Word, "continue",
                    "What a node does that cannot see the others.")
                    .one_from("continue pause"),
            }),
        key("weakness", Form::Text, "",
            "What this recipe cannot detect; shown wherever the source is shown."),
    };
}

namespace {

Key into_key() {
    return key("into", Form::Table, "", "Where the signature goes.")
        .with({
            key("header", Form::Text, "", "This header."),
            key("query", Form::Text, "", "This parameter."),
            key("variable", Form::Text, "", "This variable, for `send` templates."),
        })
        .choice("header query variable");
}

Key hash_key() { return key("hash", Form::Word, "sha256", "The hash.").one_from("sha256 sha512"); }
Key encode_key() {
    return key("encode", Form::Word, "hex", "How the signature is written.").one_from("hex base64");
}

std::vector<Key> auth_members() {
    return {
        key("type", Form::Word, "", "How it is proved who asks.")
            .one_from("bearer basic header query url hmac jwt oauth2")
            .must(),
        key("token", Form::Secret, "", "The token.").in("bearer").must(),
        key("user", kFiller, "", "The user.").in("basic").must(),
        key("password", Form::Secret, "", "The password.").in("basic").must(),
        key("name", Form::Text, "", "Name of the header or parameter.").in("header query").must(),
        key("value", kFiller, "", "Its value.").in("header query").must(),
        key("secret", Form::Secret, "",
            "The key of the signature; of `url`: what `{$secret}` stands for.")
            .in("hmac url")
            .must(),
        key("key", kFiller, "",
            "hmac: the public half, `{$key}` in templates. jwt: the signing key.")
            .in("hmac jwt"),
        hash_key().in("hmac"),
        key("over", Form::Template, "",
            "What is signed: `{$method} {$path} {$query} {$body} {$host} {$key}` and `{now:…}`.")
            .in("hmac")
            .must(),
        encode_key().in("hmac"),
        key("secret_base64", Form::Bool, "false", "The secret is base64 text.").in("hmac"),
        into_key().in("hmac jwt"),
        key("alg", Form::Word, "ES256", "Algorithm of the signature.")
            .one_from("ES256 EdDSA HS256")
            .in("jwt"),
        key("claims", Form::Json, "", "Claims; `iat` and `exp` are added.").in("jwt"),
        key("header", Form::Json, "", "Members of the header beside `alg` and `typ`.").in("jwt"),
        key("ttl", Form::Duration, "2m", "How long a token is good.").in("jwt"),
        key("token_url", Form::PlainUrl, "", "Where tokens are had.").in("oauth2").must(),
        key("client_id", kFiller, "", "The client.").in("oauth2").must(),
        key("client_secret", Form::Secret, "", "Its secret.").in("oauth2").must(),
        key("scope", Form::Text, "", "What is asked for.").in("oauth2"),
    };
}

}  // namespace

std::vector<Key> auth_keys() {
    return {
        key("auth", Form::Table, "", "Credentials; secrets by reference only.")
            .only(kPulled)
            .with(auth_members())
            .chosen_by("type"),
    };
}

std::vector<Key> other_keys() {
    return {
        key("verify", Form::Table, "", "Signature of what is pushed.")
            .only(kWebhook)
            .with({
                key("type", Form::Word, "", "The kind.").one_from("hmac").must(),
                key("header", Form::Text, "", "Header with the signature.").must(),
                key("secret", Form::Secret, "", "The key.").must(),
                key("over", Form::Template, "{$body}",
                    "What is signed: `{$body}`, `{$timestamp}`."),
                key("timestamp", Form::Text, "", "Header with the seconds since 1970."),
                key("prefix", Form::Text, "", "In front of the signature, such as `sha256=`."),
                hash_key(),
                encode_key(),
                key("tolerance", Form::Duration, "5m", "How old a push may be."),
            }),
        key("events", Form::List, "", "Names of events that are taken; absent: all.")
            .of(element(Form::Text))
            .only(kSse),
        key("path", Form::Text, "",
            "File of JSON lines, optionally `.gz` or `.zst`; `-` is standard input.")
            .only(kFile)
            .must(),
        key("follow", Form::Bool, "false", "Wait for more at its end.").only(kFile),
        key("speed", Form::Float | Form::Table, "", "Times real time; absent: as fast as it goes.")
            .only(kFile)
            .with({
                key("times", Form::Float, "1", "Times real time."),
                key("at", Form::Path, "", "Path of the time."),
            }),
        key("keys", Form::Number, "10", "Entities of a test source.")
            .range(1, 1'000'000)
            .only(kTest),
        key("shape", Form::Word, "trade", "What a test source makes.")
            .one_from("trade sensor counter")
            .only(kTest),
        key("seed", Form::Number, "1", "Of its random numbers.").only(kTest),
    };
}

}  // namespace anode::source
