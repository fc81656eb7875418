#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "api/doors.hpp"
#include "base/bytes.hpp"
#include "core/source/definition.hpp"
#include "core/source/egress.hpp"

namespace anode::app {

/// A definition as it is kept: its own text, and what became of it.
struct SourceEntry {
    std::string name;
    Bytes json;  ///< compact, secrets as references
    std::shared_ptr<const source::Definition> definition;
    std::uint64_t version = 1;
    std::string origin = "api";  ///< or `FILE:LINE`
    bool from_file = false;
    std::string declared_by;  ///< the node whose file declares it
    std::string moved_to;     ///< node that an operator pinned it to; empty: none
    std::string stamp;        ///< of the register it lies in; empty: it lies in none yet

    /// The same on every node that holds the same version.
    [[nodiscard]] std::string etag() const;
};

/// Others bring its messages, to any node: it has no owner.
[[nodiscard]] inline bool is_pushed(const source::Definition& definition) noexcept {
    return definition.type == source::Type::Webhook;
}

/// Checks a definition beyond its grammar: every address that can be told beforehand must be one that sources may reach.
api::Outcome<std::shared_ptr<const source::Definition>> check_definition(
    const json::Value& tree, const EgressPolicy& egress);

/// What a write makes of the present entry (null: there is none). Nothing is changed.
api::Outcome<SourceEntry> apply_write(const api::Write& write, const SourceEntry* present,
                                      const EgressPolicy& egress);

/// The form in which the small state holds an entry; version and stamp are those of its register.
Bytes encode_entry(const SourceEntry& entry);
/// Back again. Malformed if this version cannot read the definition any more (the text is in the error).
Result<SourceEntry> decode_entry(std::string name, BytesView record);

}  // namespace anode::app
