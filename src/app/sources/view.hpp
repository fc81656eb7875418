#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/cluster/owners.hpp"
#include "app/sources/book.hpp"
#include "app/sources/runner.hpp"
#include "core/message/hlc.hpp"
#include "core/state/state.hpp"

/// Sources as the API shows them. Source: interfaces, section 10.
namespace anode::app {

/// What the owner of a source said last, if it is another node.
struct SourceTold {
    Hlc at;
    std::string node, state, why;
};
/// Who runs a source.
struct SourcePlace {
    std::string_view role;          ///< of this node
    std::string owner, owner_name;  ///< empty: nobody yet
    std::uint64_t term = 0;
    std::vector<std::string> candidates;  ///< best first
    std::optional<std::string>
        standby;  ///< who stands by with a connection, if one is wanted; "" = nobody can
    const SourceTold* told = nullptr;
};
[[nodiscard]] std::string_view role_name(Owners::Role role) noexcept;

/// The flat document: the definition's keys (secrets hidden), then state. `runner` may be null: it does not run here.
Bytes source_json(const SourceEntry& entry, const SourceRunner* runner, const SourcePlace& place,
                  const source::Secrets& secrets);
/// What its register held before, newest first.
Bytes history_json(const std::vector<state::Earlier>& earlier, const source::Secrets& secrets);
Bytes events_json(const SourceRunner* runner);
Bytes errors_json(const SourceRunner* runner);
Bytes items_json(const SourceRunner* runner);
Bytes samples_json(const SourceRunner* runner);
/// `steps` of a status, for `:test`.
void write_steps(json::Writer& out, const source::Status& status);

}  // namespace anode::app
