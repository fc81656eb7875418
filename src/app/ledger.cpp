#include "app/ledger.hpp"

#include "app/engine.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"
#include "runtime/clock.hpp"
#include "runtime/random.hpp"

namespace anode::app {
namespace {

/// `{"at":"…","node":"…",` and what follows; the caller closes the object.
Bytes opened(std::string_view node) {
    Bytes json = "{\"at\":";
    text::append_json_string(json, text::rfc3339(wall_now()));
    json += ",\"node\":";
    text::append_json_string(json, node);
    return json;
}

void append_member(Bytes& json, std::string_view name, std::string_view value) {
    json += ',';
    text::append_json_string(json, name);
    json += ':';
    text::append_json_string(json, value);
}

void close(Bytes& json, std::string_view members) {
    if (!members.empty()) json.append(",").append(members);
    json += '}';
}

}  // namespace

std::string Ledger::gap(std::string_view scope, std::string_view reason, std::string_view members) {
    std::uint8_t random[5];
    os_random(random);
    std::string id = "g-" + text::hex({reinterpret_cast<const char*>(random), sizeof random});
    Bytes json = opened(node_);
    append_member(json, "gap", id);
    append_member(json, "scope", scope);
    append_member(json, "reason", reason);
    close(json, members);
    engine_.system_message("$sys.gap", std::move(json));
    return id;
}

void Ledger::event(std::string_view kind, std::string_view members) {
    Bytes json = opened(node_);
    append_member(json, "kind", kind);
    close(json, members);
    engine_.system_message("$sys.event." + std::string(kind), std::move(json));
}

void Ledger::audit(std::string_view actor, std::string_view action, std::string_view object,
                   std::string_view members) {
    Bytes json = opened(node_);
    const std::size_t tab = actor.rfind('\t');
    append_member(json, "actor", actor.substr(0, tab));
    if (tab != std::string_view::npos) append_member(json, "from", actor.substr(tab + 1));
    append_member(json, "action", action);
    append_member(json, "object", object);
    append_member(json, "outcome", "ok");
    close(json, members);
    engine_.system_message("$sys.audit", std::move(json));
}

}  // namespace anode::app
