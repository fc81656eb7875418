#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

/// Sockets that wait for connections.
namespace anode::api {

struct Listening {
    int fd = -1;
    std::string address;  ///< with the real port; the path for a Unix socket
    bool unix_socket = false;
};

/// Binds `host:port` or `[v6]:port`; port 0 takes a free one. Errors name the address: Conflict (in use), Io, Malformed.
Result<Listening> listen_tcp(std::string_view address);
/// Binds a Unix socket of mode 0660. A file left by a dead process is replaced; one that is in use is Conflict.
Result<Listening> listen_unix(const std::string& path);

/// The text of a socket's address: the peer's, or our own end of it. Without the port.
std::string peer_address(int fd);
std::string local_address(int fd);
/// Who opened the other end of a Unix socket: `unix:root`, or its number as in `unix:uid-1000`.
std::string unix_peer(int fd);

}  // namespace anode::api
