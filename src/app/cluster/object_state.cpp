#include "app/cluster/object_state.hpp"

#include "base/text.hpp"

namespace anode::app {

api::Failure failure_of(const Error& error) {
    using Why = api::Failure::Why;
    switch (error.code) {
        case Errc::Conflict:
            return {Why::Stale, error.what, {}};
        case Errc::NotFound:
            return {Why::NotFound, error.what, {}};
        case Errc::TooLarge:
            return {Why::TooLarge, error.what, {}};
        case Errc::Overloaded:
            return {Why::RateLimited, error.what, {}};
        case Errc::NoSpace:
            return {Why::Invalid, error.what, {}};
        default:
            return {Why::Unavailable, error.what, {}};
    }
}

void write_history(json::Writer& out, const std::vector<state::Earlier>& history) {
    out.key("history").begin_array();
    for (const auto& [item, lost] : history) {
        out.begin_object().member("version", item.version).member("etag", item.stamp.text());
        out.member("node", item.stamp.node.text());
        out.member("at", text::rfc3339(static_cast<WallTime>(item.stamp.hlc.millis()) * 1000));
        out.member("lost", lost).member("deleted", !item.value.has_value());
        if (lost && item.value) out.key("definition").raw(*item.value);
        out.end_object();
    }
    out.end_array();
}

}  // namespace anode::app
