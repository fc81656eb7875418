#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "core/source/sign.hpp"

/// What the signers share. Only for this folder.
namespace anode::source {

/// Sets a header, in place of one of the same name.
void put_header(Outgoing& request, std::string_view name, std::string value);
/// Where a signature or token goes.
void put_into(Outgoing& request, const Into& into, std::string value);
Result<std::string> secret_value(const SecretRef& reference, const Context& context);

}  // namespace anode::source
