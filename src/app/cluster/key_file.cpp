#include "app/cluster/key_file.hpp"

#include "app/files.hpp"
#include "core/json/json.hpp"

namespace anode::app {
namespace {

constexpr std::string_view kKey = "gossip.keyring";

Error about_key(std::string_view key, const Error& error) {
    return {error.code, std::string(key) + ": " + error.what};
}

}  // namespace

Result<ConfigSecret> ConfigSecret::read(const Config& config, std::string_view key,
                                        const source::Secrets& secrets) {
    json::Document document;
    if (const auto parsed = document.parse(config.settings().find(key)->second.json); !parsed)
        return std::unexpected(about_key(key, parsed.error()));
    const json::Value where = document.root().first();
    ConfigSecret secret;
    source::SecretRef reference;
    reference.name = where.string();
    if (where.is_named("file")) {
        reference.from = source::SecretRef::From::File;
        secret.path = reference.name;
    }
    auto text = secrets.value(reference);
    if (!text) return std::unexpected(about_key(key, text.error()));
    secret.text = std::move(*text);
    return secret;
}

Result<KeyFile> KeyFile::read(const Config& config, const source::Secrets& secrets) {
    KeyFile file;
    if (!config.given(kKey)) return file;
    auto secret = ConfigSecret::read(config, kKey, secrets);
    if (!secret) return std::unexpected(std::move(secret.error()));
    file.path = std::move(secret->path);
    auto ring = membership::parse_key_ring(secret->text);
    if (!ring) return std::unexpected(about_key(kKey, ring.error()));
    if (ring->empty()) return fail(Errc::Malformed, std::string(kKey) + ": the ring holds no key");
    file.ring = std::move(*ring);
    return file;
}

Result<void> KeyFile::write(const std::string& path, const membership::KeyRing& ring) {
    return write_file(path, membership::key_ring_json(ring) + "\n", 0600);
}

}  // namespace anode::app
