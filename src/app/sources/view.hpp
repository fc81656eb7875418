#pragma once

#include "app/sources/book.hpp"
#include "app/sources/runner.hpp"

/// Sources as the API shows them. Source: interfaces, section 10.
namespace anode::app {

/// The flat document: the definition's keys (secrets hidden), then state. `runner` may be null (disabled).
Bytes source_json(const SourceEntry& entry, const SourceRunner* runner, std::string_view node,
                  const source::Secrets& secrets);
Bytes events_json(const SourceRunner* runner);
Bytes errors_json(const SourceRunner* runner);
Bytes items_json(const SourceRunner* runner);
Bytes samples_json(const SourceRunner* runner);
/// `steps` of a status, for `:test`.
void write_steps(json::Writer& out, const source::Status& status);

}  // namespace anode::app
