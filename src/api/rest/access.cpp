#include "api/rest/access.hpp"

#include <algorithm>
#include <map>

#include "api/rest/await.hpp"
#include "api/rest/secret_text.hpp"
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

Problem wrong_credential() {
    Problem problem{401, "unauthenticated", "the credential is not valid", {}, {}, {}};
    problem.headers.emplace_back("WWW-Authenticate", "Bearer");
    return problem;
}

Problem expired() { return {401, "token-expired", "the token has expired", {}, {}, {}}; }

/// Ten characters of the alphabet that survives being read aloud.
std::string fresh_id() {
    constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
    std::uint8_t raw[kIdBytes];
    os_random(raw);
    std::string id;
    for (const std::uint8_t byte : raw) id += kAlphabet[byte % kAlphabet.size()];
    return id;
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
    auto access = std::make_shared<Access>(doors.state);
    known[&doors.node] = access;
    if (doors.state == nullptr) return access;
    const std::weak_ptr weak(access);
    doors.state->watch_tokens([weak](const std::string& id, const Bytes* record) {
        if (const auto alive = weak.lock()) alive->learn(id, record);
    });
    doors.state->watch_users([weak](const std::string& name, const Bytes* record) {
        if (const auto alive = weak.lock()) alive->learn_user(name, record);
    });
    return access;
}

/// Made, changed or ended, here or on another node.
void Access::learn(const std::string& id, const Bytes* record) {
    auto token = record != nullptr ? decode_token(*record) : std::nullopt;
    if (record != nullptr && (!token || token->id != id)) {
        log::error("auth", "a token cannot be read by this version", {{"id", id}});
        token.reset();
    }
    const std::lock_guard lock(mutex_);
    if (token)
        tokens_[id] = {std::move(*token), fingerprint_of(*record)};
    else
        tokens_.erase(id);
    changes_.fetch_add(1);
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
        const Token& token = entry.second.token;
        return is_admin(token) && (token.expires == 0 || token.expires > now);
    });
}

Caller Access::caller_of(const Known& known) {
    const Token& token = known.token;
    Caller caller = caller_with(token.name, token.roles, token.topics);
    caller.expires = token.expires;
    caller.credential = {token.id, known.fingerprint, token.expires};
    return caller;
}

bool Access::stands(const Credential& credential, WallTime now) {
    const std::lock_guard lock(mutex_);
    if (!require_token_ || credential.id.empty()) return true;
    if (!credential.id.starts_with(Sessions::kIdPrefix)) return basis_stands(credential, now);
    const auto basis = sessions_.basis_of(credential.id, now);
    return basis && basis_stands(*basis, now);
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
    const bool matches = same_text(of_secret, known ? found->second.token.secret_sha256 : of_text);
    const bool is_bootstrap = same_text(of_text, bootstrap_sha256_);
    if (is_bootstrap && !in_url && !has_admin(now)) {
        Caller caller = Caller::administrator(std::string(kBootstrapId));
        caller.credential.id = kBootstrapId;
        return caller;
    }
    if (!known || !matches) return refuse(wrong_credential());
    const Token& token = found->second.token;
    if (token.expires != 0 && token.expires <= now) return refuse(expired());
    if ((in_url && !token.url_ok) || !from_allowed_network(token, peer))
        return refuse(wrong_credential());
    return caller_of(found->second);
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
        token = found->second.token;
    }
    token.created = now;
    return keep(std::move(token));
}

/// Gives the token a new secret and tells all nodes.
Read<Access::Made> Access::keep(Token token) {
    if (state_ == nullptr) return refuse({503, "not-ready", "no tokens are kept here", {}, {}, {}});
    const std::string secret = random_text(32);
    token.secret_sha256 = sha256_hex(secret);
    const auto kept = state_outcome(await<Result<void>>(
        [&](auto reply) { state_->put_token(token.id, encode_token(token), std::move(reply)); }));
    if (!kept) return refuse(kept.error());
    std::string text = std::string(kPrefix) + token.id + "_" + secret;
    return Made{std::move(token), std::move(text)};
}

Read<Token> Access::revoke(std::string_view id) {
    Token token;
    {
        const std::lock_guard lock(mutex_);
        const auto found = tokens_.find(std::string(id));
        if (found == tokens_.end()) return refuse(Problem::not_found("no token of this id"));
        token = found->second.token;
    }
    const auto gone = state_outcome(
        await<Result<void>>([&](auto reply) { state_->revoke_token(token.id, std::move(reply)); }));
    if (!gone) return refuse(gone.error());
    return token;
}

std::optional<Token> Access::token(std::string_view id) const {
    const std::lock_guard lock(mutex_);
    const auto found = tokens_.find(std::string(id));
    return found == tokens_.end() ? std::nullopt : std::optional(found->second.token);
}

std::vector<Token> Access::tokens() const {
    const std::lock_guard lock(mutex_);
    std::vector<Token> all;
    for (const auto& [id, known] : tokens_) all.push_back(known.token);
    std::ranges::sort(all, {}, &Token::id);
    return all;
}

}  // namespace anode::api::rest
