#include <iostream>

#include "sim/tool.hpp"

int main(int argc, char** argv) { return anode::sim::tool({argv + 1, argv + argc}, std::cout); }
