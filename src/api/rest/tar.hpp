#pragma once

#include <string_view>

#include "base/bytes.hpp"
#include "base/time.hpp"

namespace anode::api::rest {

/// Writes a tar archive into memory, regular files only.
/// Limits: a name has at most 99 bytes of ASCII, a file less than 8 GiB.
/// Source: POSIX.1-2017, pax, "ustar Interchange Format".
class TarWriter {
public:
    explicit TarWriter(Bytes& out) : out_(out) {}
    void add(std::string_view name, BytesView content, WallTime at);
    /// Nothing may follow.
    void finish();

private:
    Bytes& out_;
};

}  // namespace anode::api::rest
