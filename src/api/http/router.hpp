#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/request.hpp"
#include "api/http/response.hpp"

namespace anode::api {

struct Operation;

using Handler = std::function<void(Request&, Responder)>;

/// Where a handler runs: on the connection's loop (must not block), or on a worker (may read the
/// store).
enum class RunOn : std::uint8_t { Loop, Worker };

/// What serves a row of the table of operations (see table/operation.hpp).
/// `pattern` is a path of segments: literal text, `{name}` (one segment), `{name*}` (all the rest,
/// last only), each with an optional `:verb` behind it: `/v1/sources/{name}:restart`,
/// `/v1/sources:test`.
struct Route {
    Method method = Method::Get;
    std::string pattern;
    Role role = Role::Any;
    Handler handler;
    RunOn run_on = RunOn::Loop;
    std::string summary;             ///< one line
    std::vector<std::string> args;   ///< query parameters that are known; any other is refused.
                                     ///< {"*"}: all are let through
    std::size_t body_bytes_max = 0;  ///< 0: the general limit
    const Operation* operation = nullptr;  ///< its row in the table, found when it is added
};

/// Finds the row of a request. Thread: filled before the server starts, then read by all.
class Router {
public:
    void add(Route route);
    /// Serves a row of the table. There must be one of this method and pattern.
    void add(Method method, std::string_view pattern, Handler handler, RunOn run_on = RunOn::Loop);
    [[nodiscard]] std::span<const Route> routes() const noexcept { return routes_; }

    struct Match {
        const Route* route = nullptr;
        std::vector<std::pair<std::string_view, std::string>> params;
        std::vector<Method> allowed;  ///< filled if the path exists with other methods only
    };
    /// `path` is decoded. Literal segments win over `{name}`, and that over `{name*}`. GET rows
    /// answer HEAD too.
    [[nodiscard]] Match find(Method method, std::string_view path) const;
    /// The methods of a path as `Allow` lists them, from a Match that found none.
    [[nodiscard]] static std::string allow(const Match& match);

private:
    struct Segment {
        std::string text;  ///< literal, or the parameter's name
        std::string verb;  ///< behind the colon
        enum class Is : std::uint8_t { Literal, One, Rest } is = Is::Literal;
    };
    struct Row {
        std::vector<Segment> segments;
        std::vector<int> rank;  ///< per segment: how special it is
    };
    [[nodiscard]] static std::vector<Segment> parse(std::string_view pattern);
    [[nodiscard]] static bool fits(const Row& row, std::string_view path,
                                   std::vector<std::pair<std::string_view, std::string>>& params);

    std::vector<Route> routes_;
    std::vector<Row> rows_;
};

}  // namespace anode::api
