#pragma once

#include <map>
#include <string>

#include "core/source/machine.hpp"
#include "store/store.hpp"

namespace anode::app {

/// What the sources need to go on where they stood: positions and the ids inside their windows, read from the newest
/// stored blocks.
/// Thread: any; reads the store and may take a second for each few million messages in the window.
/// Limits: at most `bytes_max` of blocks; ids of newer ones are then unknown, which may let repeats through, and positions
///         are those of the records, which may be half a second old.
std::map<std::string, source::Restored> restore_sources(const Store& store, WallTime since,
                                                        std::size_t bytes_max = 256u << 20);

}  // namespace anode::app
