#include "app/identity.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <fstream>

#include "app/files.hpp"
#include "base/text.hpp"
#include "base/varint.hpp"
#include "runtime/random.hpp"

namespace anode::app {
namespace {

/// Seconds since the start of 2026, or one more than last time if the clock went back. Far below the protocol's end: what is
/// stored above that is damaged, and counts for nothing.
std::uint32_t next_incarnation(const std::optional<Bytes>& kept, WallTime now) {
    constexpr WallTime kSince = 1'767'225'600;
    constexpr std::uint32_t kEnd = 1u << 31;
    std::uint32_t last = 0;
    if (kept) last = ByteReader(*kept).le<std::uint32_t>().value_or(0);
    if (last >= kEnd) last = 0;
    const WallTime seconds = std::clamp<WallTime>(now / 1'000'000 - kSince, 1, kEnd);
    return std::max(static_cast<std::uint32_t>(seconds), last + 1);
}

std::string random_token(std::size_t bytes) {
    std::vector<std::uint8_t> raw(bytes);
    os_random(raw);
    return text::base64url({reinterpret_cast<const char*>(raw.data()), raw.size()});
}

}  // namespace

Result<Identity> begin_run(Store& store, const std::string& directory, WallTime now) {
    Identity identity;
    std::vector<Record> records;
    if (const auto kept = store.record("node", "id");
        kept && kept->size() == identity.node.bytes.size()) {
        std::copy_n(kept->data(), kept->size(),
                    reinterpret_cast<char*>(identity.node.bytes.data()));
    } else {
        os_random(identity.node.bytes);
        records.push_back(
            {"node", "id", Bytes(reinterpret_cast<const char*>(identity.node.bytes.data()), 16)});
    }
    std::uint64_t last = 0;
    if (const auto kept = store.record("node", "epoch"))
        last = ByteReader(*kept).le<std::uint64_t>().value_or(0);
    identity.epoch.value = std::max(
        static_cast<std::uint64_t>(now / 1000) << 16 | (os_random_u64() & 0xffff), last + 1);
    Bytes epoch;
    put_le(epoch, identity.epoch.value);
    records.push_back({"node", "epoch", std::move(epoch)});
    identity.incarnation = next_incarnation(store.record("node", "incarnation"), now);
    Bytes incarnation;
    put_le(incarnation, identity.incarnation);
    records.push_back({"node", "incarnation", std::move(incarnation)});
    if (const auto stored = store.put(std::move(records)); !stored)
        return std::unexpected(stored.error());
    if (const auto written = write_file(directory + "/node-id", identity.node.text() + "\n", 0644);
        !written)
        return std::unexpected(written.error());
    return identity;
}

Result<std::string> bootstrap_token(const std::string& directory) {
    const std::string path = directory + "/bootstrap-token";
    if (std::ifstream in(path); in) {
        std::string token;
        in >> token;
        if (token.starts_with("an_")) return token;
    }
    std::string id = random_token(8).substr(0, 10);
    std::ranges::replace(id, '_', 'x');
    std::ranges::replace(id, '-', 'y');
    std::string token = "an_" + id + "_" + random_token(32);
    if (const auto written = write_file(path, token + "\n", 0600); !written)
        return std::unexpected(written.error());
    return token;
}

std::string token_digest(std::string_view token) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), digest);
    return text::hex({reinterpret_cast<const char*>(digest), sizeof digest});
}

}  // namespace anode::app
