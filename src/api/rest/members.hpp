#pragma once

#include "api/rest/answer.hpp"
#include "core/json/json.hpp"

/// What the documents about the cluster and its nodes share.
namespace anode::api::rest {

/// The view of the membership protocol; a Problem if the node is ending. For workers: it waits.
Read<ClusterView> read_view(ClusterDoor& cluster);
/// The member that is meant by its id, or by its name if only one goes by it; null if there is none.
const MemberInfo* find_member(const ClusterView& view, std::string_view id);
/// Whether somebody may still be talked to: a suspect has not been judged.
[[nodiscard]] bool lives(const MemberInfo& member) noexcept;
/// The members `id` to `key` of an object that is open.
void write_member(json::Writer& out, const MemberInfo& member);
/// `ok`, `warn` or `fail`: the worst of the node's checks.
std::string_view health_word(const NodeControl& node);

/// What this node has last told of itself on `$sys.stats.<node>`: once a second, so never old.
class OwnStats {
public:
    OwnStats(const Store& store, const NodeFacts& facts);
    /// Member `name` of the object that is open, as the statistics have it; null if they do not.
    void write(json::Writer& out, std::string_view name) const;

private:
    Bytes text_;
    json::Document document_;
};

/// The body of a verb: a JSON object that holds no other members than these. An empty body is an empty object.
/// The document points into the request.
Read<void> read_body(const Request& request, json::Document& document,
                     std::initializer_list<std::string_view> known);

}  // namespace anode::api::rest
