#include "api/rest/publish_body.hpp"

#include "api/rest/cloud_event.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"

namespace anode::api::rest {

namespace {

/// One index for all bodies a thread reads: its memory is kept.
json::Document& document() {
    thread_local json::Document kept;
    return kept;
}

Problem payload_too_large() { return Problem::too_large("a payload has at most 1 MiB"); }

/// What the query says of every message of the request.
Read<PublishItem> read_pattern(const Request& request, std::string_view topic) {
    PublishItem item;
    item.topic = topic;
    if (const auto key = request.arg("key")) {
        if (key->size() > kKeyBytesMax || !text::is_utf8(*key))
            return refuse_member("key", "at most 1 KiB of UTF-8 is expected");
        item.key = *key;
    }
    if (const auto word = request.arg("kind")) {
        const auto kind = parse_kind(*word);
        if (!kind) return refuse_member("kind", "set, delete, retract or snapshot is expected");
        item.kind = *kind;
    }
    if (const auto number = request.arg("sts")) {
        item.source_time = text::parse_i64(*number);
        if (!item.source_time) return refuse_member("sts", "microseconds are expected");
    }
    if (const auto trace = request.header("traceparent")) item.trace = *trace;
    return item;
}

/// A line that names its own topic, as `?envelopes=1` reads it. Members that only nodes give are
/// passed over, so that exported history can be published again.
class EnvelopeReader {
public:
    EnvelopeReader(const Caller& caller, const PublishItem& pattern)
        : caller_(caller), item_(pattern) {}

    Read<PublishItem> read(const json::Value& envelope) {
        if (!envelope.is_object()) return refuse(Problem::invalid("an object is expected"));
        for (json::Value v = envelope.first(); v; v = v.next_in(envelope)) {
            if (auto read = member(v); !read) return refuse(std::move(read.error()));
        }
        if (auto problem = refuse_topic(caller_, item_.topic)) return refuse(std::move(*problem));
        if (has_data_ == has_bytes_ && (has_data_ || item_.kind != Kind::Delete))
            return refuse(Problem::invalid("either data or b64 is expected"));
        if (has_bytes_ == item_.content_type.empty())
            return refuse(Problem::invalid("b64 and ct belong together"));
        if (!has_data_ && !has_bytes_) item_.payload = "null";
        if (item_.payload.size() > kPayloadBytesMax) return refuse(payload_too_large());
        return std::move(item_);
    }

private:
    Read<void> member(const json::Value& v) {
        if (v.is_named("topic")) {
            item_.topic = v.string();
        } else if (v.is_named("data")) {
            has_data_ = true;
            item_.payload.clear();
            v.append_compact(item_.payload);
        } else if (v.is_named("b64")) {
            has_bytes_ = true;
            auto bytes = text::from_base64(v.string());
            if (!v.is_string() || !bytes) return refuse_member("b64", "is not valid base64");
            item_.payload = std::move(*bytes);
        } else if (v.is_named("ct")) {
            item_.content_type = v.string();
        } else if (v.is_named("key")) {
            item_.key = v.string();
            if (!v.is_string() || item_.key.size() > kKeyBytesMax)
                return refuse_member("key", "a text of at most 1 KiB is expected");
        } else if (v.is_named("kind")) {
            const auto kind = parse_kind(v.string());
            if (!kind) return refuse_member("kind", "set, delete, retract or snapshot is expected");
            item_.kind = *kind;
        } else if (v.is_named("sts")) {
            item_.source_time = v.integer();
            if (!item_.source_time) return refuse_member("sts", "microseconds are expected");
        } else if (!given_by_nodes(v)) {
            return refuse_member(v.name(), "unknown member");
        }
        return {};
    }
    static bool given_by_nodes(const json::Value& v) {
        for (const std::string_view name : {"cursor", "id", "ts", "src", "node", "flags", "prov"})
            if (v.is_named(name)) return true;
        return false;
    }

    const Caller& caller_;
    PublishItem item_;
    bool has_data_ = false, has_bytes_ = false;
};

Read<PublishItem> read_line(std::string_view line, const PublishItem& pattern, bool envelopes,
                            const Caller& caller) {
    if (const auto parsed = document().parse(line); !parsed)
        return refuse(json_problem(parsed.error()));
    if (envelopes) return EnvelopeReader(caller, pattern).read(document().root());
    PublishItem item = pattern;
    document().root().append_compact(item.payload);
    if (item.payload.size() > kPayloadBytesMax) return refuse(payload_too_large());
    return item;
}

/// Takes each read message, or notes why not.
void take(Batch& batch, std::uint64_t line, Read<PublishItem> item) {
    if (item)
        batch.items.push_back(std::move(*item));
    else
        batch.rejected.push_back({line, item.error().code, item.error().detail});
}

Read<Batch> read_lines(const Request& request, const PublishItem& pattern) {
    Batch batch;
    batch.single = false;
    const bool envelopes = request.flag("envelopes");
    std::uint64_t number = 0;
    for (std::string_view rest = request.body; !rest.empty();) {
        const std::size_t end = rest.find('\n');
        const std::string_view line = text::trim(rest.substr(0, end));
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
        ++number;
        if (line.empty()) continue;
        if (batch.items.size() + batch.rejected.size() == kBatchMax)
            return refuse(Problem::too_large("a request has at most 131072 messages"));
        take(batch, number, read_line(line, pattern, envelopes, request.caller));
    }
    return batch;
}

Read<PublishItem> read_one_event(const json::Value& event, const PublishItem& pattern) {
    PublishItem item = pattern;
    if (auto read = read_cloud_event(event, item); !read) return refuse(std::move(read.error()));
    return item;
}

Read<Batch> read_events(const Request& request, const PublishItem& pattern, bool many) {
    Batch batch;
    if (const auto parsed = document().parse(request.body); !parsed)
        return refuse(json_problem(parsed.error()));
    const json::Value root = document().root();
    if (!many) {
        auto item = read_one_event(root, pattern);
        if (!item) return refuse(std::move(item.error()));
        batch.items.push_back(std::move(*item));
        return batch;
    }
    batch.single = false;
    if (!root.is_array()) return refuse(Problem::invalid("an array of CloudEvents is expected"));
    std::uint64_t number = 0;
    for (json::Value event = root.first(); event; event = event.next_in(root))
        take(batch, ++number, read_one_event(event, pattern));
    return batch;
}

Read<Batch> read_single(Request& request, PublishItem item) {
    Batch batch;
    const bool is_json = request.content_type.empty() || request.content_type == "application/json";
    if (is_json) {
        auto payload = read_payload(request.body);
        if (!payload) return refuse(std::move(payload.error()));
        item.payload = std::move(*payload);
    } else {
        if (request.body.size() > kPayloadBytesMax) return refuse(payload_too_large());
        item.payload = request.body;
        item.content_type = request.header("content-type").value_or(request.content_type);
    }
    batch.items.push_back(std::move(item));
    return batch;
}

}  // namespace

std::optional<Problem> refuse_topic(const Caller& caller, std::string_view topic) {
    if (topic.starts_with('$'))
        return Problem::forbidden("topics that begin with $ are written by nodes only");
    if (const auto good = check_topic(topic); !good) return Problem::bad_topic(good.error().what);
    if (!caller.covers(topic)) return Problem::forbidden("the topic is not within your patterns");
    return std::nullopt;
}

Read<Bytes> read_payload(std::string_view text) {
    if (const auto parsed = document().parse(text); !parsed)
        return refuse(json_problem(parsed.error()));
    Bytes payload;
    document().root().append_compact(payload);
    if (payload.size() > kPayloadBytesMax) return refuse(payload_too_large());
    return payload;
}

Read<Batch> read_batch(Request& request, std::string_view topic) {
    auto pattern = read_pattern(request, topic);
    if (!pattern) return refuse(std::move(pattern.error()));
    const std::string_view type = request.content_type;
    if (is_binary_event(request)) {
        if (auto read = read_event_headers(request, *pattern); !read)
            return refuse(std::move(read.error()));
        return read_single(request, std::move(*pattern));
    }
    if (type == "application/x-ndjson" || type == "application/ndjson")
        return read_lines(request, *pattern);
    if (type == "application/cloudevents+json") return read_events(request, *pattern, false);
    if (type == "application/cloudevents-batch+json") return read_events(request, *pattern, true);
    return read_single(request, std::move(*pattern));
}

}  // namespace anode::api::rest
