#include "app/cluster/key_file.hpp"

#include "app/files.hpp"
#include "core/json/json.hpp"

namespace anode::app {
namespace {

constexpr std::string_view kKey = "gossip.keyring";

Error about_key(const Error& error) { return {error.code, std::string(kKey) + ": " + error.what}; }

}  // namespace

Result<KeyFile> KeyFile::read(const Config& config, const source::Secrets& secrets) {
    KeyFile file;
    if (!config.given(kKey)) return file;
    json::Document document;
    if (const auto parsed = document.parse(config.settings().find(kKey)->second.json); !parsed)
        return std::unexpected(about_key(parsed.error()));
    const json::Value where = document.root().first();
    source::SecretRef reference;
    reference.name = where.string();
    if (where.is_named("file")) {
        reference.from = source::SecretRef::From::File;
        file.path = reference.name;
    }
    const auto text = secrets.value(reference);
    if (!text) return std::unexpected(about_key(text.error()));
    auto ring = membership::parse_key_ring(*text);
    if (!ring) return std::unexpected(about_key(ring.error()));
    if (ring->empty()) return fail(Errc::Malformed, std::string(kKey) + ": the ring holds no key");
    file.ring = std::move(*ring);
    return file;
}

Result<void> KeyFile::write(const std::string& path, const membership::KeyRing& ring) {
    return write_file(path, membership::key_ring_json(ring) + "\n", 0600);
}

}  // namespace anode::app
