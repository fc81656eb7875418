#include "runtime/net_error.hpp"

#include <cerrno>
#include <cstring>

namespace anode {
namespace {

using source::ErrorClass;

Errc code_of(ErrorClass kind) {
    switch (kind) {
        case ErrorClass::Dns:
            return Errc::NotFound;
        case ErrorClass::Blocked:
            return Errc::Refused;
        case ErrorClass::Tls:
            return Errc::Refused;
        case ErrorClass::Timeout:
            return Errc::Timeout;
        case ErrorClass::Closed:
            return Errc::Closed;
        case ErrorClass::Protocol:
        case ErrorClass::Decode:
            return Errc::Malformed;
        case ErrorClass::TooLarge:
            return Errc::TooLarge;
        case ErrorClass::Overflow:
            return Errc::Overloaded;
        case ErrorClass::Internal:
            return Errc::Internal;
        default:
            return Errc::Io;
    }
}

}  // namespace

NetError net_error(ErrorClass kind, std::string what) {
    return {{code_of(kind), std::move(what)}, kind};
}

NetError socket_error(int error_number, std::string_view doing) {
    const ErrorClass kind = [&] {
        switch (error_number) {
            case ECONNREFUSED:
                return ErrorClass::Refused;
            case ENETUNREACH:
            case EHOSTUNREACH:
            case EADDRNOTAVAIL:
            case ENETDOWN:
            case EACCES:
            case EPERM:
                return ErrorClass::Unreachable;
            case ETIMEDOUT:
                return ErrorClass::Timeout;
            case ECONNRESET:
            case EPIPE:
                return ErrorClass::Reset;
            default:
                return ErrorClass::Internal;
        }
    }();
    NetError error = net_error(kind, std::string(doing) + ": " + std::strerror(error_number));
    if (kind == ErrorClass::Internal) error.code = Errc::Io;
    return error;
}

}  // namespace anode
