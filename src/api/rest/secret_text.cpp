#include "api/rest/secret_text.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <vector>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "runtime/random.hpp"

namespace anode::api::rest {

std::string random_text(std::size_t raw_bytes) {
    std::vector<std::uint8_t> raw(raw_bytes);
    os_random(raw);
    std::string text = text::base64url({reinterpret_cast<const char*>(raw.data()), raw.size()});
    OPENSSL_cleanse(raw.data(), raw.size());
    return text;
}

std::string sha256_hex(std::string_view bytes) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    ::SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
    return text::hex({reinterpret_cast<const char*>(digest), sizeof digest});
}

bool same_text(std::string_view a, std::string_view b) {
    return a.size() == b.size() && ::CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string fingerprint_of(std::string_view record) {
    const Hash128 hash = hash128(record);
    return text::hex({reinterpret_cast<const char*>(&hash), sizeof hash});
}

}  // namespace anode::api::rest
