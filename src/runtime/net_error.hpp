#pragma once

#include <expected>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "core/source/machine_status.hpp"

namespace anode {

/// An error of the network with the class that sources count it by. Converts to a plain Error.
struct NetError : Error {
    source::ErrorClass kind = source::ErrorClass::Internal;
};
template <class T>
using NetResult = std::expected<T, NetError>;

NetError net_error(source::ErrorClass kind, std::string what);
/// What `errno` of a socket call means. `doing` begins the words: `connect: Connection refused`.
NetError socket_error(int error_number, std::string_view doing);

}  // namespace anode
