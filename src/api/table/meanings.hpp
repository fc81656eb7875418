#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "api/table/operation.hpp"
#include "base/bytes.hpp"

/// What the documents say of parameters.
namespace anode::api {

struct HeaderMeaning {
    std::string_view name, key, text;  ///< key: its name among OpenAPI's components
    std::size_t bytes_max = 0;         ///< 0: that of the head
};
/// Request headers that rows name.
inline constexpr std::array kHeaders{
    HeaderMeaning{"If-Match", "IfMatch", "Change only this version: 412 if it is stale", 0},
    HeaderMeaning{"If-None-Match", "IfNoneMatch",
                  "On reads an `ETag`: 304 if it holds. On writes `*`: create only", 0},
    HeaderMeaning{"Idempotency-Key", "IdempotencyKey",
                  "The same key within 10 minutes adds nothing", 255},
    HeaderMeaning{"traceparent", "Traceparent", "W3C trace context, kept in `prov`", 0},
    HeaderMeaning{"Last-Event-ID", "LastEventId",
                  "With server-sent events: a cursor that overrides `from`", 0},
};

struct PathMeaning {
    std::string_view name, text, pattern;
    std::size_t bytes_max = 0;
};
inline constexpr std::array kPathParts{
    PathMeaning{"topic", "A topic: tokens joined by dots",
                "^[A-Za-z0-9_~$-]{1,64}(\\\\.[A-Za-z0-9_~-]{1,64}){0,15}$", 255},
    PathMeaning{"name", "Name of the object", "^[a-z0-9_-]{1,64}$", 64},
    PathMeaning{"id", "Its id, or a node's name", "^[A-Za-z0-9._-]{1,255}$", 255},
    PathMeaning{"path", "Path of a file", "^[A-Za-z0-9._-]{1,255}$", 255},
    PathMeaning{"source", "Name of a webhook source", "^[a-z0-9_-]{1,64}$", 64},
};

/// The names between braces of a path.
std::vector<std::string_view> path_parts(std::string_view path);
/// The JSON Schema of a query parameter.
Bytes schema_of(const Parameter& parameter);
/// Its type in words: `integer 1 to 1,000`.
std::string type_of(const Parameter& parameter);

}  // namespace anode::api
