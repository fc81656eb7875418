#include "api/rest/access.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <map>

#include "base/log.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"
#include "runtime/random.hpp"

namespace anode::api::rest {

namespace {

constexpr std::string_view kPrefix = "an_";
constexpr std::size_t kIdBytes = 10, kSecretBytes = 43;
constexpr std::size_t kTicketsMax = 10'000, kTokensMax = 10'000;
constexpr WallTime kTicketLife = 30'000'000;
constexpr std::string_view kSpace = "token";

std::string sha256_hex(std::string_view bytes) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    ::SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
    return text::hex({reinterpret_cast<const char*>(digest), sizeof digest});
}

bool same(std::string_view a, std::string_view b) {
    return a.size() == b.size() && ::CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Problem wrong_credential() {
    Problem problem{401, "unauthenticated", "the credential is not valid", {}, {}, {}};
    problem.headers.emplace_back("WWW-Authenticate", "Bearer");
    return problem;
}

Problem expired() { return {401, "token-expired", "the token has expired", {}, {}, {}}; }

std::string random_text(std::size_t raw_bytes) {
    std::vector<std::uint8_t> raw(raw_bytes);
    os_random(raw);
    return text::base64url({reinterpret_cast<const char*>(raw.data()), raw.size()});
}

/// Ten characters of the alphabet that survives being read aloud.
std::string fresh_id() {
    constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
    std::uint8_t raw[kIdBytes];
    os_random(raw);
    std::string id;
    for (const std::uint8_t byte : raw) id += kAlphabet[byte % kAlphabet.size()];
    return id;
}

Caller caller_of(const Token& token) {
    Caller caller;
    caller.name = token.name;
    caller.authenticated = true;
    caller.roles = token.roles;
    caller.expires = token.expires;
    std::vector<Pattern> patterns;
    for (const std::string& text : token.topics)
        if (auto pattern = Pattern::parse(text)) patterns.push_back(std::move(*pattern));
    caller.all_topics = patterns.empty();
    caller.topics = PatternSet(std::move(patterns));
    return caller;
}

bool is_admin(const Token& token) {
    return (token.roles & 1U << static_cast<unsigned>(Role::Admin)) != 0;
}

bool from_allowed_network(const Token& token, std::string_view peer) {
    if (token.networks.empty() || peer.empty() || peer == "unix") return true;
    const auto address = IpAddress::parse(peer);
    return address && std::ranges::any_of(token.networks, [&](const std::string& text) {
               const auto network = IpNetwork::parse(text);
               return network && network->contains(*address);
           });
}

}  // namespace

std::shared_ptr<Access> Access::of(const Doors& doors) {
    static std::mutex mutex;
    static std::map<const NodeControl*, std::weak_ptr<Access>> known;
    const std::lock_guard lock(mutex);
    std::erase_if(known, [](const auto& entry) { return entry.second.expired(); });
    if (auto access = known[&doors.node].lock()) return access;
    auto access = std::make_shared<Access>(doors.store);
    known[&doors.node] = access;
    return access;
}

Access::Access(Store& store) : store_(store) {
    for (const auto& [id, record] : store.records(kSpace)) {
        auto token = decode_token(record);
        if (token)
            tokens_[id] = std::move(*token);
        else
            log::error("auth", "a stored token is unreadable", {{"id", id}});
    }
}

void Access::configure(bool require_token, std::string bootstrap_sha256) {
    const std::lock_guard lock(mutex_);
    require_token_ = require_token;
    bootstrap_sha256_ = text::lower(bootstrap_sha256);
}

bool Access::open() const {
    const std::lock_guard lock(mutex_);
    return !require_token_;
}

bool Access::has_admin(WallTime now) const {
    return std::ranges::any_of(tokens_, [now](const auto& entry) {
        return is_admin(entry.second) && (entry.second.expires == 0 || entry.second.expires > now);
    });
}

/// An unknown id costs the same as a known one with a wrong secret: both digests are made and compared.
Read<Caller> Access::by_token(std::string_view text, bool in_url, std::string_view peer,
                              WallTime now) {
    std::string_view id, secret = text;
    const bool formed = text.starts_with(kPrefix) &&
                        text.size() == kPrefix.size() + kIdBytes + 1 + kSecretBytes &&
                        text[kPrefix.size() + kIdBytes] == '_';
    if (formed) {
        id = text.substr(kPrefix.size(), kIdBytes);
        secret = text.substr(kPrefix.size() + kIdBytes + 1);
    }
    const std::string of_secret = sha256_hex(secret), of_text = sha256_hex(text);
    const std::lock_guard lock(mutex_);
    const auto found = tokens_.find(std::string(id));
    const bool known = found != tokens_.end();
    const bool matches = same(of_secret, known ? found->second.secret_sha256 : of_text);
    const bool is_bootstrap = same(of_text, bootstrap_sha256_);
    if (is_bootstrap && !in_url && !has_admin(now)) return Caller::administrator("bootstrap");
    if (!known || !matches) return refuse(wrong_credential());
    const Token& token = found->second;
    if (token.expires != 0 && token.expires <= now) return refuse(expired());
    if ((in_url && !token.url_ok) || !from_allowed_network(token, peer))
        return refuse(wrong_credential());
    return caller_of(token);
}

Read<Caller> Access::by_ticket(std::string_view ticket, WallTime now) {
    const std::lock_guard lock(mutex_);
    auto found = tickets_.extract(sha256_hex(ticket));
    if (found.empty() || found.mapped().expires <= now) return refuse(wrong_credential());
    return std::move(found.mapped().caller);
}

std::optional<Access::Ticket> Access::issue_ticket(const Caller& caller, WallTime now) {
    Ticket ticket{"at_" + random_text(32), now + kTicketLife};
    const std::lock_guard lock(mutex_);
    if (tickets_.size() >= kTicketsMax)
        std::erase_if(tickets_, [now](const auto& entry) { return entry.second.expires <= now; });
    if (tickets_.size() >= kTicketsMax) return std::nullopt;
    tickets_[sha256_hex(ticket.text)] = {caller, ticket.expires};
    return ticket;
}

Read<Access::Made> Access::create(Token wanted, WallTime now) {
    {
        const std::lock_guard lock(mutex_);
        if (tokens_.size() >= kTokensMax)
            return refuse(Problem::invalid("there are 10,000 tokens already"));
    }
    wanted.id = fresh_id();
    wanted.created = now;
    return keep(std::move(wanted));
}

Read<Access::Made> Access::rotate(std::string_view id, WallTime now) {
    Token token;
    {
        const std::lock_guard lock(mutex_);
        const auto found = tokens_.find(std::string(id));
        if (found == tokens_.end()) return refuse(Problem::not_found("no token of this id"));
        token = found->second;
    }
    token.created = now;
    return keep(std::move(token));
}

/// Gives the token a new secret and stores it.
Read<Access::Made> Access::keep(Token token) {
    const std::string secret = random_text(32);
    token.secret_sha256 = sha256_hex(secret);
    const auto stored = store_.put({{std::string(kSpace), token.id, encode_token(token)}});
    if (!stored) return refuse(Problem::of(stored.error()));
    Made made{token, std::string(kPrefix) + token.id + "_" + secret};
    const std::lock_guard lock(mutex_);
    tokens_[token.id] = std::move(token);
    return made;
}

Read<Token> Access::revoke(std::string_view id) {
    std::unique_lock lock(mutex_);
    auto found = tokens_.extract(std::string(id));
    lock.unlock();
    if (found.empty()) return refuse(Problem::not_found("no token of this id"));
    const auto stored = store_.put({{std::string(kSpace), std::string(id), std::nullopt}});
    if (!stored) return refuse(Problem::of(stored.error()));
    return std::move(found.mapped());
}

std::vector<Token> Access::tokens() const {
    const std::lock_guard lock(mutex_);
    std::vector<Token> all;
    for (const auto& [id, token] : tokens_) all.push_back(token);
    std::ranges::sort(all, {}, &Token::id);
    return all;
}

}  // namespace anode::api::rest
