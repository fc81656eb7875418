#include "runtime/tls_server.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstring>
#include <ctime>
#include <fstream>
#include <utility>

#include "runtime/tls_context.hpp"

namespace anode {
namespace {

constexpr std::size_t kPemBytesMax = 1U << 20;

template <auto Free>
struct Freed {
    void operator()(auto* one) const noexcept { Free(one); }
};
using BioPtr = std::unique_ptr<BIO, Freed<&BIO_free>>;
using X509Ptr = std::unique_ptr<X509, Freed<&X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<&EVP_PKEY_free>>;

/// PEM text as it stands, or the file that is named.
Result<std::string> pem_of(const std::string& what, std::string_view role) {
    if (what.find("-----BEGIN") != std::string::npos) return what;
    std::ifstream file(what, std::ios::binary);
    std::string text(kPemBytesMax + 1, '\0');
    if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (!file && !file.eof())
        return fail(Errc::NotFound, std::string(role) + ": " + what + " cannot be read");
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > kPemBytesMax)
        return fail(Errc::TooLarge, std::string(role) + ": " + what + " is over 1 MiB");
    if (text.find("-----BEGIN") == std::string::npos)
        return fail(Errc::Malformed, std::string(role) + ": " + what + " holds no PEM");
    return text;
}

std::unexpected<Error> broken(std::string_view role, const std::string& what) {
    const bool file = what.find("-----BEGIN") == std::string::npos && !what.empty();
    return fail(Errc::Malformed,
                std::string(role) + (file ? ": " + what : std::string()) + ": " + tls_words());
}

/// Never asks a terminal for a passphrase.
int no_passphrase(char*, int, int, void*) { return 0; }

WallTime wall_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) return 0;
    return static_cast<WallTime>(::timegm(&parts)) * 1'000'000;
}

Result<WallTime> load_chain(SSL_CTX* context, const std::string& what) {
    const auto pem = pem_of(what, "certificate");
    if (!pem) return std::unexpected(pem.error());
    const BioPtr text(BIO_new_mem_buf(pem->data(), static_cast<int>(pem->size())));
    const X509Ptr leaf(PEM_read_bio_X509_AUX(text.get(), nullptr, &no_passphrase, nullptr));
    if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1)
        return broken("certificate", what);
    while (X509* more = PEM_read_bio_X509(text.get(), nullptr, &no_passphrase, nullptr)) {
        if (SSL_CTX_add0_chain_cert(context, more) == 1) continue;
        X509_free(more);
        return broken("certificate", what);
    }
    ERR_clear_error();  // the end of the text is an error to OpenSSL
    return wall_of(X509_get0_notAfter(leaf.get()));
}

Result<void> load_key(SSL_CTX* context, const std::string& what) {
    auto pem = pem_of(what, "key");
    if (!pem) return std::unexpected(pem.error());
    const BioPtr text(BIO_new_mem_buf(pem->data(), static_cast<int>(pem->size())));
    const KeyPtr key(PEM_read_bio_PrivateKey(text.get(), nullptr, &no_passphrase, nullptr));
    const bool used = key && SSL_CTX_use_PrivateKey(context, key.get()) == 1;
    OPENSSL_cleanse(pem->data(), pem->size());
    if (!key) return broken("key", what);
    if (!used || SSL_CTX_check_private_key(context) != 1) {
        ERR_clear_error();
        return fail(Errc::Malformed, "the key does not belong to the certificate");
    }
    return {};
}

Result<void> load_authority(SSL_CTX* context, const std::string& what) {
    const auto pem = pem_of(what, "client_ca");
    if (!pem) return std::unexpected(pem.error());
    const BioPtr text(BIO_new_mem_buf(pem->data(), static_cast<int>(pem->size())));
    bool any = false;
    while (X509* one = PEM_read_bio_X509(text.get(), nullptr, &no_passphrase, nullptr)) {
        any = X509_STORE_add_cert(SSL_CTX_get_cert_store(context), one) == 1 || any;
        SSL_CTX_add_client_CA(context, one);
        X509_free(one);
    }
    if (!any) return broken("client_ca", what);
    ERR_clear_error();
    // Asked for, never demanded: a token or a session does as well.
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    return {};
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned offered_size, void*) {
    static constexpr unsigned char kOurs[] = "\x08http/1.1";
    unsigned char* chosen = nullptr;
    if (SSL_select_next_proto(&chosen, out_size, kOurs, sizeof kOurs - 1, offered, offered_size) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

void harden(SSL_CTX* context) {
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!eNULL");
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    constexpr unsigned char kName[] = "anode-http";  // sessions of other programs mean nothing here
    SSL_CTX_set_session_id_context(context, kName, sizeof kName - 1);
    SSL_CTX_set_alpn_select_cb(context, &choose_protocol, nullptr);
}

}  // namespace

Result<std::shared_ptr<const TlsServer>> TlsServer::make(const TlsServerOptions& options,
                                                         WallTime now) {
    ERR_clear_error();
    const std::shared_ptr<TlsServer> server(new TlsServer);
    server->context_.reset(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
    if (!server->context_) return fail(Errc::Io, "TLS: " + tls_words());
    SSL_CTX* const context = server->context_.get();
    harden(context);
    const auto ends = load_chain(context, options.cert);
    if (!ends) return std::unexpected(ends.error());
    if (*ends <= now) return fail(Errc::Malformed, "certificate: its time is over");
    if (const auto loaded = load_key(context, options.key); !loaded)
        return std::unexpected(loaded.error());
    if (!options.client_ca.empty()) {
        if (const auto loaded = load_authority(context, options.client_ca); !loaded)
            return std::unexpected(loaded.error());
        server->asks_clients_ = true;
    }
    server->expires_ = *ends;
    return std::shared_ptr<const TlsServer>(server);
}

std::unique_ptr<TlsChannel> TlsServer::begin() const {
    return std::make_unique<TlsChannel>(context_.get());
}

}  // namespace anode
