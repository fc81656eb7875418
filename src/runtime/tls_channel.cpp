// One connection of a TLS server: OpenSSL between two byte strings.
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"
#include "runtime/tls_server.hpp"

namespace anode {
namespace {

constexpr std::size_t kRecord = 16U << 10;
constexpr std::size_t kKeptCapacity = 4096;

TlsChannel::Ends& ends_of(BIO* bio) { return *static_cast<TlsChannel::Ends*>(BIO_get_data(bio)); }

int bio_write(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    ends_of(bio).output->append(data, static_cast<std::size_t>(size));
    return size;
}

int bio_read(BIO* bio, char* to, int size) {
    TlsChannel::Ends& ends = ends_of(bio);
    BIO_clear_retry_flags(bio);
    const std::size_t left = ends.input.size() - ends.input_read;
    if (left == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    const std::size_t taken = std::min(left, static_cast<std::size_t>(size));
    std::memcpy(to, ends.input.data() + ends.input_read, taken);
    ends.input_read += taken;
    if (ends.input_read == ends.input.size()) {
        ends.input_read = 0;
        if (ends.input.capacity() > kKeptCapacity)
            Bytes().swap(ends.input);
        else
            ends.input.clear();
    }
    return static_cast<int>(taken);
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* bio_method() {
    static BIO_METHOD* const method = [] {
        BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "byte strings");
        ANODE_ASSERT(made != nullptr);
        BIO_meth_set_write(made, &bio_write);
        BIO_meth_set_read(made, &bio_read);
        BIO_meth_set_ctrl(made, &bio_control);
        return made;
    }();
    return method;
}

std::string common_name(X509* certificate) {
    char text[256] = {};
    const int size = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                               text, sizeof text);
    // A name with a NUL in it would be read differently by others.
    if (size <= 0 || std::memchr(text, '\0', static_cast<std::size_t>(size)) != nullptr) return {};
    return {text, static_cast<std::size_t>(size)};
}

void add_alternative_names(X509* certificate, std::vector<std::string>& names) {
    auto* all = static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
        const GENERAL_NAME* one = sk_GENERAL_NAME_value(all, i);
        if (one->type != GEN_DNS && one->type != GEN_URI) continue;
        const ASN1_STRING* text = one->d.ia5;
        std::string name(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                         static_cast<std::size_t>(ASN1_STRING_length(text)));
        if (name.find('\0') == std::string::npos) names.push_back(std::move(name));
    }
    GENERAL_NAMES_free(all);
}

}  // namespace

TlsChannel::TlsChannel(ssl_ctx_st* context) : ends_{&output_, {}, 0}, ssl_(SSL_new(context)) {
    BIO* const bio = BIO_new(bio_method());
    ANODE_ASSERT(ssl_ != nullptr && bio != nullptr);
    BIO_set_data(bio, &ends_);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_, bio, bio);
    SSL_set_accept_state(ssl_);
}

TlsChannel::~TlsChannel() { SSL_free(ssl_); }

void TlsChannel::feed(BytesView ciphertext) { ends_.input.append(ciphertext); }

TlsChannel::Read TlsChannel::read(char* to, std::size_t size, std::size_t& got) {
    got = 0;
    if (failed_) return Read::Failed;
    ERR_clear_error();
    const int done = SSL_read_ex(ssl_, to, size, &got);
    if (!established_ && SSL_is_init_finished(ssl_) != 0) {
        established_ = true;
        note_peer();
    }
    if (done == 1) return Read::Some;
    switch (SSL_get_error(ssl_, done)) {
        case SSL_ERROR_WANT_READ:
        case SSL_ERROR_WANT_WRITE:
            return Read::More;
        case SSL_ERROR_ZERO_RETURN:
            return Read::Ended;
        default:
            failed_ = true;
            ERR_clear_error();
            return Read::Failed;
    }
}

std::size_t TlsChannel::write(const char* from, std::size_t size) {
    if (failed_ || !established_ || size == 0) return 0;
    ERR_clear_error();
    std::size_t taken = 0;
    if (SSL_write_ex(ssl_, from, std::min(size, kRecord), &taken) == 1) return taken;
    failed_ = true;
    ERR_clear_error();
    return 0;
}

void TlsChannel::finish() {
    if (failed_ || !established_) return;
    ERR_clear_error();
    (void)SSL_shutdown(ssl_);
    ERR_clear_error();
}

void TlsChannel::note_peer() {
    X509* const certificate = SSL_get0_peer_certificate(ssl_);
    if (certificate == nullptr || SSL_get_verify_result(ssl_) != X509_V_OK) return;
    auto peer = std::make_shared<TlsPeer>();
    peer->subject = common_name(certificate);
    if (!peer->subject.empty()) peer->names.push_back(peer->subject);
    add_alternative_names(certificate, peer->names);
    peer_ = std::move(peer);
}

}  // namespace anode
