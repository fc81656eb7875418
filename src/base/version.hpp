#pragma once

namespace anode {
inline constexpr const char* kVersion = "0.1.0";
}
