#include "core/expr/output.hpp"

#include "base/text.hpp"

namespace anode::expr {

namespace {

constexpr std::size_t kShownMax = 14;  ///< as many bytes of a value as jq shows in an error

Status append_list(Machine& machine, const List& list, Bytes& out) {
    out.push_back('[');
    for (std::size_t i = 0; i < list.size; ++i) {
        if (i != 0) out.push_back(',');
        if (append_json(machine, list.items[i], out) != Status::Value) return Status::Error;
    }
    out.push_back(']');
    return machine.take(list.size + 2) ? Status::Value : Status::Error;
}

Status append_dict(Machine& machine, const Dict& dict, Bytes& out) {
    out.push_back('{');
    for (std::size_t i = 0; i < dict.size; ++i) {
        if (i != 0) out.push_back(',');
        if (!machine.take(dict.members[i].name.size() + 4)) return Status::Error;
        text::append_json_string(out, dict.members[i].name);
        out.push_back(':');
        if (append_json(machine, dict.members[i].value, out) != Status::Value) return Status::Error;
    }
    out.push_back('}');
    return Status::Value;
}

Status append_source(Machine& machine, const json::Value& value, Bytes& out) {
    const std::size_t bytes = value.raw().size();
    if (!machine.take(bytes) || !machine.step_bytes(bytes)) return Status::Error;
    value.append_compact(out);
    return Status::Value;
}

}  // namespace

Status append_json(Machine& machine, const Val& value, Bytes& out) {
    if (const auto* source = std::get_if<json::Value>(&value.is))
        return append_source(machine, *source, out);
    if (const auto* list = std::get_if<List>(&value.is)) return append_list(machine, *list, out);
    if (const auto* dict = std::get_if<Dict>(&value.is)) return append_dict(machine, *dict, out);
    if (const auto* text = std::get_if<std::string_view>(&value.is)) {
        if (!machine.take(text->size()) || !machine.step_bytes(text->size())) return Status::Error;
        text::append_json_string(out, *text);
    } else if (const auto* number = std::get_if<double>(&value.is)) {
        append_number(out, *number);
    } else if (std::holds_alternative<Envelope>(value.is)) {
        Dict all;
        if (machine.dict(value, all) != Status::Value) return Status::Error;
        return append_dict(machine, all, out);
    } else {
        out.append(value.kind() == json::Type::Null ? "null" : value.truthy() ? "true" : "false");
    }
    return Status::Value;
}

Status to_text(Machine& machine, const Val& value, std::string_view& out) {
    if (value.kind() == json::Type::String) return machine.text(value, out);
    Bytes json;
    if (append_json(machine, value, json) != Status::Value) return Status::Error;
    return machine.keep(json, out);
}

std::string shown(const Val& value) {
    std::string json;
    if (const auto* source = std::get_if<json::Value>(&value.is)) {
        json = source->raw().substr(0, kShownMax + 1);
    } else {
        const Scope nothing;
        Machine machine(nothing, true);
        if (append_json(machine, value, json) != Status::Value) json += "…";
    }
    if (json.size() > kShownMax) {
        std::size_t cut = kShownMax - 3;
        while (cut > 0 && (static_cast<unsigned char>(json[cut]) & 0xc0) == 0x80) --cut;
        json.resize(cut);
        json += "...";
    }
    return std::string(kind_name(value.kind())) + " (" + json + ")";
}

}  // namespace anode::expr
