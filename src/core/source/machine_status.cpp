#include "core/source/machine_status.hpp"

#include <array>

#include "base/text.hpp"
#include "core/source/machine_io.hpp"

namespace anode::source {

std::string_view name(State state) noexcept {
    static constexpr std::array<std::string_view, 10> kNames{
        "disabled", "pending", "connecting", "subscribing", "live",
        "stale",    "backoff", "limited",    "failed",      "draining"};
    return kNames[static_cast<std::size_t>(state)];
}

std::string_view name(ErrorClass error) noexcept {
    static constexpr std::array<std::string_view, kErrorClasses> kNames{
        "dns",       "address-blocked", "refused",   "unreachable",
        "tls",       "timeout",         "reset",     "closed",
        "http",      "protocol",        "too-large", "decode",
        "malformed", "shape",           "handshake", "rejected",
        "feed",      "silence",         "stale",     "auth",
        "limited",   "unknown",         "overflow",  "definition",
        "internal"};
    static_assert(static_cast<std::size_t>(ErrorClass::Internal) + 1 == kErrorClasses);
    return kNames[static_cast<std::size_t>(error)];
}

std::string_view name(ItemState state) noexcept {
    static constexpr std::array<std::string_view, 4> kNames{"pending", "ok", "rejected", "lost"};
    return kNames[static_cast<std::size_t>(state)];
}

std::optional<std::string_view> find_header(HeaderView headers, std::string_view name) noexcept {
    for (const auto& [key, value] : headers) {
        if (text::iequals(key, name)) return std::string_view(value);
    }
    return std::nullopt;
}

}  // namespace anode::source
