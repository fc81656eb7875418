#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/http/request.hpp"
#include "base/bytes.hpp"

/// Requests that mean another node: how they leave the API of one node and enter that of the other.
/// Trust:  a node believes what another node of its cluster says of a caller: name, roles and patterns travel with the
///         request, and the caller is not asked for credentials a second time. Only the mesh may bring such requests: its links
///         are sealed with the cluster's key or certificates. What the role allows is checked at both ends all the same.
/// Limits: a request's body is at most 1 MiB, an answer at most 16 MiB, and an answer is waited for at most 5 s.
/// Source: interfaces, section 9.
namespace anode::api {

inline constexpr std::size_t kForwardedRequestMax = 1u << 20;
inline constexpr std::size_t kForwardedAnswerMax = 16u << 20;

struct ForwardedRequest {
    using Pairs = std::vector<std::pair<std::string, std::string>>;

    Method method = Method::Get;
    std::string target;  ///< as the client sent it
    std::string path;    ///< decoded
    Pairs query;         ///< decoded
    Pairs headers;       ///< names in lower case; only those that handlers read
    Bytes body;
    std::string content_type;
    std::string id;    ///< X-Request-Id
    std::string peer;  ///< the client's address
    Caller caller;
};

struct ForwardedAnswer {
    int status = 500;
    std::string content_type;
    std::string etag;  ///< without quotes
    ForwardedRequest::Pairs headers;
    Bytes body;
};

/// Why no answer came.
enum class ForwardFailure : std::uint8_t {
    Unreachable,  ///< no link to the node, or the link went while we waited. It may have acted all the same
    Timeout,     ///< it did not answer in time. It may have acted all the same
    TooLarge,    ///< the request or the answer passes its limit
    Overloaded,  ///< too many requests wait for that node; this one was not sent
};

/// The way to other nodes. Implemented in app/cluster, faked in tests.
/// Thread: any. The reply comes on a thread of the node, must not block, and comes exactly once unless the node is ending.
class ForwardDoor {
public:
    using Reply = std::move_only_function<void(std::expected<ForwardedAnswer, ForwardFailure>)>;

    virtual ~ForwardDoor() = default;
    /// `node` is the `n-…` of a member.
    virtual void forward(std::string node, ForwardedRequest request, Reply reply) = 0;
};

}  // namespace anode::api
