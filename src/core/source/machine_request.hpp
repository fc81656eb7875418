#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "core/source/machine_desk.hpp"
#include "core/source/sign.hpp"
#include "core/source/template.hpp"

/// What leaves over HTTP: requests made from templates, sent as budgets allow, answered to whoever asked.
namespace anode::source {

/// What a request or handshake is made from.
struct Wanted {
    const Template* url = nullptr;
    std::span<const Item> items;
    Variables* variables = nullptr;  ///< read, and set by `auth` where it says so
    std::uint64_t* counter = nullptr;
    const json::Value* row = nullptr;
    std::string_view key;
    std::string method = "GET";
    const MessageTemplate* body = nullptr;
    std::span<const std::pair<std::string, Filler>> headers;  ///< beside those of the definition
    std::string_view literal_url;  ///< instead of `url`: the server named it
    bool with_query = true;        ///< `query` of the definition applies
    bool with_headers = true;      ///< `headers` of the definition apply
    std::string_view oauth_token;
};
/// URL, headers, body, credentials. Errors name the template or secret, never a value.
Result<Outgoing> assemble(const Desk& desk, const Wanted& wanted, Rng& rng);
/// The same as a request, with the definition's time limits and TLS.
HttpRequest to_request(const Desk& desk, Outgoing outgoing);
/// Adds where to go on from, as `resume` says; messages are the caller's.
void add_position(const Definition& definition, const Bytes& position, Outgoing& outgoing);
/// Context for templates of this source, at this moment.
Context context_of(const Desk& desk, std::span<const Item> items, const Variables* variables,
                   Rng* rng, std::uint64_t* counter);

/// Who asked.
struct Purpose {
    enum class Kind : std::uint8_t { Step, Items, Snapshot, Backfill, Token, Poll } kind{};
    std::uint32_t owner = 0;  ///< a connection, list, target
    std::string key;
    friend bool operator==(const Purpose&, const Purpose&) = default;
};

/// Sends requests in the order asked, within `rate.requests` and `rate.concurrency`.
class Courier {
public:
    explicit Courier(Desk& desk) : desk_(desk) {}
    ~Courier();
    Courier(const Courier&) = delete;
    Courier& operator=(const Courier&) = delete;

    RequestId ask(Purpose purpose, HttpRequest request);
    /// Who asked for this; the request is done. None: forgotten meanwhile.
    std::optional<Purpose> settle(RequestId id, HeaderView headers);
    /// Forgets all requests of this kind and owner, sent or waiting.
    void forget(Purpose::Kind kind, std::uint32_t owner);
    void forget_all();
    bool fired(TimerId id);

private:
    struct Waiting {
        RequestId id;
        HttpRequest request;
    };
    void pump();
    void drop(RequestId id);
    void obey(HeaderView headers);

    Desk& desk_;
    std::uint32_t last_id_ = 0;
    std::map<RequestId, Purpose> purposes_;
    std::map<RequestId, bool> sent_;
    std::deque<Waiting> waiting_;
    TimerId timer_{};
    bool armed_ = false;
};

/// The access token of `auth = oauth2`: fetched, renewed early, and once more when refused (C43).
class TokenKeeper {
public:
    TokenKeeper(Desk& desk, Courier& courier);

    [[nodiscard]] bool needed() const noexcept { return spec_ != nullptr; }
    /// The token if there is a good one; starts a request where one is due.
    std::optional<std::string_view> want();
    /// The token was refused: it is forgotten. False if that was the second time without a success between.
    bool refused();
    void accepted() noexcept { refusals_ = 0; }
    /// The token request's end. True if a token is here now.
    bool answered(int status, BytesView body);
    void failed(const Failure& why);
    /// The courier forgot all requests.
    void reset() noexcept { asking_ = false; }
    [[nodiscard]] bool asking() const noexcept { return asking_; }

private:
    void start();

    Desk& desk_;
    Courier& courier_;
    const AuthOAuth2* spec_;
    AccessToken token_;
    bool asking_ = false;
    unsigned refusals_ = 0;
};

}  // namespace anode::source
