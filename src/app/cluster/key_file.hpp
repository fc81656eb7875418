#pragma once

#include <string>

#include "app/config/config.hpp"
#include "base/result.hpp"
#include "core/membership/key_ring.hpp"
#include "core/source/secret.hpp"

namespace anode::app {

/// What a key of the configuration names as a secret (`{ env = … }`, `{ file = … }`). Errors name the key, never the value.
struct ConfigSecret {
    std::string text;
    std::string path;  ///< empty: it did not come from a file

    static Result<ConfigSecret> read(const Config& config, std::string_view key,
                                     const source::Secrets& secrets);
};

/// Where the node's key ring comes from, and goes to when the cluster changes it.
struct KeyFile {
    membership::KeyRing ring;  ///< as read; empty: the node speaks clear text
    std::string path;          ///< empty: it did not come from a file, so a change is not kept

    /// Reads what `gossip.keyring` names. Errors name the key, and never show what was read.
    static Result<KeyFile> read(const Config& config, const source::Secrets& secrets);
    /// Replaces the file, mode 0600. Blocks. Errors: Io, NoSpace.
    static Result<void> write(const std::string& path, const membership::KeyRing& ring);
};

}  // namespace anode::app
