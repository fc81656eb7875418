#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/source/template.hpp"

/// What text and JSON templates share. Only for this folder.
namespace anode::source {

/// A field as a placeholder finds it: in the frame or row (`value`), or as text.
struct FoundField {
    json::Value value;
    std::string_view text;
    bool present = false;
};
/// Asks the row, what was copied down to it, what was mapped, and captured variables, in this order. Items come before.
FoundField find_field(const Template::Part& part, const Context& context);

Result<std::string> secret_text(const SecretRef& reference, const Context& context);

/// `{"env":"NAME"}` or `{"file":"/…"}`: an object with this one member, of this look.
std::optional<SecretRef> read_secret(const json::Value& value);

}  // namespace anode::source
