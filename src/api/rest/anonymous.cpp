#include "api/rest/anonymous.hpp"

#include <string>
#include <vector>

#include "core/json/json.hpp"

namespace anode::api::rest {

namespace {

constexpr WallTime kKept = 10'000'000;

std::uint8_t bit(Role role) { return static_cast<std::uint8_t>(1U << static_cast<unsigned>(role)); }

/// Patterns by role. A caller has one set of patterns for all its roles, so reading and publishing can
/// only be granted together where they are granted alike; else reading alone is.
struct Grants {
    bool view = false;
    std::vector<Pattern> read, publish;

    void add(std::string_view grant) {
        if (grant.size() < 3 || grant[1] != ':') return;
        auto pattern = Pattern::parse(grant.substr(2));
        if (!pattern) return;
        if (grant[0] == 'V') view = true;
        if (grant[0] == 'S') read.push_back(std::move(*pattern));
        if (grant[0] == 'P') publish.push_back(std::move(*pattern));
    }
    [[nodiscard]] Caller caller() const {
        Caller caller;
        caller.all_topics = false;
        if (view) caller.roles |= bit(Role::Viewer);
        if (!read.empty()) caller.roles |= bit(Role::Subscriber);
        if (!publish.empty() && (read.empty() || read == publish))
            caller.roles |= bit(Role::Publisher);
        caller.topics = PatternSet(read.empty() ? publish : read);
        return caller;
    }
};

}  // namespace

Caller read_anonymous(BytesView config_json) {
    Grants grants;
    json::Document document;
    if (!document.parse(config_json)) return grants.caller();
    const json::Value items = document.root()["items"];
    for (json::Value item = items.first(); item; item = item.next_in(items)) {
        if (!item["key"].equals("auth.anonymous")) continue;
        const json::Value list = item["value"];
        for (json::Value v = list.first(); v; v = v.next_in(list)) grants.add(v.string());
    }
    return grants.caller();
}

Caller Anonymous::caller(WallTime now) {
    const std::lock_guard lock(mutex_);
    if (read_at_ == 0 || now < read_at_ || now - read_at_ > kKept) {
        caller_ = read_anonymous(node_.config());
        read_at_ = now;
    }
    return caller_;
}

}  // namespace anode::api::rest
