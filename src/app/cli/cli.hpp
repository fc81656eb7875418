#pragma once

namespace anode::app {

/// The command line, from `main`. The answer is the exit code (interfaces, section 11).
int run_cli(int argc, char** argv);

}  // namespace anode::app
