#include "core/mesh/types.hpp"

#include "core/mesh/input.hpp"

namespace anode::mesh {

std::string_view name_of(Purpose purpose) noexcept {
    switch (purpose) {
        case Purpose::Main:
            return "main";
        case Purpose::Bulk:
            return "bulk";
        case Purpose::Audit:
            return "audit";
    }
    return "";
}

std::string_view name_of(Skip why) noexcept {
    switch (why) {
        case Skip::Missing:
            return "missing";
        case Skip::Evicted:
            return "evicted";
        case Skip::Expired:
            return "expired";
        case Skip::Lost:
            return "lost";
        case Skip::BeforeJoin:
            return "before-join";
        case Skip::Unreadable:
            return "unreadable";
    }
    return "";
}

std::string_view name_of(LinkEnd end) noexcept {
    switch (end) {
        case LinkEnd::Closed:
            return "closed";
        case LinkEnd::Reset:
            return "reset";
        case LinkEnd::Refused:
            return "refused";
        case LinkEnd::TimedOut:
            return "timed-out";
        case LinkEnd::Untrusted:
            return "untrusted";
    }
    return "";
}

}  // namespace anode::mesh
