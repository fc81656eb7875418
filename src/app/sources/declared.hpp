#pragma once

#include <string>

#include "base/bytes.hpp"

namespace anode::app {

/// A source as a configuration file declares it.
struct DeclaredSource {
    Bytes json;
    std::string origin;  ///< `FILE:LINE`
};

}  // namespace anode::app
