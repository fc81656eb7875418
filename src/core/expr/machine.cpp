#include "core/expr/machine.hpp"

#include <algorithm>
#include <memory>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "core/expr/output.hpp"

namespace anode::expr {

using json::Type;

namespace {
constexpr std::size_t kFewMembers = 16;  ///< up to here looking at each name beats hashing
constexpr std::size_t kMemoryFloor = 4 << 20;
}  // namespace

Machine::Machine(const Scope& scope, bool quiet) noexcept
    : scope_(scope),
      bytes_(kMemoryFloor + 4 * (scope.root.raw().size() + scope.binary.size())),
      quiet_(quiet),
      memory_(first_.data(), first_.size()) {}

bool Machine::out_of_budget() {
    exhausted_ = true;
    steps_ = 0;
    fail([] { return "the evaluation needs more than 10,000 steps"; });
    return false;
}

bool Machine::take(std::size_t bytes) {
    if (bytes <= bytes_) {
        bytes_ -= bytes;
        return true;
    }
    exhausted_ = true;
    bytes_ = 0;
    fail([] { return "the evaluation needs more memory than it may have"; });
    return false;
}

void* Machine::bytes(std::size_t count) {
    return take(count) ? memory_.allocate(count, 16) : nullptr;
}

Val* Machine::values(std::size_t count) {
    if (count > bytes_ / sizeof(Val)) return take(bytes_ + 1), nullptr;
    auto* const raw = static_cast<Val*>(bytes(count * sizeof(Val)));
    if (raw != nullptr) std::uninitialized_default_construct_n(raw, count);
    return raw;
}

Member* Machine::members(std::size_t count) {
    if (count > bytes_ / sizeof(Member)) return take(bytes_ + 1), nullptr;
    auto* const raw = static_cast<Member*>(bytes(count * sizeof(Member)));
    if (raw != nullptr) std::uninitialized_default_construct_n(raw, count);
    return raw;
}

Status Machine::keep(std::string_view text, std::string_view& out) {
    auto* const copy = static_cast<char*>(bytes(text.size() + 1));
    if (copy == nullptr || !step_bytes(text.size())) return Status::Error;
    text.copy(copy, text.size());
    out = {copy, text.size()};
    return Status::Value;
}

Status Machine::text(const Val& string, std::string_view& out) {
    if (const auto* own = std::get_if<std::string_view>(&string.is)) {
        out = *own;
    } else if (const auto* value = std::get_if<json::Value>(&string.is)) {
        const auto plain = value->plain();
        if (!plain) return keep(value->string(), out);
        out = *plain;
    }
    return step_bytes(out.size()) ? Status::Value : Status::Error;
}

Status Machine::list(const Val& container, List& out) {
    if (const auto* own = std::get_if<List>(&container.is)) return out = *own, Status::Value;
    if (container.kind() == Type::Object) {
        Dict from;
        if (const Status status = dict(container, from); status != Status::Value) return status;
        Val* const items = values(from.size);
        if (items == nullptr) return Status::Error;
        for (std::size_t i = 0; i < from.size; ++i) items[i] = from.members[i].value;
        return out = {items, from.size}, Status::Value;
    }
    const auto* const value = std::get_if<json::Value>(&container.is);
    if (value == nullptr || !value->is_array()) {
        return fail([&] { return "Cannot iterate over " + shown(container); });
    }
    if (!step_members(value->size())) return Status::Error;
    Val* const items = values(value->size());
    if (items == nullptr) return Status::Error;
    std::size_t count = 0;
    for (json::Value v = value->first(); v; v = v.next_in(*value)) items[count++] = v;
    return out = {items, count}, Status::Value;
}

Status Machine::dict(const Val& object, Dict& out) {
    if (const auto* own = std::get_if<Dict>(&object.is)) return out = *own, Status::Value;
    if (std::holds_alternative<Envelope>(object.is)) return envelope(out);
    const auto* const value = std::get_if<json::Value>(&object.is);
    ANODE_ASSERT(value != nullptr && value->is_object());
    if (!step_members(value->size())) return Status::Error;
    DictBuilder builder(*this, value->size());
    if (!builder.good()) return Status::Error;
    for (json::Value v = value->first(); v; v = v.next_in(*value)) {
        std::string_view name;
        if (const auto plain = v.plain_name()) {
            name = *plain;
        } else if (keep(v.name(), name) != Status::Value) {
            return Status::Error;
        }
        builder.set(name, v);
    }
    return out = builder.finish(), Status::Value;
}

Status Machine::member(const Val& object, std::string_view name, Val& out) {
    if (const auto* value = std::get_if<json::Value>(&object.is)) {
        if (value->is_object()) {
            if (!step_members(value->size())) return Status::Error;
            return out = value->find(name), Status::Value;
        }
        if (value->is_null()) return out = Val(), Status::Value;
    } else if (const auto* own = std::get_if<Dict>(&object.is)) {
        if (!step_members(own->size)) return Status::Error;
        out = Val();
        for (const Member& m : *own) {
            if (m.name == name) out = m.value;
        }
        return Status::Value;
    } else if (std::holds_alternative<Envelope>(object.is)) {
        return out = envelope_member(name), exhausted_ ? Status::Error : Status::Value;
    } else if (object.kind() == Type::Null) {
        return out = Val(), Status::Value;
    }
    return fail([&] {
        return "Cannot index " + std::string(kind_name(object.kind())) + " with string " +
               text::json_string(name);
    });
}

Status Machine::element(const Val& array, std::int64_t index, Val& out) {
    const Type kind = array.kind();
    if (kind == Type::Null) return out = Val(), Status::Value;
    if (kind != Type::Array) {
        return fail(
            [&] { return "Cannot index " + std::string(kind_name(kind)) + " with number"; });
    }
    std::size_t count = 0;
    if (size(array, count) != Status::Value) return Status::Error;
    if (index < 0) index += static_cast<std::int64_t>(count);
    out = Val();
    if (index < 0 || static_cast<std::size_t>(index) >= count) return Status::Value;
    const auto at = static_cast<std::size_t>(index);
    if (const auto* own = std::get_if<List>(&array.is)) return out = own->items[at], Status::Value;
    if (!step_members(at)) return Status::Error;
    out = std::get<json::Value>(array.is).at(static_cast<std::uint32_t>(at));
    return Status::Value;
}

Status Machine::size(const Val& container, std::size_t& out) {
    if (const auto* own = std::get_if<List>(&container.is)) return out = own->size, Status::Value;
    if (container.kind() == Type::Array)
        return out = std::get<json::Value>(container.is).size(), Status::Value;
    Dict all;
    if (dict(container, all) != Status::Value) return Status::Error;
    return out = all.size, Status::Value;
}

// -- the envelope --------------------------------------------------------------------------------

Val Machine::tokens() {
    const std::string_view topic = scope_.topic;
    const auto parts = text::split(topic, '.');
    Val* const items = values(parts.size());
    if (items == nullptr) return {};
    for (std::size_t i = 0; i < parts.size(); ++i) items[i] = Val(parts[i]);
    return List{items, parts.size()};
}

Val Machine::envelope_member(std::string_view name) {
    const auto text_or_null = [](std::string_view text) {
        return text.empty() ? Val() : Val(text);
    };
    if (name == "data") return scope_.root;
    if (name == "topic") return scope_.topic;
    if (name == "tokens") return tokens();
    if (name == "ts") return static_cast<double>(scope_.ts);
    if (name == "src") return text_or_null(scope_.source);
    if (name == "node") return text_or_null(scope_.node);
    if (name == "key") return text_or_null(scope_.key);
    if (name == "id") return text_or_null(scope_.id);
    if (name == "kind") return text_or_null(scope_.kind);
    if (name == "sts")
        return scope_.source_time ? Val(static_cast<double>(*scope_.source_time)) : Val();
    if (name == "ct") return text_or_null(scope_.content_type);
    if (name == "b64" && !scope_.content_type.empty()) {
        std::string_view kept;
        return keep(text::base64(scope_.binary), kept) == Status::Value ? Val(kept) : Val();
    }
    return {};
}

Status Machine::envelope(Dict& out) {
    static constexpr std::array<std::string_view, 12> kNames = {
        "id", "topic", "ts", "src", "node", "key", "kind", "sts", "data", "b64", "ct", "tokens"};
    DictBuilder builder(*this, kNames.size());
    if (!builder.good()) return Status::Error;
    for (const std::string_view name : kNames) {
        const Val value = envelope_member(name);
        const bool there = name == "data" ? scope_.root.present() : value.kind() != Type::Null;
        if (there) builder.set(name, value);
    }
    if (exhausted_) return Status::Error;
    return out = builder.finish(), Status::Value;
}

// -- DictBuilder ---------------------------------------------------------------------------------

Member* DictBuilder::find(std::string_view name) {
    if (size_ <= kFewMembers) {
        const auto same = [&](std::string_view other) {
            return other.size() == name.size() &&
                   (name.empty() || (other.front() == name.front() && other == name));
        };
        for (std::size_t i = 0; i < size_; ++i) {
            if (same(members_[i].name)) return members_ + i;
        }
        return nullptr;
    }
    for (std::size_t i = places_.size(); i < size_; ++i) places_.emplace(members_[i].name, i);
    const auto place = places_.find(name);
    return place == places_.end() ? nullptr : members_ + place->second;
}

void DictBuilder::start_with(const Dict& dict) {
    ANODE_ASSERT(size_ == 0 && dict.size <= room_);
    std::copy(dict.begin(), dict.end(), members_);
    size_ = dict.size;
}

void DictBuilder::set(std::string_view name, const Val& value) {
    if (Member* const there = find(name)) {
        there->value = value;
        return;
    }
    ANODE_ASSERT(size_ < room_);
    members_[size_++] = {name, value};
}

}  // namespace anode::expr
