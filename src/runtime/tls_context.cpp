#include "runtime/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <map>
#include <mutex>
#include <utility>

namespace anode {
namespace {

using Context = std::shared_ptr<SSL_CTX>;
constexpr std::size_t kContextsMax = 256;

/// Adds every certificate of a PEM text. False if it holds none.
bool add_authorities(SSL_CTX* context, const std::string& pem) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> text(
        BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
    bool any = false;
    while (X509* certificate = PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)) {
        any = X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate) == 1 || any;
        X509_free(certificate);
    }
    ERR_clear_error();  // the end of the text is an error to OpenSSL
    return any;
}

bool load_authorities(SSL_CTX* context, const std::string& ca) {
    if (ca.empty()) return SSL_CTX_set_default_verify_paths(context) == 1;
    if (ca.find("-----BEGIN") != std::string::npos) return add_authorities(context, ca);
    return SSL_CTX_load_verify_locations(context, ca.c_str(), nullptr) == 1;
}

NetResult<Context> make_context(const TlsOptions& options) {
    const Context context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
    if (!context) return std::unexpected(net_error(source::ErrorClass::Internal, tls_words()));
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context.get(), 1);  // a record in one read, not head and body apart
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    constexpr unsigned char kAlpn[] = "\x08http/1.1";
    SSL_CTX_set_alpn_protos(context.get(), kAlpn, sizeof kAlpn - 1);
    if (options.insecure) {
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
        return context;
    }
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    if (!load_authorities(context.get(), options.ca))
        return std::unexpected(
            net_error(source::ErrorClass::Tls, "tls.ca holds no certificate: " + tls_words()));
    return context;
}

}  // namespace

std::string tls_words() {
    std::string words = "unknown";
    while (const unsigned long code = ERR_get_error()) {
        if (const char* reason = ERR_reason_error_string(code)) words = reason;
    }
    return words;
}

NetResult<std::shared_ptr<ssl_ctx_st>> tls_client_context(const TlsOptions& options) {
    static std::mutex lock;
    static std::map<std::pair<std::string, bool>, Context> contexts;
    const std::lock_guard guard(lock);
    const std::pair key(options.ca, options.insecure);
    if (const auto found = contexts.find(key); found != contexts.end()) return found->second;
    auto made = make_context(options);
    if (made) {
        if (contexts.size() >= kContextsMax) contexts.clear();
        contexts[key] = *made;
    }
    return made;
}

}  // namespace anode
