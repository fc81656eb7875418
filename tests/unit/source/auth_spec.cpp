#include <openssl/evp.h>
#include <openssl/pem.h>

#include <map>

#include "base/text.hpp"
#include "core/source/sign.hpp"
#include "unit/source/definition_reader.hpp"

/// Credentials of recipes, section 8, and signatures of pushes.
namespace anode::source::spec {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Pair;
using testing::StartsWith;

struct KnownSecrets : Secrets {
    std::map<std::string, std::string> known;
    Result<std::string> value(const SecretRef& reference) const override {
        const auto at = known.find(reference.name);
        if (at == known.end())
            return fail(Errc::NotFound, "variable " + reference.name + " is not set");
        return at->second;
    }
};

class AuthSpec : public testing::Test {
protected:
    void use(std::string_view auth) {
        made = definition(websocket("\"auth\":" + std::string(auth)))->auth;
    }
    Result<void> sign_now(std::string_view token = {}) {
        context.secrets = &secrets;
        return sign(made, request, context, token);
    }

    Auth made;
    KnownSecrets secrets;
    Outgoing request{
        .method = "GET", .url = "https://example.org/v1/orders?b=2&a=1", .body = R"({"x":1})"};
    Context context{.wall = 1'700'000'000'123'456};
};

TEST_F(AuthSpec, ABearerTokenIsSent) {
    secrets.known["T"] = "abc";
    use(R"({"type":"bearer","token":{"env":"T"}})");
    ASSERT_TRUE(sign_now().has_value());
    EXPECT_THAT(request.headers, Contains(Pair("Authorization", "Bearer abc")));
}

TEST_F(AuthSpec, AMissingSecretIsAnErrorThatNamesTheReferenceOnly) {
    use(R"({"type":"bearer","token":{"env":"T"}})");
    const auto done = sign_now();
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, Errc::NotFound);
}

TEST_F(AuthSpec, BasicIsUserAndPassword) {
    secrets.known["P"] = "open sesame";
    use(R"({"type":"basic","user":"Aladdin","password":{"env":"P"}})");
    ASSERT_TRUE(sign_now().has_value());
    EXPECT_THAT(request.headers,
                Contains(Pair("Authorization",
                              "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")));  // RFC 7617, section 2
}

TEST_F(AuthSpec, AQueryParameterIsEncodedAndGoesBeforeTheFragment) {
    secrets.known["K"] = "a/b c";
    use(R"({"type":"query","name":"apikey","value":{"env":"K"}})");
    request.url = "https://example.org/x#top";
    ASSERT_TRUE(sign_now().has_value());
    EXPECT_EQ(request.url, "https://example.org/x?apikey=a/b%20c#top");
    ASSERT_TRUE(sign_now().has_value());
    EXPECT_EQ(request.url, "https://example.org/x?apikey=a/b%20c&apikey=a/b%20c#top");
}

TEST_F(AuthSpec, AHeaderTakesThePlaceOfOneWithItsName) {
    use(R"({"type":"header","name":"X-Client","value":"new"})");
    request.headers = {{"x-client", "old"}};
    ASSERT_TRUE(sign_now().has_value());
    EXPECT_THAT(request.headers, testing::ElementsAre(Pair("x-client", "new")));
}

TEST_F(AuthSpec, ASecretInTheUrlFillsItsPlaceholder) {
    secrets.known["K"] = "k3y";
    use(R"({"type":"url","secret":{"env":"K"}})");
    const auto variables = auth_variables(made, secrets);
    ASSERT_TRUE(variables.has_value());
    const auto url = Template::parse("wss://eth.example.org/v2/{$secret}", Place::Url)
                         ->text({.variables = &*variables});
    EXPECT_EQ(*url, "wss://eth.example.org/v2/k3y");
}

TEST_F(AuthSpec, HmacFollowsRfc4231) {
    const auto digest = hmac(HashName::Sha256, "Jefe", "what do ya want for nothing?");
    EXPECT_EQ(text::hex(*digest),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    const auto longer = hmac(HashName::Sha512, "Jefe", "what do ya want for nothing?");
    EXPECT_THAT(text::hex(*longer),
                StartsWith("164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"));
}

TEST_F(AuthSpec, ASignatureIsMadeOverWhatIsSent) {
    secrets.known["S"] = "Jefe";
    secrets.known["K"] = "public";
    use(R"({"type":"hmac","key":{"env":"K"},"secret":{"env":"S"},"over":"{now:ms}{$method}{$host}{$path}?{$query}{$body}{$key}","into":{"header":"X-Sign"}})");
    ASSERT_TRUE(sign_now().has_value());
    const auto expected = hmac(HashName::Sha256, "Jefe",
                               R"(1700000000123GETexample.org/v1/orders?b=2&a=1{"x":1}public)");
    EXPECT_THAT(request.headers, Contains(Pair("X-Sign", text::hex(*expected))));
}

TEST_F(AuthSpec, ASignatureMayBecomeAVariableForTheLoginStep) {
    secrets.known["S"] = text::base64("Jefe");
    use(R"({"type":"hmac","secret":{"env":"S"},"secret_base64":true,"over":"x","hash":"sha512","encode":"base64","into":{"variable":"sign"}})");
    ASSERT_TRUE(sign_now().has_value());
    EXPECT_EQ(request.variables["sign"], text::base64(*hmac(HashName::Sha512, "Jefe", "x")));
}

// -- tokens ---------------------------------------------------------------------------------------------------

struct Key {
    EVP_PKEY* pkey;
    explicit Key(EVP_PKEY* made) : pkey(made) {}
    Key(const Key&) = delete;
    Key& operator=(const Key&) = delete;
    ~Key() { EVP_PKEY_free(pkey); }
    std::string pem() const {
        BIO* const bio = BIO_new(BIO_s_mem());
        PEM_write_bio_PrivateKey(bio, pkey, nullptr, nullptr, 0, nullptr, nullptr);
        char* data = nullptr;
        const long size = BIO_get_mem_data(bio, &data);
        std::string text(data, static_cast<std::size_t>(size));
        BIO_free(bio);
        return text;
    }
};

std::vector<std::string> parts_of(const std::string& token) {
    std::vector<std::string> parts;
    for (const std::string_view part : text::split(token, '.'))
        parts.push_back(text::from_base64url(part).value_or("?"));
    return parts;
}

TEST_F(AuthSpec, AnHs256TokenHoldsItsClaims) {
    secrets.known["K"] = "secret";
    use(R"({"type":"jwt","alg":"HS256","key":{"env":"K"},"claims":{"iss":"me","nonce":"{now:us}"},"header":{"kid":"k1"},"ttl":"1m"})");
    ASSERT_TRUE(sign_now().has_value());
    const std::string token = request.headers[0].second.substr(7);
    const auto parts = parts_of(token);
    ASSERT_EQ(parts.size(), 3u);
    EXPECT_EQ(parts[0], R"({"alg":"HS256","typ":"JWT","kid":"k1"})");
    EXPECT_EQ(parts[1],
              R"({"iat":1700000000,"exp":1700000060,"iss":"me","nonce":"1700000000123456"})");
    EXPECT_EQ(parts[2], *hmac(HashName::Sha256, "secret", token.substr(0, token.rfind('.'))));
}

TEST_F(AuthSpec, AnEdDsaTokenIsGoodForItsKey) {
    const Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    secrets.known["K"] = key.pem();
    use(R"({"type":"jwt","alg":"EdDSA","key":{"env":"K"},"into":{"query":"jwt"}})");
    ASSERT_TRUE(sign_now().has_value());
    const std::string token = request.url.substr(request.url.find("jwt=") + 4);
    const std::string signature = parts_of(token)[2], data = token.substr(0, token.rfind('.'));
    EVP_MD_CTX* const verifier = EVP_MD_CTX_new();
    ASSERT_EQ(EVP_DigestVerifyInit(verifier, nullptr, nullptr, nullptr, key.pkey), 1);
    EXPECT_EQ(EVP_DigestVerify(verifier, reinterpret_cast<const unsigned char*>(signature.data()),
                               signature.size(),
                               reinterpret_cast<const unsigned char*>(data.data()), data.size()),
              1);
    EVP_MD_CTX_free(verifier);
}

TEST_F(AuthSpec, AnEs256TokenHasTwoNumbersOf32Bytes) {
    const Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    std::string one_line = key.pem();
    for (std::size_t at = 0; (at = one_line.find('\n', at)) != std::string::npos; ++at)
        one_line.replace(at, 1, "\\n");
    secrets.known["K"] = one_line;
    use(R"({"type":"jwt","key":{"env":"K"},"into":{"variable":"jwt"}})");
    ASSERT_TRUE(sign_now().has_value());
    EXPECT_EQ(parts_of(request.variables["jwt"])[2].size(), 64u);
}

TEST_F(AuthSpec, AKeyOfAnotherKindIsRefused) {
    const Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    use(R"({"type":"jwt","alg":"ES256","key":{"env":"K"}})");
    for (const std::string& bad : {key.pem(), std::string("no key"), std::string()}) {
        secrets.known["K"] = bad;
        const auto done = sign_now();
        ASSERT_FALSE(done.has_value());
        EXPECT_EQ(done.error().code, Errc::Malformed);
        EXPECT_THAT(done.error().what, testing::Not(HasSubstr("no key in")));
    }
}

// -- OAuth2 ---------------------------------------------------------------------------------------------------

TEST_F(AuthSpec, ATokenIsAskedForWithClientCredentials) {
    secrets.known["S"] = "s:cret";
    use(R"({"type":"oauth2","token_url":"https://auth.example.org/token","client_id":"me","client_secret":{"env":"S"},"scope":"a b"})");
    context.secrets = &secrets;
    const auto asked = token_request(std::get<AuthOAuth2>(made), context);
    ASSERT_TRUE(asked.has_value());
    EXPECT_EQ(asked->method, "POST");
    EXPECT_EQ(asked->body, "grant_type=client_credentials&scope=a%20b");
    EXPECT_THAT(asked->headers,
                Contains(Pair("Authorization", "Basic " + text::base64("me:s%3Acret"))));
}

TEST_F(AuthSpec, ATokenIsRenewedBeforeItEnds) {
    const auto token = parse_token(R"({"access_token":"abc","expires_in":1800})", 1'000'000);
    ASSERT_TRUE(token.has_value());
    EXPECT_EQ(token->expires, 1'801'000'000);
    EXPECT_EQ(token->renew_at, 1'741'000'000);
    EXPECT_EQ(parse_token(R"({"access_token":"abc","expires_in":100})", 0)->renew_at, 90'000'000);
    EXPECT_EQ(parse_token(R"({"access_token":"abc"})", 0)->expires, 0);
}

TEST_F(AuthSpec, AnAnswerWithoutATokenIsAnError) {
    EXPECT_EQ(parse_token(R"({"error":"invalid_client"})", 0).error().code, Errc::Refused);
    EXPECT_EQ(parse_token("<html>", 0).error().code, Errc::Malformed);
    EXPECT_EQ(parse_token("{}", 0).error().code, Errc::Malformed);
}

TEST_F(AuthSpec, WithoutATokenNothingIsSent) {
    secrets.known["S"] = "s";
    use(R"({"type":"oauth2","token_url":"https://auth.example.org/token","client_id":"me","client_secret":{"env":"S"}})");
    EXPECT_EQ(sign_now().error().code, Errc::Refused);
    ASSERT_TRUE(sign_now("abc").has_value());
    EXPECT_THAT(request.headers, Contains(Pair("Authorization", "Bearer abc")));
}

// -- pushes ---------------------------------------------------------------------------------------------------

class PushSpec : public testing::Test {
protected:
    Result<void> verify(std::string_view body) {
        const auto find = [this](std::string_view name) -> std::optional<std::string_view> {
            const auto at = headers.find(std::string(name));
            return at == headers.end() ? std::nullopt : std::optional<std::string_view>(at->second);
        };
        return verify_push(*push->verify, body, find, now, secrets);
    }
    void use(std::string_view more) {
        push = definition(
            R"({"name":"hook","type":"webhook","topic":"a.b","verify":{"type":"hmac","header":"X-Sig","secret":{"env":"S"})" +
            std::string(more) + "}}");
    }

    std::shared_ptr<const Definition> push;
    std::map<std::string, std::string> headers;
    void SetUp() override { secrets.known["S"] = "key"; }

    KnownSecrets secrets;
    WallTime now = 1'700'000'000'000'000;
};

TEST_F(PushSpec, AGoodSignatureIsTaken) {
    use(R"(,"prefix":"sha256=")");
    headers["X-Sig"] = "sha256=" + text::hex(*hmac(HashName::Sha256, "key", R"({"order": 1})"));
    EXPECT_TRUE(verify(R"({"order": 1})").has_value());
    EXPECT_EQ(verify(R"({"order":1})").error().code, Errc::Refused) << "the raw body counts";
}

TEST_F(PushSpec, WhatIsMissingOrWrongIsRefusedWithoutTellingWhatWasExpected) {
    use("");
    const std::string good = text::hex(*hmac(HashName::Sha256, "key", "x"));
    EXPECT_EQ(verify("x").error().code, Errc::Refused);
    for (const char* bad :
         {"", "zz", "00", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"}) {
        headers["X-Sig"] = bad;
        const auto done = verify("x");
        ASSERT_FALSE(done.has_value());
        EXPECT_EQ(done.error().code, Errc::Refused);
        EXPECT_THAT(done.error().what, testing::Not(HasSubstr(good)));
    }
}

TEST_F(PushSpec, TheTimeIsSignedAndChecked) {
    use(R"(,"timestamp":"X-Time","over":"v0:{$timestamp}:{$body}","prefix":"v0=","encode":"base64","tolerance":"5m")");
    const auto signed_at = [&](std::int64_t seconds) {
        headers["X-Time"] = std::to_string(seconds);
        headers["X-Sig"] = "v0=" + text::base64(*hmac(HashName::Sha256, "key",
                                                      "v0:" + std::to_string(seconds) + ":x"));
        return verify("x").has_value();
    };
    EXPECT_TRUE(signed_at(1'700'000'000));
    EXPECT_TRUE(signed_at(1'699'999'701));
    EXPECT_FALSE(signed_at(1'699'999'699));
    EXPECT_FALSE(signed_at(1'700'000'301));
    headers.erase("X-Time");
    EXPECT_FALSE(verify("x").has_value());
}

}  // namespace
}  // namespace anode::source::spec
