#include <openssl/crypto.h>

#include "base/text.hpp"
#include "core/json/json.hpp"
#include "core/membership/key_ring.hpp"

namespace anode::membership {

namespace {

Result<void> add_key(KeyRing& ring, json::Value value, std::uint32_t index) {
    const std::string place = "keys[" + std::to_string(index) + "]: ";
    if (!value.is_string()) return fail(Errc::Malformed, place + "not a text");
    std::string coded = value.string();
    std::optional<Bytes> key = text::from_base64(coded);
    OPENSSL_cleanse(coded.data(), coded.size());
    if (!key) return fail(Errc::Malformed, place + "not base64");
    const Result<void> added = ring.add(*key);
    OPENSSL_cleanse(key->data(), key->size());
    if (!added) return fail(Errc::Malformed, place + added.error().what);
    return {};
}

Result<void> check_names(json::Value object) {
    for (json::Value v = object.first(); v; v = v.next_in(object)) {
        if (v.is_named("keys") || v.is_named("primary")) continue;
        return fail(Errc::Malformed, "key ring: unknown member " + text::printable(v.name()));
    }
    return {};
}

}  // namespace

Result<KeyRing> parse_key_ring(std::string_view json) {
    json::Document document;
    if (const auto parsed = document.parse(json); !parsed) {
        return fail(Errc::Malformed, "key ring: " + parsed.error().what);
    }
    const json::Value root = document.root();
    if (!root.is_object()) return fail(Errc::Malformed, "key ring: not an object");
    if (const auto known = check_names(root); !known) return std::unexpected(known.error());
    const json::Value keys = root["keys"];
    if (!keys.is_array() || keys.size() == 0) {
        return fail(Errc::Malformed, "keys: an array of one key at least is wanted");
    }
    KeyRing ring;
    std::uint32_t index = 0;
    for (json::Value v = keys.first(); v; v = v.next_in(keys)) {
        if (const auto added = add_key(ring, v, index++); !added) {
            return std::unexpected(added.error());
        }
        // A doubled key would shift what `primary` counts.
        if (ring.size() != index) {
            return fail(Errc::Malformed, "keys[" + std::to_string(index - 1) + "]: there already");
        }
    }
    if (!root["primary"]) return ring;
    const auto primary = root["primary"].integer();
    if (!primary || *primary < 0 || static_cast<std::uint64_t>(*primary) >= ring.size()) {
        return fail(Errc::Malformed, "primary: no index of a key");
    }
    if (const auto used = ring.use(ring.fingerprints()[static_cast<std::size_t>(*primary)]);
        !used) {
        return std::unexpected(used.error());
    }
    return ring;
}

std::string key_ring_json(const KeyRing& ring) {
    std::string out;
    json::Writer writer(out);
    writer.begin_object().key("keys").begin_array();
    std::vector<Bytes> keys = ring.keys();
    for (Bytes& key : keys) {
        std::string coded = text::base64(key);
        writer.value(coded);
        OPENSSL_cleanse(coded.data(), coded.size());
        OPENSSL_cleanse(key.data(), key.size());
    }
    writer.end_array().member("primary", 0).end_object();
    return out;
}

}  // namespace anode::membership
