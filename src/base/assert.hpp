#pragma once

namespace anode {

/// Prints the broken invariant with its place and aborts. On in every build.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace anode

/// A bug detector: what must hold here, or the process ends. Never for operating errors.
#define ANODE_ASSERT(condition)                          \
    (static_cast<bool>(condition) ? static_cast<void>(0) \
                                  : ::anode::assertion_failed(#condition, __FILE__, __LINE__))
