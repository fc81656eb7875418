#include "api/rest/members.hpp"

#include <algorithm>

#include "api/rest/await.hpp"
#include "base/text.hpp"

namespace anode::api::rest {

using membership::MemberState;

namespace {

constexpr std::string_view kStats = "$sys.stats.";
constexpr std::size_t kNodesMax = 10'000;

void write_milliseconds(json::Writer& out, std::string_view name, Duration time) {
    out.key(name);
    if (time <= 0ns)
        out.null();
    else
        out.value(std::chrono::duration<double, std::milli>(time).count());
}

}  // namespace

Read<ClusterView> read_view(ClusterDoor& cluster) {
    auto view = await<ClusterView>(
        [&cluster](Reply<ClusterView> reply) { cluster.view(std::move(reply)); });
    if (view) return std::move(*view);
    return refuse({503, "not-ready", "the membership protocol does not answer", {}, 1000, {}});
}

const MemberInfo* find_member(const ClusterView& view, std::string_view id) {
    const auto by_id = std::ranges::find(view.members, id, &MemberInfo::id);
    if (by_id != view.members.end()) return &*by_id;
    const auto named = [id](const MemberInfo& member) { return member.name == id; };
    const auto found = std::ranges::find_if(view.members, named);
    if (found == view.members.end()) return nullptr;
    return std::ranges::count_if(view.members, named) == 1 ? &*found : nullptr;
}

bool lives(const MemberInfo& member) noexcept {
    return member.state == MemberState::Alive || member.state == MemberState::Suspect;
}

void write_member(json::Writer& out, const MemberInfo& member) {
    // A suspicion is no verdict: whoever reads `state` only must not take its member for lost.
    const std::string_view state = lives(member) ? "alive" : membership::name_of(member.state);
    out.member("id", member.id).member("name", member.name);
    out.member("kind", member.foreign ? "foreign" : "node").member("self", member.self);
    out.member("state", state).member("suspect", member.state == MemberState::Suspect);
    out.member("draining", member.draining).member("zone", member.zone);
    out.member("version", member.version).member("address", member.address);
    out.member("url", member.url).member("incarnation", std::uint64_t{member.incarnation});
    out.member("epoch", member.epoch).member("since", text::rfc3339(member.since));
    write_milliseconds(out, "rtt_ms", member.rtt);
    out.key("key");
    if (member.key.empty())
        out.null();
    else
        out.value(member.key);
}

std::string_view health_word(const NodeControl& node) {
    std::string_view word = "ok";
    for (const Check& check : node.health()) {
        if (check.status == "fail") return "fail";
        if (check.status == "warn") word = "warn";
    }
    return word;
}

NodeStats::NodeStats(Bytes text) : text_(std::move(text)) {
    if (!text_.empty() && (!document_.parse(text_) || !document_.root().is_object())) text_.clear();
}

AllStats::AllStats(const Store& store) {
    const auto found = store.last(*PatternSet::parse(std::string(kStats) + "*"), kNodesMax);
    if (!found) return;
    for (const Found& one : *found) {
        const Entry entry = one.block->entry(one.index);
        if (entry.topic.starts_with(kStats))
            nodes_.try_emplace(std::string(entry.topic.substr(kStats.size())),
                               Bytes(entry.payload));
    }
}

const NodeStats& AllStats::of(std::string_view node) const {
    const auto found = nodes_.find(node);
    return found == nodes_.end() ? nothing_ : found->second;
}

void NodeStats::write(json::Writer& out, std::string_view as, std::string_view name) const {
    out.key(as);
    const json::Value value = text_.empty() ? json::Value{} : document_.root()[name];
    if (value)
        out.raw(value.raw());
    else
        out.null();
}

Read<void> read_body(const Request& request, json::Document& document,
                     std::initializer_list<std::string_view> known) {
    if (auto problem = wrong_body_type(request)) return refuse(std::move(*problem));
    const std::string_view body = request.body.empty() ? "{}" : std::string_view(request.body);
    if (const auto parsed = document.parse(body); !parsed)
        return refuse(Problem::bad_json(parsed.error().what));
    const json::Value root = document.root();
    if (!root.is_object()) return refuse(Problem::invalid("a JSON object is expected"));
    for (json::Value member = root.first(); member; member = member.next_in(root))
        if (std::ranges::find(known, member.name()) == known.end())
            return refuse_member(member.name(), "unknown member");
    return {};
}

}  // namespace anode::api::rest
