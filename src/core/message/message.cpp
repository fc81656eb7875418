#include "core/message/message.hpp"

#include <array>

namespace anode {
namespace {
constexpr std::array<std::string_view, 4> kKinds = {"set", "delete", "retract", "snapshot"};
}

std::string_view name(Kind kind) noexcept {
    return kKinds[static_cast<std::size_t>(kind) % kKinds.size()];
}

std::optional<Kind> parse_kind(std::string_view text) noexcept {
    for (std::size_t i = 0; i < kKinds.size(); ++i)
        if (kKinds[i] == text) return static_cast<Kind>(i);
    return std::nullopt;
}

}  // namespace anode
