#pragma once

#include <string>

#include "base/rng.hpp"

/// Words of the simulated people.
namespace anode::app::demo {

std::string person(Rng& rng);
std::string sentence(Rng& rng);
std::string article(Rng& rng);
std::string headline(Rng& rng);

}  // namespace anode::app::demo
