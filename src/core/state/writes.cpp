#include "core/state/writes.hpp"

#include <algorithm>

namespace anode::state {

namespace {
constexpr std::string_view kUncounted = "owner";
}

Hlc Writes::stamp() {
    HlcClock clock(s_.last);
    return s_.last = clock.tick(s_.now.wall);
}

bool Writes::take_token(std::string_view kind) {
    if (kind == kUncounted) return true;
    const auto rate = static_cast<double>(s_.limits.writes_per_second);
    if (filled_) tokens_ += rate * std::chrono::duration<double>(s_.now.mono - *filled_).count();
    filled_ = s_.now.mono;
    tokens_ = std::min(tokens_, static_cast<double>(s_.limits.write_burst));
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
}

Result<void> Writes::check(const Write& write, const Item* held) {
    if (write.kind.empty() || write.key.empty())
        return fail(Errc::Malformed, "state: kind and key must not be empty");
    if (write.kind.size() > kKindMax) return fail(Errc::TooLarge, "state: kind");
    if (write.key.size() > kKeyMax) return fail(Errc::TooLarge, "state: key");
    if (write.value && write.value->size() > s_.limits.value_max)
        return fail(Errc::TooLarge, "state: value");
    const bool living = held && held->value;
    if (write.if_stamp && *write.if_stamp != (living ? held->stamp.text() : ""))
        return fail(Errc::Conflict, "state: the register has changed");
    if (!write.value && !write.revoke && !living)
        return fail(Errc::NotFound, "state: nothing to delete");
    if (!held && s_.registers.keys() >= s_.limits.keys_max)
        return fail(Errc::NoSpace, "state: too many keys");
    const std::size_t before = held ? weight(*held) : 0;
    const std::size_t after = before && !write.value
                                  ? before
                                  : weight(Item{write.kind, write.key, write.value, 1, false, {}});
    if (after > before && s_.registers.bytes() - before + after > s_.limits.bytes_max)
        return fail(Errc::NoSpace, "state: too many bytes");
    if (!write.adopted && !take_token(write.kind))
        return fail(Errc::Overloaded, "state: too many writes a second");
    return {};
}

void Writes::handle(const Write& write) {
    const Item* held = s_.registers.find({write.kind, write.key});
    if (auto checked = check(write, held); !checked) {
        s_.out->push_back(Written{write.id, std::unexpected(std::move(checked.error()))});
        return;
    }
    Item item{write.kind, write.key, write.value, held ? held->version + 1 : 1, write.revoke, {}};
    if (write.revoke && !write.value && held) item.value = held->value;
    commit(std::move(item), write.id);
}

void Writes::again(const Item& item) {
    const Item* held = s_.registers.find(view(item));
    Item fresh = item;
    fresh.version = std::max(held ? held->version : 0, item.version) + 1;
    commit(std::move(fresh), 0);
}

void Writes::commit(Item item, std::uint64_t id) {
    item.stamp = {stamp(), s_.self};
    const Key key{item.kind, item.key};
    s_.registers.merge(std::move(item), *s_.out);
    const Item& held = *s_.registers.find(view(key));
    s_.out->push_back(Spread{id, encode(held)});
    s_.out->push_back(Changed{held, true});
    if (id != 0) s_.out->push_back(Written{id, held});
}

}  // namespace anode::state
