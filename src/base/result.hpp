#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <utility>

namespace anode {

enum class Errc : std::uint8_t {
    Truncated,    ///< Input ends early. Read more, then retry.
    TooLarge,     ///< A declared or actual size passes its limit.
    TooDeep,      ///< Nesting passes its limit.
    Malformed,    ///< The input breaks its grammar.
    Unsupported,  ///< Well formed, but nothing we do.
    Refused,      ///< Policy says no.
    NotFound,
    Exists,
    Conflict,    ///< The state does not allow it.
    Closed,      ///< The other side ended, or we are ending.
    Overloaded,  ///< A bounded queue is full. Try later.
    Corrupt,     ///< A checksum does not match.
    Io,          ///< The operating system or a library failed.
    NoSpace,
    Timeout,
    Internal,
};

/// An operating error: a code to branch on and words for a person (they name the place).
struct Error {
    Errc code = Errc::Internal;
    std::string what;
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Errc code, std::string what) {
    return std::unexpected(Error{code, std::move(what)});
}

}  // namespace anode
