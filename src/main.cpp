#include "app/cli/cli.hpp"

int main(int argc, char** argv) { return anode::app::run_cli(argc, argv); }
