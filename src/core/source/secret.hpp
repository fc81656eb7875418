#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "base/result.hpp"

/// Secrets by reference: a definition names where a secret is kept, never the secret itself.
/// Source: recipes, section 1.
namespace anode::source {

/// `{ env = "NAME" }` or `{ file = "/run/…" }`.
struct SecretRef {
    enum class From : std::uint8_t { Env, File } from = From::Env;
    std::string name;  ///< of the variable, or the path
    friend bool operator==(const SecretRef&, const SecretRef&) = default;
};

/// Where secrets come from. The core reads no environment and no file, so whoever runs it brings
/// this. Thread: any. Errors: NotFound (names the reference, never a value).
class Secrets {
public:
    virtual ~Secrets() = default;
    /// The secret, without a line end at its end. Never logged, gossiped or shown by the caller.
    [[nodiscard]] virtual Result<std::string> value(const SecretRef& reference) const = 0;
};

}  // namespace anode::source
