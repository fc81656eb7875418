#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace anode {

/// Octets. A string, because payloads are text far more often than not.
using Bytes = std::string;
using BytesView = std::string_view;

}  // namespace anode
