#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

/// A certificate made for one test: self-signed, so it is its own authority.
namespace anode::support {

struct TlsIdentity {
    std::shared_ptr<EVP_PKEY> key;
    std::shared_ptr<X509> certificate;
    std::string pem;  ///< of the certificate, to be trusted

    /// `names` as OpenSSL writes them: `DNS:feed.test,IP:127.0.0.1`.
    /// `authority`: it may vouch for others.
    static TlsIdentity make(const std::string& names, bool authority = false) {
        TlsIdentity made;
        made.key.reset(EVP_EC_gen("P-256"), &EVP_PKEY_free);
        made.certificate.reset(X509_new(), &X509_free);
        X509* const x509 = made.certificate.get();
        X509_set_version(x509, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
        X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
        X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
        X509_set_pubkey(x509, made.key.get());
        X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
        X509_set_issuer_name(x509, X509_get_subject_name(x509));
        add(x509, NID_subject_alt_name, names);
        if (authority) add(x509, NID_basic_constraints, "critical,CA:TRUE");
        X509_sign(x509, made.key.get(), EVP_sha256());
        made.pem = pem_of(x509);
        return made;
    }

    /// The same certificate, vouched for by `authority` instead of by itself.
    [[nodiscard]] TlsIdentity issued_by(const TlsIdentity& authority) const {
        TlsIdentity made{key, std::shared_ptr<X509>(X509_dup(certificate.get()), &X509_free), {}};
        X509* const x509 = made.certificate.get();
        X509_NAME* const name = X509_NAME_new();
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char*>("leaf"), -1, -1, 0);
        X509_set_subject_name(x509, name);
        X509_NAME_free(name);
        X509_set_issuer_name(x509, X509_get_subject_name(authority.certificate.get()));
        X509_sign(x509, authority.key.get(), EVP_sha256());
        made.pem = pem_of(x509);
        return made;
    }
    [[nodiscard]] std::string key_pem() const {
        BIO* const text = BIO_new(BIO_s_mem());
        PEM_write_bio_PrivateKey(text, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        return taken(text);
    }

    [[nodiscard]] std::shared_ptr<SSL_CTX> server_context() const {
        std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
        SSL_CTX_use_certificate(context.get(), certificate.get());
        SSL_CTX_use_PrivateKey(context.get(), key.get());
        return context;
    }

private:
    static void add(X509* x509, int kind, const std::string& value) {
        X509_EXTENSION* const extension =
            X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
        X509_add_ext(x509, extension, -1);
        X509_EXTENSION_free(extension);
    }
    static std::string pem_of(X509* x509) {
        BIO* const text = BIO_new(BIO_s_mem());
        PEM_write_bio_X509(text, x509);
        return taken(text);
    }
    static std::string taken(BIO* text) {
        char* data = nullptr;
        const long size = BIO_get_mem_data(text, &data);
        std::string out(data, static_cast<std::size_t>(size));
        BIO_free(text);
        return out;
    }
};

}  // namespace anode::support
