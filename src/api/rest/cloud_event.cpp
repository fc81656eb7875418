#include "api/rest/cloud_event.hpp"

#include <array>

#include "base/text.hpp"

namespace anode::api::rest {

namespace {

constexpr std::array<std::string_view, 4> kRequired{"specversion", "id", "source", "type"};

bool is_json_type(std::string_view type) {
    const std::string media = text::lower(text::trim(type.substr(0, type.find(';'))));
    return media.empty() || media == "application/json" || media.ends_with("+json");
}

Read<void> read_time(std::string_view text, PublishItem& item) {
    const auto time = text::parse_rfc3339(text);
    if (!time) return refuse_member("time", "an RFC 3339 time is expected");
    item.source_time = *time;
    return {};
}

Read<void> read_attributes(const json::Value& event, PublishItem& item) {
    for (const std::string_view name : kRequired) {
        const json::Value value = event[name];
        if (!value.is_string() || value.string().empty())
            return refuse_member(name, "is required in a CloudEvent");
    }
    if (!event["specversion"].equals("1.0"))
        return refuse_member("specversion", "only 1.0 is understood");
    if (const json::Value time = event["time"]; time.is_string()) {
        if (auto read = read_time(time.string(), item); !read) return read;
    }
    item.key = event["partitionkey"].string();
    if (item.key.size() > kKeyBytesMax) return refuse_member("partitionkey", "is too long");
    item.trace = event["traceparent"].string();
    return {};
}

}  // namespace

Read<void> read_cloud_event(const json::Value& event, PublishItem& item) {
    if (!event.is_object()) return refuse(Problem::invalid("a CloudEvent is a JSON object"));
    if (auto read = read_attributes(event, item); !read) return read;
    const json::Value data = event["data"], base64 = event["data_base64"];
    const std::string type = event["datacontenttype"].string();
    if (data && base64) return refuse_member("data_base64", "and data exclude each other");
    if (base64) {
        auto bytes = text::from_base64(base64.string());
        if (!base64.is_string() || !bytes)
            return refuse_member("data_base64", "is not valid base64");
        item.payload = std::move(*bytes);
        item.content_type = type.empty() ? "application/octet-stream" : type;
    } else if (data.is_string() && !is_json_type(type)) {
        item.payload = data.string();
        item.content_type = type;
    } else if (data) {
        data.append_compact(item.payload);
    } else {
        item.payload = "null";
    }
    if (item.payload.size() > kPayloadBytesMax)
        return refuse(Problem::too_large("a payload has at most 1 MiB"));
    return {};
}

bool is_binary_event(const Request& request) {
    return request.header("ce-specversion").has_value();
}

Read<void> read_event_headers(const Request& request, PublishItem& item) {
    for (const std::string_view name : kRequired) {
        const auto value = request.header("ce-" + std::string(name));
        if (!value || value->empty())
            return refuse_member("ce-" + std::string(name), "is required in a CloudEvent");
    }
    if (*request.header("ce-specversion") != "1.0")
        return refuse_member("ce-specversion", "only 1.0 is understood");
    if (const auto time = request.header("ce-time")) {
        if (auto read = read_time(*time, item); !read) return read;
    }
    if (const auto key = request.header("ce-partitionkey")) item.key = *key;
    if (item.key.size() > kKeyBytesMax) return refuse_member("ce-partitionkey", "is too long");
    if (const auto trace = request.header("ce-traceparent")) item.trace = *trace;
    return {};
}

}  // namespace anode::api::rest
