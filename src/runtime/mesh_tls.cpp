#include "runtime/mesh_tls.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <string_view>

#include "runtime/tls_context.hpp"

namespace anode {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr unsigned char kAes128GcmSha256[] = {0x13, 0x01};
constexpr unsigned char kKind[] = {'m', 'e', 's', 'h'};

struct PreShared {
    std::string identity;
    std::array<unsigned char, kKeyBytes> key{};
    ~PreShared() { OPENSSL_cleanse(key.data(), key.size()); }
};

bool derive(BytesView ring_key, std::string_view cluster, PreShared& out) {
    const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
        EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nullptr), &EVP_PKEY_CTX_free);
    constexpr std::string_view kSalt = "anode mesh pre-shared key 1";
    const auto* const salt = reinterpret_cast<const unsigned char*>(kSalt.data());
    const auto* const secret = reinterpret_cast<const unsigned char*>(ring_key.data());
    const auto* const info = reinterpret_cast<const unsigned char*>(cluster.data());
    std::size_t size = out.key.size();
    if (!context || EVP_PKEY_derive_init(context.get()) <= 0 ||
        EVP_PKEY_CTX_set_hkdf_md(context.get(), EVP_sha256()) <= 0 ||
        EVP_PKEY_CTX_set1_hkdf_salt(context.get(), salt, static_cast<int>(kSalt.size())) <= 0 ||
        EVP_PKEY_CTX_set1_hkdf_key(context.get(), secret, static_cast<int>(ring_key.size())) <= 0 ||
        EVP_PKEY_CTX_add1_hkdf_info(context.get(), info, static_cast<int>(cluster.size())) <= 0 ||
        EVP_PKEY_derive(context.get(), out.key.data(), &size) <= 0 || size != out.key.size())
        return false;
    // What names the key on the wire tells nothing about it.
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(out.key.data(), out.key.size(), digest);
    constexpr char kHex[] = "0123456789abcdef";
    out.identity = "anode-";
    for (std::size_t i = 0; i < 8; ++i) {
        out.identity += kHex[digest[i] >> 4];
        out.identity += kHex[digest[i] & 15];
    }
    return true;
}

using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

bool is_pem(const std::string& text) { return text.find("-----BEGIN") != std::string::npos; }

/// PEM from a text or a path.
std::unique_ptr<BIO, decltype(&BIO_free)> open_pem(const std::string& text) {
    return {is_pem(text) ? BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))
                         : BIO_new_file(text.c_str(), "r"),
            &BIO_free};
}

Result<void> load_certificates(SSL_CTX* context, const MeshSecurity& security) {
    const auto refuse = [](std::string_view what) {
        return fail(Errc::Malformed, std::string(what) + ": " + tls_words());
    };
    const auto authorities = open_pem(security.ca);
    bool any = false;
    while (X509* certificate = authorities
                                   ? PEM_read_bio_X509(authorities.get(), nullptr, nullptr, nullptr)
                                   : nullptr) {
        any = X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate) == 1 || any;
        X509_free(certificate);
    }
    if (!any) return refuse("mesh.tls.ca");
    ERR_clear_error();
    const auto chain = open_pem(security.cert);
    X509* own = chain ? PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr) : nullptr;
    const bool used = own != nullptr && SSL_CTX_use_certificate(context, own) == 1;
    X509_free(own);
    if (!used) return refuse("mesh.tls.cert");
    while (X509* more = PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr))
        if (SSL_CTX_add_extra_chain_cert(context, more) != 1) X509_free(more);
    ERR_clear_error();
    const auto secret = open_pem(security.key);
    EVP_PKEY* key =
        secret ? PEM_read_bio_PrivateKey(secret.get(), nullptr, nullptr, nullptr) : nullptr;
    const bool fits = key != nullptr && SSL_CTX_use_PrivateKey(context, key) == 1 &&
                      SSL_CTX_check_private_key(context) == 1;
    EVP_PKEY_free(key);
    if (!fits) return refuse("mesh.tls.key");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    return {};
}

}  // namespace

struct MeshTls::State {
    MeshSecurity::Mode mode = MeshSecurity::Mode::Plain;
    std::string cluster;
    std::vector<PreShared> keys;
    Context client{nullptr, &SSL_CTX_free}, server{nullptr, &SSL_CTX_free};

    static const State* of(SSL* ssl) {
        return static_cast<const State*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    }

    static SSL_SESSION* session_of(SSL* ssl, const PreShared& key) {
        const SSL_CIPHER* cipher = SSL_CIPHER_find(ssl, kAes128GcmSha256);
        SSL_SESSION* session = SSL_SESSION_new();
        if (session == nullptr || cipher == nullptr ||
            SSL_SESSION_set1_master_key(session, key.key.data(), key.key.size()) != 1 ||
            SSL_SESSION_set1_id_context(session, kKind, sizeof kKind) != 1 ||
            SSL_SESSION_set_cipher(session, cipher) != 1 ||
            SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) != 1) {
            SSL_SESSION_free(session);
            return nullptr;
        }
        return session;
    }
    static int offer(SSL* ssl, const EVP_MD* digest, const unsigned char** identity,
                     std::size_t* size, SSL_SESSION** session) {
        const State* const state = of(ssl);
        *session = nullptr;
        *identity = nullptr;
        *size = 0;
        if (state->keys.empty() || (digest != nullptr && EVP_MD_get_type(digest) != NID_sha256))
            return 1;
        const PreShared& key = state->keys.front();
        *session = session_of(ssl, key);
        if (*session == nullptr) return 0;
        *identity = reinterpret_cast<const unsigned char*>(key.identity.data());
        *size = key.identity.size();
        return 1;
    }
    static int find(SSL* ssl, const unsigned char* identity, std::size_t size,
                    SSL_SESSION** session) {
        *session = nullptr;
        for (const PreShared& key : of(ssl)->keys)
            if (key.identity == std::string_view(reinterpret_cast<const char*>(identity), size)) {
                *session = session_of(ssl, key);
                return *session != nullptr ? 1 : 0;
            }
        return 1;
    }

    Result<Context> context(const MeshSecurity& security, bool accepting) {
        Context made(SSL_CTX_new(accepting ? TLS_server_method() : TLS_client_method()),
                     &SSL_CTX_free);
        if (!made) return fail(Errc::Internal, tls_words());
        SSL_CTX_set_min_proto_version(made.get(), TLS1_3_VERSION);
        SSL_CTX_set_mode(made.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                         SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        SSL_CTX_set_read_ahead(made.get(), 1);
        SSL_CTX_set_options(made.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
        SSL_CTX_set_num_tickets(made.get(), 0);
        SSL_CTX_set_session_cache_mode(made.get(), SSL_SESS_CACHE_OFF);
        SSL_CTX_set_app_data(made.get(), this);
        // OpenSSL refuses to verify peers of sessions, and a pre-shared key is one, without a name for their kind.
        SSL_CTX_set_session_id_context(made.get(), kKind, sizeof kKind);
        if (security.mode == MeshSecurity::Mode::Certificates) {
            if (auto loaded = load_certificates(made.get(), security); !loaded)
                return std::unexpected(loaded.error());
            return made;
        }
        SSL_CTX_set_ciphersuites(made.get(), "TLS_AES_128_GCM_SHA256");
        if (accepting)
            SSL_CTX_set_psk_find_session_callback(made.get(), &find);
        else
            SSL_CTX_set_psk_use_session_callback(made.get(), &offer);
        // Without a key that fits there is nothing to fall back to: a server without a certificate, a client that trusts none.
        SSL_CTX_set_verify(made.get(), SSL_VERIFY_PEER, nullptr);
        return made;
    }
};

MeshTls::MeshTls(std::unique_ptr<State> state) : state_(std::move(state)) {}
MeshTls::~MeshTls() = default;
void MeshTls::FreeSsl::operator()(ssl_st* ssl) const noexcept { SSL_free(ssl); }

Result<std::unique_ptr<MeshTls>> MeshTls::make(const MeshSecurity& security) {
    auto state = std::make_unique<State>();
    state->mode = security.mode;
    state->cluster = security.cluster;
    if (security.mode == MeshSecurity::Mode::Plain)
        return std::unique_ptr<MeshTls>(new MeshTls(std::move(state)));
    if (security.mode == MeshSecurity::Mode::KeyRing && security.keys.empty())
        return fail(Errc::Malformed,
                    "the mesh derives its key from the gossip key ring, and there is none");
    for (const bool accepting : {false, true}) {
        auto made = state->context(security, accepting);
        if (!made) return std::unexpected(made.error());
        (accepting ? state->server : state->client) = std::move(*made);
    }
    std::unique_ptr<MeshTls> tls(new MeshTls(std::move(state)));
    tls->set_keys(security.keys);
    return tls;
}

void MeshTls::set_keys(const std::vector<Bytes>& keys) {
    std::vector<PreShared> derived(keys.size());
    std::size_t good = 0;
    for (const Bytes& key : keys) good += derive(key, state_->cluster, derived[good]) ? 1 : 0;
    derived.resize(good);
    state_->keys = std::move(derived);
}

MeshTls::Ssl MeshTls::begin(bool accepting, int fd) const {
    if (plain()) return nullptr;
    Ssl ssl(SSL_new((accepting ? state_->server : state_->client).get()));
    if (!ssl || SSL_set_fd(ssl.get(), fd) != 1) return nullptr;
    if (accepting)
        SSL_set_accept_state(ssl.get());
    else
        SSL_set_connect_state(ssl.get());
    return ssl;
}

bool MeshTls::plain() const noexcept { return state_->mode == MeshSecurity::Mode::Plain; }

std::string MeshTls::identity_of(ssl_st* ssl) {
    X509* const certificate = ssl == nullptr ? nullptr : SSL_get0_peer_certificate(ssl);
    if (certificate == nullptr) return {};
    std::string identity;
    auto* const names = static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names); ++i) {
        const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_URI) continue;
        const std::string_view uri(
            reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.ia5)),
            static_cast<std::size_t>(ASN1_STRING_length(name->d.ia5)));
        if (uri.starts_with("anode:")) identity = uri.substr(6);
    }
    GENERAL_NAMES_free(names);
    if (!identity.empty()) return identity;
    char common[256] = "";
    const int size = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                               common, sizeof common);
    // A certificate that names no node must not pass for one that is bound to none.
    return size > 0 ? std::string(common, static_cast<std::size_t>(size)) : "?";
}

}  // namespace anode
