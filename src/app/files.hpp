#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace anode::app {

/// Replaces a small file as a whole: after a crash there is the old one or the new one. Blocks until it is on the disk.
/// Errors: Io, NoSpace, with the path.
Result<void> write_file(const std::string& path, std::string_view text, mode_t mode);

}  // namespace anode::app
