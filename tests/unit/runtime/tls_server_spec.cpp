#include "runtime/tls_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "runtime/clock.hpp"
#include "support/tls_identity.hpp"

namespace anode {
namespace {

using support::TlsIdentity;
using testing::ElementsAre;
using testing::HasSubstr;

/// A client of OpenSSL's own between two memory buffers.
class Client {
public:
    explicit Client(const std::string& authority, const TlsIdentity* own = nullptr)
        : context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free) {
        BIO* const pem = BIO_new_mem_buf(authority.data(), static_cast<int>(authority.size()));
        X509* const trusted = PEM_read_bio_X509(pem, nullptr, nullptr, nullptr);
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), trusted);
        X509_free(trusted);
        BIO_free(pem);
        SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
        if (own != nullptr) {
            SSL_CTX_use_certificate(context_.get(), own->certificate.get());
            SSL_CTX_use_PrivateKey(context_.get(), own->key.get());
        }
        ssl_.reset(SSL_new(context_.get()), &SSL_free);
        SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_connect_state(ssl_.get());
    }
    void hear(const Bytes& bytes) {
        BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
    }
    Bytes said() {
        char* data = nullptr;
        const long size = BIO_get_mem_data(SSL_get_wbio(ssl_.get()), &data);
        Bytes bytes(data, static_cast<std::size_t>(size));
        (void)BIO_reset(SSL_get_wbio(ssl_.get()));
        return bytes;
    }
    bool shake() { return SSL_do_handshake(ssl_.get()) == 1; }
    void write(std::string_view text) {
        SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size()));
    }
    std::string read() {
        std::string all;
        char buffer[4096];
        for (int got; (got = SSL_read(ssl_.get(), buffer, sizeof buffer)) > 0;)
            all.append(buffer, static_cast<std::size_t>(got));
        return all;
    }
    void say_goodbye() { SSL_shutdown(ssl_.get()); }

private:
    std::shared_ptr<SSL_CTX> context_;
    std::shared_ptr<SSL> ssl_;
};

class TlsServerSpec : public testing::Test {
protected:
    std::unique_ptr<TlsChannel> greets(TlsServerOptions options) {
        auto server = TlsServer::make(options, wall_now());
        EXPECT_TRUE(server.has_value()) << server.error().what;
        return (*server)->begin();
    }
    TlsServerOptions ours() { return {identity.pem, identity.key_pem(), {}}; }
    /// Lets both talk until the handshake is over or has failed.
    static TlsChannel::Read meet(TlsChannel& channel, Client& client) {
        char byte = 0;
        std::size_t got = 0;
        auto outcome = TlsChannel::Read::More;
        for (int i = 0; i < 6 && outcome == TlsChannel::Read::More; ++i) {
            client.shake();
            channel.feed(client.said());
            outcome = channel.read(&byte, 1, got);
            client.hear(std::exchange(channel.output(), {}));
        }
        client.shake();
        return outcome;
    }
    static std::string words(const TlsServerOptions& options) {
        const auto made = TlsServer::make(options, wall_now());
        return made ? "no error" : made.error().what;
    }
    TlsIdentity identity = TlsIdentity::make("DNS:localhost", true);
};

TEST_F(TlsServerSpec, CarriesBytesBothWaysWhereverRecordsAreCut) {
    const auto channel = greets(ours());
    Client client(identity.pem);
    EXPECT_EQ(meet(*channel, client), TlsChannel::Read::More);
    ASSERT_TRUE(channel->established());
    const std::string text(50'000, 'x');
    client.write(text);
    std::string heard;
    char buffer[777];
    for (const char byte : client.said()) {
        channel->feed({&byte, 1});
        for (std::size_t got = 0;
             channel->read(buffer, sizeof buffer, got) == TlsChannel::Read::Some;)
            heard.append(buffer, got);
    }
    EXPECT_EQ(heard, text);
    for (std::size_t sent = 0; sent < text.size();) {
        const std::size_t taken = channel->write(text.data() + sent, text.size() - sent);
        ASSERT_GT(taken, 0U);
        EXPECT_LE(channel->output().size(), (16U << 10) + 512) << "one record at a time";
        client.hear(std::exchange(channel->output(), {}));
        sent += taken;
    }
    EXPECT_EQ(client.read(), text);
}

TEST_F(TlsServerSpec, AGoodbyeIsAnEnd) {
    const auto channel = greets(ours());
    Client client(identity.pem);
    meet(*channel, client);
    client.say_goodbye();
    channel->feed(client.said());
    char byte = 0;
    std::size_t got = 0;
    EXPECT_EQ(channel->read(&byte, 1, got), TlsChannel::Read::Ended);
}

TEST_F(TlsServerSpec, WhatIsNotTlsFails) {
    const auto channel = greets(ours());
    channel->feed(std::string("\x16\x03\x01\x00\x05", 5) + "hello and more that is no handshake");
    char byte = 0;
    std::size_t got = 0;
    EXPECT_EQ(channel->read(&byte, 1, got), TlsChannel::Read::Failed);
    EXPECT_EQ(channel->read(&byte, 1, got), TlsChannel::Read::Failed);
    EXPECT_EQ(channel->write("x", 1), 0U);
}

TEST_F(TlsServerSpec, NothingIsSaidBeforeTheHandshakeIsOver) {
    const auto channel = greets(ours());
    EXPECT_EQ(channel->write("x", 1), 0U);
    EXPECT_TRUE(channel->output().empty());
}

TEST_F(TlsServerSpec, TellsTheNamesOfAClientThatAnAuthorityVouchesFor) {
    TlsServerOptions options = ours();
    options.client_ca = identity.pem;
    const TlsIdentity known =
        TlsIdentity::make("DNS:ops.example.org,URI:spiffe://a/b,IP:127.0.0.1").issued_by(identity);
    const auto channel = greets(options);
    Client client(identity.pem, &known);
    meet(*channel, client);
    ASSERT_NE(channel->peer(), nullptr);
    EXPECT_THAT(channel->peer()->names, ElementsAre("leaf", "ops.example.org", "spiffe://a/b"));

    const TlsIdentity stranger = TlsIdentity::make("DNS:ops.example.org");
    const auto other = greets(options);
    Client forged(identity.pem, &stranger);
    EXPECT_EQ(meet(*other, forged), TlsChannel::Read::Failed);
    EXPECT_EQ(other->peer(), nullptr);

    const auto third = greets(options);
    Client nobody(identity.pem);
    EXPECT_EQ(meet(*third, nobody), TlsChannel::Read::More)
        << "a certificate is asked for, not demanded";
    EXPECT_EQ(third->peer(), nullptr);
}

TEST_F(TlsServerSpec, FilesThatAreWrongAreNamedWithTheReason) {
    EXPECT_THAT(words({"/nowhere/cert.pem", identity.key_pem(), {}}),
                HasSubstr("/nowhere/cert.pem cannot be read"));
    EXPECT_THAT(words({"/etc/hostname", identity.key_pem(), {}}), HasSubstr("holds no PEM"));
    EXPECT_THAT(words({identity.key_pem(), identity.key_pem(), {}}), HasSubstr("certificate"));
    EXPECT_THAT(words({identity.pem, identity.pem, {}}), HasSubstr("key"));
    EXPECT_THAT(words({identity.pem, TlsIdentity::make("DNS:x").key_pem(), {}}),
                HasSubstr("does not belong"));
    EXPECT_THAT(words({identity.pem, identity.key_pem(), identity.key_pem()}),
                HasSubstr("client_ca"));
    EXPECT_THAT(words({identity.pem.substr(0, 200), identity.key_pem(), {}}),
                HasSubstr("certificate"));
    const auto late = TlsServer::make(ours(), wall_now() + 7'200'000'000);
    ASSERT_FALSE(late.has_value());
    EXPECT_THAT(late.error().what, HasSubstr("its time is over"));
}

}  // namespace
}  // namespace anode
