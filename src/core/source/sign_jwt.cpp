#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>

#include "base/text.hpp"
#include "core/json/json.hpp"
#include "core/source/sign_parts.hpp"

/// JSON Web Tokens. Source: RFC 7515 (JWS, compact form), RFC 7518 (HS256, ES256), RFC 8037 (EdDSA).
namespace anode::source {

namespace {

struct Free {
    void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
    void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
    void operator()(BIO* p) const { BIO_free(p); }
    void operator()(ECDSA_SIG* p) const { ECDSA_SIG_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

/// PEM; line ends may be written `\n`, as environment variables often have them. Ed25519 also as base64 of its bytes.
Owned<EVP_PKEY> read_key(std::string text, AuthJwt::Alg alg) {
    for (std::size_t at = 0; (at = text.find("\\n", at)) != std::string::npos; ++at)
        text.replace(at, 2, "\n");
    const Owned<BIO> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    // Without a password callback OpenSSL would ask the terminal.
    const auto no_password = [](char*, int, int, void*) { return 0; };
    if (Owned<EVP_PKEY> key{PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr)})
        return key;
    if (alg != AuthJwt::Alg::EdDsa) return nullptr;
    const auto bytes = text::from_base64(text::trim(text));
    if (!bytes || (bytes->size() != 32 && bytes->size() != 64)) return nullptr;
    return Owned<EVP_PKEY>(EVP_PKEY_new_raw_private_key(
        EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char*>(bytes->data()), 32));
}

bool fits(EVP_PKEY* key, AuthJwt::Alg alg) {
    if (alg == AuthJwt::Alg::EdDsa) return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && EVP_PKEY_get_bits(key) == 256;
}

/// ECDSA signatures are DER from OpenSSL and 32 + 32 bytes in a token.
Result<Bytes> raw_signature(const Bytes& der) {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    const Owned<ECDSA_SIG> pair(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
    unsigned char bytes[64];
    if (!pair || BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), bytes, 32) != 32 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), bytes + 32, 32) != 32) {
        return fail(Errc::Internal, "the signature cannot be read back");
    }
    return Bytes(reinterpret_cast<const char*>(bytes), sizeof bytes);
}

Result<Bytes> sign_with_key(const std::string& secret, AuthJwt::Alg alg, BytesView data) {
    const Owned<EVP_PKEY> key = read_key(secret, alg);
    if (!key || !fits(key.get(), alg)) {
        return fail(Errc::Malformed, alg == AuthJwt::Alg::Es256 ? "the key is no P-256 key in PEM"
                                                                : "the key is no Ed25519 key");
    }
    const Owned<EVP_MD_CTX> signer(EVP_MD_CTX_new());
    const EVP_MD* const digest = alg == AuthJwt::Alg::Es256 ? EVP_sha256() : nullptr;
    const auto* const bytes = reinterpret_cast<const unsigned char*>(data.data());
    std::size_t size = 0;
    if (EVP_DigestSignInit(signer.get(), nullptr, digest, nullptr, key.get()) != 1 ||
        EVP_DigestSign(signer.get(), nullptr, &size, bytes, data.size()) != 1) {
        return fail(Errc::Internal, "the token cannot be signed");
    }
    Bytes signature(size, '\0');
    if (EVP_DigestSign(signer.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                       bytes, data.size()) != 1) {
        return fail(Errc::Internal, "the token cannot be signed");
    }
    signature.resize(size);
    return alg == AuthJwt::Alg::Es256 ? raw_signature(signature)
                                      : Result<Bytes>(std::move(signature));
}

/// The object that `tree` makes, with the members of `first` in front; what the tree names itself stays out of them.
Result<std::string> object_with(const std::vector<std::pair<std::string, std::string>>& first,
                                const JsonTemplate& tree, const Context& context) {
    std::string text = "{}";
    if (!tree.empty()) {
        text.clear();
        if (auto done = tree.append(text, context); !done) return std::unexpected(done.error());
    }
    json::Document document;
    if (auto parsed = document.parse(text); !parsed) return std::unexpected(parsed.error());
    const json::Value own = document.root();
    if (!own.is_object()) return fail(Errc::Malformed, "claims and header of a token are tables");
    std::string out;
    json::Writer writer(out);
    writer.begin_object();
    for (const auto& [name, value] : first) {
        if (!own[name].present()) writer.key(name).raw(value);
    }
    for (json::Value v = own.first(); v; v = v.next_in(own)) writer.key(v.name()).raw(v.raw());
    writer.end_object();
    return out;
}

}  // namespace

Result<std::string> mint_jwt(const AuthJwt& jwt, const Context& context) {
    constexpr std::string_view kNames[] = {"\"ES256\"", "\"EdDSA\"", "\"HS256\""};
    const WallTime now = context.wall / 1'000'000;
    const WallTime end = now + std::chrono::duration_cast<std::chrono::seconds>(jwt.ttl).count();
    auto header = object_with(
        {{"alg", std::string(kNames[static_cast<std::size_t>(jwt.alg)])}, {"typ", "\"JWT\""}},
        jwt.header, context);
    if (!header) return header;
    auto claims = object_with({{"iat", std::to_string(now)}, {"exp", std::to_string(end)}},
                              jwt.claims, context);
    if (!claims) return claims;
    auto key = secret_value(jwt.key, context);
    if (!key) return key;
    std::string token = text::base64url(*header) + "." + text::base64url(*claims);
    auto signature = jwt.alg == AuthJwt::Alg::Hs256 ? hmac(HashName::Sha256, *key, token)
                                                    : sign_with_key(*key, jwt.alg, token);
    if (!signature) return std::unexpected(signature.error());
    return token + "." + text::base64url(*signature);
}

}  // namespace anode::source
