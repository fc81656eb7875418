#pragma once

#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace anode::app {

class Engine;

/// The node's timeline: gaps, events and audit entries, each a message on a system topic.
/// Thread: any. Source: interfaces, sections 3, 5 and 15.
class Ledger {
public:
    explicit Ledger(Engine& engine, std::string node) : engine_(engine), node_(std::move(node)) {}

    /// Gives the hole an id `g-…` and writes it to `$sys.gap`. `members` are JSON members such as
    /// `"source":"okx","lost":3`, or empty.
    std::string gap(std::string_view scope, std::string_view reason, std::string_view members);
    /// `$sys.event.<kind>`: `members` as above.
    void event(std::string_view kind, std::string_view members);
    /// `$sys.audit`: who did what to which object. Behind a tab the actor may tell from where, as requests of the API do.
    void audit(std::string_view actor, std::string_view action, std::string_view object,
               std::string_view members = {});

private:
    Engine& engine_;
    std::string node_;
};

}  // namespace anode::app
