#pragma once

#include <map>

#include "api/rest/answer.hpp"
#include "api/routes.hpp"
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

/// What one node has last told of itself on `$sys.stats.<node>`.
class NodeStats {
public:
    explicit NodeStats(Bytes text = {});
    NodeStats(const NodeStats&) = delete;
    NodeStats& operator=(const NodeStats&) = delete;
    [[nodiscard]] bool known() const noexcept { return !text_.empty(); }
    /// Member `as` of the object that is open, as the statistics have `name`; null if they do not.
    void write(json::Writer& out, std::string_view as, std::string_view name) const;
    void write(json::Writer& out, std::string_view name) const { write(out, name, name); }

private:
    Bytes text_;
    json::Document document_;
};

/// What all nodes have last told of themselves. Once a second each does, in its system lane, so every node has it anyway: to show
/// the others costs one look at the last values here and no question to anybody.
class AllStats {
public:
    explicit AllStats(const Store& store);
    [[nodiscard]] const NodeStats& of(std::string_view node) const;

private:
    std::map<std::string, NodeStats, std::less<>> nodes_;
    NodeStats nothing_;
};

/// A member as `/v1/nodes` shows it: what membership knows of it, and what it last told of its load.
Bytes node_json(const RouteContext& context, const MemberInfo& member, const AllStats& stats);

/// The body of a verb: a JSON object that holds no other members than these. An empty body is an empty object.
/// The document points into the request.
Read<void> read_body(const Request& request, json::Document& document,
                     std::initializer_list<std::string_view> known);

}  // namespace anode::api::rest
