#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/doors.hpp"
#include "api/http/router.hpp"

/// What answers have in common: Accept, bodies, lists with their links, the audit.
/// Source: interfaces, section 9.
namespace anode::api::rest {

using Answer = std::expected<Response, Problem>;
template <class T>
using Read = std::expected<T, Problem>;

inline std::unexpected<Problem> refuse(Problem problem) {
    return std::unexpected(std::move(problem));
}
/// 422 `invalid` that points at a query parameter or a member.
std::unexpected<Problem> refuse_member(std::string_view name, std::string detail);

/// A handler that answers at once with JSON; 406 if the client takes none.
Handler answering(std::function<Answer(Request&)> ask);
/// The same check for handlers that answer later. True: a Problem was sent.
bool refused_form(const Request& request, Responder& responder);

/// Sends an answer that a thread of the node has made: a long one is compressed on the connection's
/// loop, not there.
void send_from_node(Responder responder, Response response);

/// Why a text is no JSON that can be taken: 400, or 413 and 422 for what is too large or too deep.
Problem json_problem(const Error& error);

/// Whether the body's media type is JSON (or not named); merge patches where `patch`.
std::optional<Problem> wrong_body_type(const Request& request, bool patch = false);

/// `?limit=` (100, at most 1,000) and `?after=`.
struct Range {
    std::size_t limit = 100;
    std::string after;
};
Read<Range> read_range(const Request& request);

/// `{"items":[…],"next":…}` with its Link header. `items` are finished JSON values.
Response page(const Request& request, const std::vector<Bytes>& items,
              const std::optional<std::string>& next);
/// The same around items that are already joined by commas; `more_members` begins with a comma.
Response page_of(const Request& request, Bytes joined, const std::optional<std::string>& next,
                 std::string_view more_members = {});

/// Whether `id` means this node.
bool is_this_node(const NodeFacts& facts, std::string_view id);

/// Writes who changed what to `$sys.audit`. `members` are JSON members or empty; without an `"outcome"` among them it is `ok`.
void audit(NodeControl& node, const Request& request, std::string_view action,
           std::string_view object, std::string_view members = {});
/// The same with digests of what the object was and is; empty where there was or is none.
void audit_change(NodeControl& node, const Request& request, std::string_view action,
                  std::string_view object, std::string_view before, std::string_view after);
/// Who asks and from where, in one text, for those behind the doors that keep an audit themselves (see Ledger::audit).
std::string actor_of(const Request& request);

}  // namespace anode::api::rest
