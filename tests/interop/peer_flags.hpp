#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "core/membership/config.hpp"
#include "core/membership/key_ring.hpp"

namespace anode::interop {

/// What the command line says.
struct Flags {
    membership::Config config;
    membership::KeyRing keys;
    std::string bind = "127.0.0.1";
    std::uint16_t port = 0;
    std::string advertise;
    std::uint16_t advertise_port = 0;
    std::vector<std::string> contacts;
    std::string state;
    unsigned members = 1;
    bool tcp = true;
    bool log = true;
    bool help = false;
};

/// Single or double dash, `-flag value` or `-flag=value`; switches take `=false`. Errors: Malformed, naming the flag.
Result<Flags> parse_flags(std::span<char* const> arguments);
/// base64, or hex with the prefix `hex:`; 16, 24 or 32 bytes. Errors: Malformed.
Result<Bytes> parse_key(std::string_view text);
/// What each flag does, for a person.
std::string help_text();

}  // namespace anode::interop
